import EventLoop
@testable import Gateway
@testable import HTTP
import JSON
import Store
import Testing

extension World {
    /// Switches access control on with the administrator's login `root`, password `correct horse`.
    func enableLogins(mode: String = "unrestricted") async throws {
        let answer: Answer = await post(
            "/v2-beta/localauthconfigs",
            [
                "enabled": true, "accessMode": .string(mode), "name": "Root", "username": "root",
                "password": "correct horse",
            ]
        )
        try #require(answer.status == 201, "\(answer)")
    }

    /// Gives somebody a login.
    @discardableResult
    func password(_ login: String, _ secret: String, of account: String) async throws -> String {
        let answer: Answer = await post(
            "/v2-beta/passwords",
            ["publicValue": .string(login), "secretValue": .string(secret), "accountId": .string(account)]
        )
        return try #require(answer.status == 201 ? answer["id"]?.string : nil, "\(answer)")
    }

    func login(_ code: String, peer: String = "192.0.2.7") async -> Answer {
        await send(
            "POST",
            "/v2-beta/token",
            as: .nobody,
            body: JSONWriter.bytes(["code": .string(code)]),
            peer: peer
        )
    }

    func token(_ code: String) async throws -> String {
        let answer: Answer = await login(code)
        return try #require(answer.status == 201 ? answer["jwt"]?.string : nil, "\(answer)")
    }

    /// A request of nobody's on its way, for what is not asked by one.
    func exchange(_ target: String = "/v2-beta/token") throws -> Exchange {
        let request = HTTPRequest(method: "GET", target: target, headers: ["Host": "drover.test"])
        let connection = ConnectionInfo(
            peer: .tcp(host: "192.0.2.7", port: 1),
            local: .tcp(host: "127.0.0.1", port: 8080),
            stream: MemoryStream(loop: loop, peer: "192.0.2.7")
        )
        let policy: PolicySnapshot = gateway.policies.snapshot(of: node.store.view)
        let reception = Reception(request, connection, policy, local: "127.0.0.1:8080")
        let arrival = Arrival(reception, request, connection, id: "r")
        let path: APIPath = try #require(APIPath(segments: request.segments ?? []))
        return arrival.exchange(path, request.queryItems ?? QueryItems(), node.store.view, gateway)
    }

    func bearing(_ token: String, _ target: String, method: String = "GET", body: JSONValue? = nil) async -> Answer {
        await send(
            method,
            target,
            as: .nobody,
            headers: ["Authorization": "Bearer \(token)"],
            body: body.map { JSONWriter.bytes($0) } ?? []
        )
    }
}
