import HTTP
import JSON
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
