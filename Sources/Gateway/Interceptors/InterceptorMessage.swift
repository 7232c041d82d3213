import Bytes
import Crypto
import HTTP
import JSON
import Limits

/// A request, or its answer, on the way through the interceptors.
struct InterceptedMessage: Sendable {
    var headers: HeaderLists
    /// nil for none.
    var body: JSONObject?
    /// The same for every interceptor of a request.
    let uuid: String
    let path: String
    let method: String
    /// The environment, as the path has it.
    let environment: String?
    /// Of the answer; nil for a request.
    var status: Int?
    let requestID: String
    let traceParent: String
    /// How many interceptors' calls led to it.
    let depth: Int
    /// What a validator may tell of the caller.
    let identity: [(name: String, value: String)]
    /// Who is calling; nil for nobody, or where nobody has looked.
    let caller: AssertedCaller?
    /// Says so under the cluster's key; nil while it cannot.
    var signer: AssertionSigner?

    /// How many interceptors' calls led to a request.
    ///
    /// - Throws: 508 for one that interceptors lead to in a circle.
    static func depth(of request: HTTPRequest) throws(Problem) -> Int {
        let depth: Int = request.headers[HeaderPolicy.depth].flatMap { Int($0) } ?? 0
        guard (0..<Limits.interceptorDepth).contains(depth) else {
            throw Problem(
                status: 508,
                code: "Loop Detected",
                message: "Interceptors call each other in a circle: this request is \(depth) calls deep."
            )
        }
        return depth
    }
}

/// What one interceptor is sent, byte for byte (contract A20).
enum InterceptorMessage {
    static func request(_ message: InterceptedMessage, to rule: InterceptorRule, _ address: OutboundAddress)
        -> HTTPRequest
    {
        var document = JSONObject()
        let headers: JSONObject = visible(message.headers, rule).document
        if !headers.isEmpty { document.append("headers", .object(headers)) }
        if let body: JSONObject = message.body, !body.isEmpty {
            document.append("body", .object(rule.passesSecrets ? body : SecretMask.hidden(body)))
        }
        document.append("UUID", .string(message.uuid))
        document.append("APIPath", .string(message.path))
        document.append("APIMethod", .string(message.method))
        if let environment: String = message.environment { document.append("envID", .string(environment)) }
        if let status: Int = message.status { document.append("status", JSONValue(status)) }
        let bytes: [UInt8] = JSONWriter.bytes(.object(document))
        var request = HTTPRequest(method: "POST", target: address.target, body: bytes)
        request.headers.append("Content-Type", "application/json")
        request.headers.append("Accept", "application/json")
        request.headers.append("User-Agent", "drover")
        request.headers.append("X-API-Request-Id", message.requestID)
        request.headers.append("traceparent", message.traceParent)
        request.headers.append(HeaderPolicy.depth, String(message.depth + 1))
        if let signer: AssertionSigner = message.signer, let caller: AssertedCaller = message.caller {
            request.headers.append(
                AssertionSigner.header,
                signer.assertion(
                    caller,
                    audience: rule.audience ?? address.authority,
                    request: (message.requestID, message.method, message.path),
                    body: bytes
                )
            )
        }
        if !rule.secretToken.isEmpty {
            request.headers.append("X-API-Auth-Signature", signature(of: bytes, rule.secretToken))
        }
        return request
    }

    static func visible(_ headers: HeaderLists, _ rule: InterceptorRule) -> HeaderLists {
        rule.passesCredentials ? headers : headers.without(HeaderPolicy.isCredential)
    }

    /// base64url with padding, of HMAC-SHA512 over the exact bytes.
    static func signature(of bytes: [UInt8], _ secret: String) -> String {
        let tag: [UInt8] = HMAC.sha512(key: Array(secret.utf8), message: bytes)
        return String(
            Base64.encode(tag).map { $0 == "+" ? "-" : $0 == "/" ? "_" : $0 }
        )
    }
}
