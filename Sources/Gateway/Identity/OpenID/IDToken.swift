import Crypto
import JSON
import Limits

/// What a provider says of a person who has just shown who it is (OpenID Connect Core 1.0, section 2).
struct IDToken: Sendable {
    /// What a token must say to be for us, now.
    struct Expected: Sendable {
        var issuer: String
        var clientID: String
        var nonce: String
        /// Milliseconds since 1970.
        var time: Int64
    }

    let claims: JSONObject
    /// The person, for this issuer and for ever.
    let subject: String

    /// Verifies a token (RFC 7515, RFC 7519, OpenID Connect Core 3.1.3.7).
    ///
    /// Pure.
    ///
    /// - Throws: ``IDTokenFault``; `unknownKey` when the provider may have a newer key.
    init(verifying text: String, keys: SignatureKeySet, expected: Expected) throws(IDTokenFault) {
        let token = try SignedToken(
            verifying: text,
            keys: keys,
            expected: SignedToken.Expected(
                issuer: expected.issuer,
                audience: expected.clientID,
                time: expected.time,
                ageSeconds: Limits.providerTokenSeconds
            )
        )
        let claims: JSONObject = token.claims
        try Self.check(claims, token.audience, expected)
        guard let subject: String = claims["sub"]?.string, !subject.isEmpty, subject.utf8.count <= 255 else {
            throw .claim("sub")
        }
        self.claims = claims
        self.subject = subject
    }

    private static func check(
        _ claims: JSONObject,
        _ audience: [String],
        _ expected: Expected
    ) throws(IDTokenFault) {
        if let party: String = claims["azp"]?.string {
            guard party == expected.clientID else { throw .claim("azp") }
        } else if audience.count > 1 {
            throw .claim("azp")
        }
        guard !expected.nonce.isEmpty, let nonce: String = claims["nonce"]?.string,
            ConstantTime.equals(SHA256.hash(Array(nonce.utf8)), SHA256.hash(Array(expected.nonce.utf8)))
        else { throw .claim("nonce") }
    }

    /// A claim that is a text or a list of texts; bounded.
    func texts(_ name: String) -> [String] {
        let values: [String] = claims[name]?.string.map { [$0] } ?? claims[name]?.array?.compactMap(\.string) ?? []
        return Array(values.filter { !$0.isEmpty && $0.utf8.count <= 255 }.prefix(Limits.providerGroups))
    }
}

/// Why a token is not believed.
enum IDTokenFault: Error, Hashable, Sendable, CustomStringConvertible {
    case malformed
    /// Neither RS256 nor ES256.
    case algorithm
    /// No key of the provider's has this name and kind.
    case unknownKey
    case signature
    /// The claim is missing or wrong.
    case claim(String)

    var description: String {
        switch self {
        case .malformed: "the provider's token is no token"
        case .algorithm: "the provider's token is signed with neither RS256 nor ES256"
        case .unknownKey: "the provider's token is signed with a key that the provider does not publish"
        case .signature: "the signature of the provider's token is wrong"
        case .claim(let name): "the provider's token is not for this cluster now: its \(name) is missing or wrong"
        }
    }
}
