import Bytes
import EventLoop
import HTTP
import JSON
import Logging

/// Makes this host known to the server: `POST /v2-beta/register` with the token, answered with a key of its own.
struct Registration: Sendable {
    /// What came of an attempt that got no key.
    enum Failure: Error {
        /// The token is foreign or expired: no later attempt will do better.
        case refused(AgentFault)
        /// No server, or one that cannot now.
        case later(String)
    }

    let url: ServerURL
    let client: HTTPClient

    func register(token: Secret<String>, hostUUID: String, hostname: String) async throws(Failure) -> AgentIdentity.Key
    {
        let response: HTTPClientResponse
        do {
            var request = HTTPRequest(method: "POST", target: "\(url.basePath)/v2-beta/register")
            request.headers["Authorization"] = BasicAuthorization.header("registrationToken", token.reveal())
            request.headers["Content-Type"] = "application/json"
            request.headers["Accept"] = "application/json"
            request.body = JSONWriter.bytes(["key": .string(hostUUID), "hostname": .string(hostname)])
            response = try await client.send(request, to: url.endpoint)
        } catch {
            throw .later("\(url) does not answer: \(error)")
        }
        let body: JSONValue = (try? JSONReader.parse(response.body)) ?? .null
        switch response.status {
        case 200, 201:
            guard let access: String = body["accessKey"]?.string, let secret: String = body["secretKey"]?.string else {
                throw .later("\(url) answered without a key; is it a Drover server?")
            }
            return AgentIdentity.Key(
                accessKey: access,
                secretKey: Secret(secret),
                hostID: body["hostId"]?.string ?? ""
            )
        // A server in trouble, or one that wants less at once.
        case 408, 429, 500...: throw .later("\(url) answered \(response.status)")
        default:
            let cause: String = body["detail"]?.string ?? body["message"]?.string ?? body["code"]?.string ?? ""
            throw .refused(
                AgentFault(
                    "\(url) refused to register this host (\(response.status)\(cause.isEmpty ? "" : ": \(cause)")); "
                        + "the registration token may be of another server or expired: get a new one and start again"
                )
            )
        }
    }
}

enum BasicAuthorization {
    /// RFC 7617.
    static func header(_ user: String, _ password: String) -> String {
        "Basic " + Base64.encode(Array("\(user):\(password)".utf8))
    }
}
