package import EventLoop
import Glibc
package import HostAgentCore
import HTTP
import JSON
import Limits

/// The Docker Engine's API over its Unix socket, in the version that both sides know.
package struct DockerEngine: Sendable {
    /// The newest version of the API whose fields this code was written for, and the oldest that has them.
    private static let newest: (major: Int, minor: Int) = (1, 43)
    private static let oldest: (major: Int, minor: Int) = (1, 24)

    let client: HTTPClient
    let endpoint: Endpoint
    /// Such as `/v1.41`.
    let prefix: String
    /// Of the engine, such as `20.10.24`.
    package let engineVersion: String

    /// An answer and what it carries.
    struct Answer {
        var status: Int
        var body: JSONValue
        /// The engine's own sentence for what went wrong.
        var message: String { body["message"]?.string ?? "the engine answered \(status)" }
    }

    /// Where the engine listens: `DOCKER_HOST` if it is a Unix socket, else the usual place.
    ///
    /// - Throws: when `DOCKER_HOST` names something else than a Unix socket.
    package static func socketPath(dockerHost: String?) throws(OperationFailure) -> String {
        guard let dockerHost, !dockerHost.isEmpty else { return "/var/run/docker.sock" }
        let scheme: String = "unix://"
        guard dockerHost.hasPrefix(scheme), dockerHost.utf8.count > scheme.utf8.count else {
            throw OperationFailure(
                "DOCKER_HOST is \(dockerHost), but an agent speaks to unix:///path/to/docker.sock only"
            )
        }
        return String(dockerHost.dropFirst(scheme.count))
    }

    /// Asks the engine for its version and settles on one of the API.
    ///
    /// - Throws: a transient failure when no engine answers there.
    package static func connect(socketPath: String, loop: EventLoop) async throws(OperationFailure) -> DockerEngine {
        var limits = HTTPClientLimits()
        limits.message.bodyBytes = Limits.httpClientBodyBytes
        let client = HTTPClient(loop: loop, limits: limits)
        let unversioned = DockerEngine(
            client: client,
            endpoint: .unix(path: socketPath),
            prefix: "",
            engineVersion: ""
        )
        let answer: Answer = try await unversioned.call("GET", "/version", "ask the engine for its version")
        guard answer.status == 200, let text: String = answer.body["ApiVersion"]?.string,
            let theirs: (major: Int, minor: Int) = version(text)
        else { throw OperationFailure("what answers at unix:\(socketPath) is no Docker Engine: \(answer.message)") }
        guard theirs >= oldest else {
            throw OperationFailure(
                "the engine at unix:\(socketPath) speaks API \(text); at least \(oldest.major).\(oldest.minor) is "
                    + "needed (Docker 1.12)"
            )
        }
        let agreed: (major: Int, minor: Int) = theirs < newest ? theirs : newest
        return DockerEngine(
            client: client,
            endpoint: .unix(path: socketPath),
            prefix: "/v\(agreed.major).\(agreed.minor)",
            engineVersion: answer.body["Version"]?.string ?? ""
        )
    }

    private static func version(_ text: String) -> (major: Int, minor: Int)? {
        let parts: [Int] = text.split(separator: ".").compactMap { Int($0) }
        return parts.count == 2 ? (parts[0], parts[1]) : nil
    }

    /// One request with a JSON answer.
    ///
    /// `doing` is what to say when it cannot be sent.
    func call(
        _ method: String,
        _ path: String,
        query: [(String, String)] = [],
        body: JSONValue? = nil,
        _ doing: String,
        answerSeconds: Int = 60
    ) async throws(OperationFailure) -> Answer {
        var limits = HTTPClientLimits()
        limits.answerMilliseconds = answerSeconds * 1_000
        do {
            let response: HTTPClientResponse = try await client.send(
                request(method, path, query, body),
                to: endpoint,
                limits: limits
            )
            let value: JSONValue = (try? JSONReader.parse(response.body)) ?? .null
            return Answer(status: response.status, body: value)
        } catch {
            throw unreachable(doing, error)
        }
    }

    /// One request whose answer comes in pieces for as long as it likes.
    func open(
        _ method: String,
        _ path: String,
        query: [(String, String)],
        _ doing: String,
        pieceSeconds: Int?
    ) async throws(OperationFailure) -> HTTPAnswer {
        var limits = HTTPClientLimits()
        limits.message.bodyBytes = Int.max
        limits.bodyMilliseconds = pieceSeconds.map { $0 * 1_000 }
        limits.answerMilliseconds = (pieceSeconds ?? 60) * 1_000
        do {
            return try await client.open(request(method, path, query, nil), to: endpoint, limits: limits)
        } catch {
            throw unreachable(doing, error)
        }
    }

    func request(
        _ method: String,
        _ path: String,
        _ query: [(String, String)],
        _ body: JSONValue?
    ) -> HTTPRequest {
        let items: String = query.map { "\($0.0)=\(PercentCoding.encode($0.1))" }.joined(separator: "&")
        var request = HTTPRequest(
            method: method,
            target: prefix + path + (items.isEmpty ? "" : "?" + items),
            headers: ["Host": "docker"]
        )
        if let body {
            request.headers["Content-Type"] = "application/json"
            request.body = JSONWriter.bytes(body)
        }
        return request
    }

    func unreachable(_ doing: String, _ error: any Error) -> OperationFailure {
        OperationFailure(
            "cannot \(doing): the Docker Engine at \(endpoint) does not answer (\(error)); is it running?",
            isTransient: true
        )
    }
}
