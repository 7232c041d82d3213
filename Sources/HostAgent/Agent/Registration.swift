import Bytes
import Certificates
import EventLoop
import HTTP
import JSON
import Logging

/// Makes this host known to a server, and gets it certificates.
struct Registration: Sendable {
    /// What came of an attempt that got nothing.
    enum Failure: Error {
        /// The server does not want this host, and no later attempt will do better.
        case refused(AgentFault)
        /// No server, or one that cannot now.
        case later(String)
        /// Whoever answers there is not to be trusted.
        case untrusted(String)
    }

    /// What registering gives.
    struct Outcome: Sendable {
        var key: AgentIdentity.Key
        /// nil over plain HTTP.
        var certificate: HostCertificate?
        /// Base URLs of all gateways.
        var servers: [String]
    }

    let url: ServerURL
    let client: HTTPClient

    /// `POST /v2-beta/register` with the token, answered with a key and, over HTTPS, a certificate.
    func register(token: Secret<String>, hostUUID: String, hostname: String) async throws(Failure) -> Outcome {
        var body: JSONObject = ["key": .string(hostUUID), "hostname": .string(hostname)]
        let request: (key: PrivateKey, text: String)? = url.isSecure ? try certificateRequest() : nil
        if let request { body.append("certificateRequest", .string(request.text)) }
        let answer: (status: Int, body: JSONValue) = try await post(
            "register",
            .object(body),
            authorization: BasicAuthorization.header("registrationToken", token.reveal())
        )
        guard [200, 201].contains(answer.status) else {
            throw .refused(
                AgentFault(
                    "\(url) refused to register this host (\(answer.status)\(Self.cause(answer.body))); "
                        + "the registration token may be of another server or expired: get a new one and start again"
                )
            )
        }
        guard let access: String = answer.body["accessKey"]?.string,
            let secret: String = answer.body["secretKey"]?.string
        else { throw .later("\(url) answered without a key; is it a Drover server?") }
        return Outcome(
            key: AgentIdentity.Key(
                accessKey: access,
                secretKey: Secret(secret),
                hostID: answer.body["hostId"]?.string ?? ""
            ),
            certificate: try request.map { (request) throws(Failure) in try certificate(answer.body, request.key) },
            servers: answer.body["servers"]?.array?.compactMap(\.string) ?? []
        )
    }

    /// `POST /v2-beta/hostcertificates`, answered with a new certificate for a new key.
    ///
    /// - Parameter key: the host's key, when the connection shows no certificate: after that one has expired.
    func renew(_ key: AgentIdentity.Key?) async throws(Failure) -> HostCertificate {
        let request: (key: PrivateKey, text: String) = try certificateRequest()
        let answer: (status: Int, body: JSONValue) = try await post(
            "hostcertificates",
            ["certificateRequest": .string(request.text)],
            authorization: key.map { BasicAuthorization.header($0.accessKey, $0.secretKey.reveal()) }
        )
        switch answer.status {
        case 200, 201: return try certificate(answer.body, request.key)
        case 401, 403:
            throw .refused(
                AgentFault("the server gives this host no certificate (\(answer.status)\(Self.cause(answer.body)))")
            )
        default: throw .later("\(url) issued no certificate (\(answer.status)\(Self.cause(answer.body)))")
        }
    }

    private func certificateRequest() throws(Failure) -> (key: PrivateKey, text: String) {
        do throws(CertificateFault) {
            let key = try PrivateKey.generate()
            let request = try CertificateRequest.make(key: key, commonName: "host")
            return (key, String(decoding: request.pem, as: UTF8.self))
        } catch {
            throw .later("no key can be made: \(error)")
        }
    }

    private func certificate(_ answer: JSONValue, _ key: PrivateKey) throws(Failure) -> HostCertificate {
        do throws(AgentFault) {
            return try HostCertificate(answer: answer, key: key)
        } catch {
            throw .later("\(url): \(error)")
        }
    }

    private func post(
        _ path: String,
        _ body: JSONValue,
        authorization: String?
    ) async throws(Failure) -> (status: Int, body: JSONValue) {
        let response: HTTPClientResponse
        do {
            var request = HTTPRequest(method: "POST", target: "\(url.basePath)/v2-beta/\(path)")
            if let authorization { request.headers["Authorization"] = authorization }
            request.headers["Content-Type"] = "application/json"
            request.headers["Accept"] = "application/json"
            request.body = JSONWriter.bytes(body)
            response = try await client.send(request, to: url.endpoint)
        } catch let mismatch as ServerTrust.Mismatch {
            throw .untrusted("\(mismatch)")
        } catch {
            throw .later("\(url) does not answer: \(error)")
        }
        // A server in trouble, or one that wants less at once.
        if response.status == 408 || response.status == 429 || response.status >= 500 {
            throw .later("\(url) answered \(response.status)")
        }
        return (response.status, (try? JSONReader.parse(response.body)) ?? .null)
    }

    private static func cause(_ body: JSONValue) -> String {
        let cause: String = body["detail"]?.string ?? body["message"]?.string ?? body["code"]?.string ?? ""
        return cause.isEmpty ? "" : ": \(cause)"
    }
}

enum BasicAuthorization {
    /// RFC 7617.
    static func header(_ user: String, _ password: String) -> String {
        "Basic " + Base64.encode(Array("\(user):\(password)".utf8))
    }
}
