import Bytes
import CLI
import EventLoop
import Gateway
import HTTP
import JSON

/// The few calls that `dev` itself makes to the API of its cluster.
struct DevClient: Sendable {
    private let loop: EventLoop
    private let client: HTTPClient
    private let endpoint: Endpoint
    private let authorization: String

    init(port: Int, key: APIKey) throws {
        loop = try EventLoop.start()
        client = HTTPClient(loop: loop)
        endpoint = .tcp(host: "127.0.0.1", port: port)
        authorization = "Basic " + Base64.encode(Array("\(key.publicValue):\(key.secretValue)".utf8))
    }

    func close() async {
        client.close()
        await loop.stop()
    }

    /// Until the node answers.
    func waitUntilUp(part: DevPart) async throws {
        for _ in 0..<300 {
            if let answer = try? await send("GET", "/ping"), answer.status == 200 { return }
            guard !part.hasEnded else {
                throw CommandFailure("the node did not start; its log is \(part.output):\n\(LastLines.of(part.output))")
            }
            try await loop.sleep(milliseconds: 100)
        }
        throw CommandFailure("the node does not answer; its log is \(part.output)")
    }

    /// For one more node.
    func joinToken() async throws -> String {
        let made: HTTPClientResponse = try await send(
            "POST",
            "/v2-beta/cluster?action=createtoken",
            body: #"{"role":"node"}"#
        )
        guard made.status < 300, let token: String = (try? JSONReader.parse(made.body))?["token"]?.string else {
            throw CommandFailure("no join token: \(String(decoding: made.body.prefix(400), as: UTF8.self))")
        }
        return token
    }

    /// Until every node votes, and there is a leader.
    func waitForNodes(_ nodes: [DevPart]) async throws {
        var voters: Int = 0
        for _ in 0..<300 {
            if let answer = try? await send("GET", "/v2-beta/cluster"),
                let status: JSONValue = try? JSONReader.parse(answer.body),
                let members: [JSONValue] = status["members"]?.array, status["leader"]?.string != nil
            {
                voters = members.count { ["leader", "voter"].contains($0["role"]?.string) }
                if voters >= nodes.count { return }
            }
            if let part = nodes.first(where: \.hasEnded) {
                throw CommandFailure(
                    "\(part.name) did not start; its log is \(part.output):\n\(LastLines.of(part.output))"
                )
            }
            try await loop.sleep(milliseconds: 100)
        }
        throw CommandFailure("only \(voters) of \(nodes.count) nodes vote after half a minute; see the node*.log files")
    }

    func registrationToken() async throws -> String {
        let made: HTTPClientResponse = try await send("POST", "/v2-beta/projects/1a5/registrationtokens", body: "{}")
        guard made.status == 201, let token: String = (try? JSONReader.parse(made.body))?["token"]?.string else {
            throw CommandFailure("no registration token: \(String(decoding: made.body.prefix(400), as: UTF8.self))")
        }
        return token
    }

    /// Until as many hosts are active as there are agents.
    func waitForHosts(_ agents: [DevPart]) async throws {
        let wanted: Int = agents.count
        var active: Int = 0
        for _ in 0..<300 {
            if let answer = try? await send("GET", "/v2-beta/projects/1a5/hosts?state=active&limit=-1"),
                let list: [JSONValue] = (try? JSONReader.parse(answer.body))?["data"]?.array
            {
                // Registering makes a host active; what counts is that its agent has reported.
                active = list.count { $0["agentState"]?.string == "active" }
                if active >= wanted { return }
            }
            // What keeps an agent from starting at all does not pass by itself: no engine, a folder in use.
            if let part = agents.first(where: \.hasEnded) {
                throw CommandFailure(
                    "\(part.name) did not start; its log is \(part.output):\n\(LastLines.of(part.output))"
                )
            }
            try await loop.sleep(milliseconds: 200)
        }
        throw CommandFailure("only \(active) of \(wanted) hosts came up within a minute; see the host*.log files")
    }

    private func send(_ method: String, _ target: String, body: String? = nil) async throws -> HTTPClientResponse {
        var request = HTTPRequest(method: method, target: target, headers: ["Authorization": authorization])
        if let body {
            request.headers["Content-Type"] = "application/json"
            request.body = Array(body.utf8)
        }
        return try await client.send(request, to: endpoint)
    }
}
