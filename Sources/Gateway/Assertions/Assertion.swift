import Bytes
import Crypto
import HTTP
import JSON
import Limits
import Model

/// Who a request comes from, as others are told.
struct AssertedCaller: Sendable {
    /// The account, such as `1a7`.
    var account: String
    var kind: String
    var name: String
    /// The environment that the request acts in.
    var environment: String?
    /// The kind of the credential, never more of it.
    var authType: String
}

extension AssertedCaller {
    /// nil for whoever is no account.
    init?(_ exchange: Exchange) {
        guard let number: UInt64 = exchange.caller.accountNumber, let account = exchange.caller.account else {
            return nil
        }
        self.account = ResourceID(number: number).rendered("a")
        kind = account.kind
        name = account.name
        environment = exchange.projectNumber.map { ResourceID(number: $0).rendered("a") }
        authType = exchange.caller.authType
    }
}

/// Signs what interceptors and destinations are told of a caller: a JSON Web Token (RFC 7519) that says who it is, to one of
/// them, for a quarter of an hour.
struct AssertionSigner: Sendable {
    /// The header that carries it; what a client sends under this name goes nowhere.
    static let header: String = "X-API-Assertion"

    /// The cluster, such as `drover://00000000000000aa`.
    let issuer: String
    let keyID: String
    let key: SigningKey
    /// Milliseconds since 1970.
    let now: @Sendable () -> Int64

    /// The token.
    ///
    /// - Parameters:
    ///   - audience: whom it is for; nobody else is to believe it.
    ///   - request: its id, method and path.
    ///   - body: the exact bytes that go with it; nil when they are not known yet.
    func assertion(
        _ caller: AssertedCaller,
        audience: String,
        request: (id: String, method: String, path: String),
        body: [UInt8]?
    ) -> String {
        let issued: Int64 = now() / 1_000
        var claims: JSONObject = [
            "iss": .string(issuer), "aud": .string(audience), "sub": .string(caller.account), "iat": .int(issued),
            "exp": .int(issued + Limits.assertionSeconds), "jti": .string(Hex.encode(SecureRandom.bytes(16))),
            "kind": .string(caller.kind), "name": .string(caller.name), "authType": .string(caller.authType),
            "requestId": .string(request.id), "method": .string(request.method), "path": .string(request.path),
        ]
        if let environment: String = caller.environment { claims["environment"] = .string(environment) }
        if let body { claims["bodySHA256"] = .string(Base64URL.encode(SHA256.hash(body))) }
        let header: JSONValue = ["alg": "ES256", "kid": .string(keyID), "typ": "JWT"]
        let text: String =
            "\(Base64URL.encode(JSONWriter.bytes(header))).\(Base64URL.encode(JSONWriter.bytes(.object(claims))))"
        return "\(text).\(Base64URL.encode(key.sign(Array(text.utf8))))"
    }
}
