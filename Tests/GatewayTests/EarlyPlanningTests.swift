@testable import Gateway
import HTTP
import JSON
import Model
import Store
import StoreFormat
import Testing

/// Changes that are planned on a state that may be old: a node that lags behind, and one that does not.
@Suite(.timeLimit(.minutes(1))) struct EarlyPlanningTests {
    private let world = World()
    private let late: LaggingNode
    private let gateway: Gateway

    init() {
        late = LaggingNode(behind: world.node)
        gateway = late.gateway(in: world)
    }

    private func ask(
        _ method: String,
        _ path: String,
        _ body: JSONValue? = nil,
        as who: World.Who = .ann,
        headers: HTTPHeaders = [:]
    ) async -> Answer {
        await world.send(
            method,
            path,
            as: who,
            headers: headers,
            body: body.map { JSONWriter.bytes($0) } ?? [],
            through: gateway
        )
    }

    /// A stack that both nodes know.
    private func stack(_ description: String = "first") async throws -> String {
        let path = "\(World.home)/stacks/\(try await world.stack())"
        #expect(await world.put(path, ["description": .string(description)], as: .ann).status == 200)
        late.catchUp()
        return path
    }

    @Test func `a change is made without asking for the current state`() async throws {
        let path: String = try await stack()
        let answer: Answer = await ask("PUT", path, ["description": "second"])
        #expect(answer.status == 200 && answer["description"] == "second", "\(answer)")
        #expect(await ask("DELETE", path).status == 200)
        #expect(late.readCount == 0)
        #expect(await ask("GET", path).status == 200)
        #expect(late.readCount == 1)
    }

    @Test func `a change on an old state is planned again on what is there`() async throws {
        let path: String = try await stack()
        #expect(await world.put(path, ["externalId": "theirs"], as: .ann).status == 200)
        let answer: Answer = await ask("PUT", path, ["description": "mine"])
        #expect(answer["externalId"] == "theirs" && answer["description"] == "mine", "\(answer)")
        #expect(late.readCount == 1)
    }

    @Test func `that nothing is to be changed is not believed of an old state`() async throws {
        let path: String = try await stack("first")
        #expect(await world.put(path, ["description": "second"], as: .ann).status == 200)
        // This node still has "first", so that there would be nothing to do.
        let answer: Answer = await ask("PUT", path, ["description": "first"])
        #expect(answer.status == 200 && answer["description"] == "first", "\(answer)")
        #expect(try world.stored(.stack, answer["id"]?.string ?? "")["description"] == "first")
        // Where there is nothing to change indeed, that was looked at.
        let reads: Int = late.readCount
        #expect(await ask("PUT", path, ["description": "first"]).status == 200)
        #expect(late.readCount == reads + 1)
    }

    @Test func `what was made through another node is there`() async throws {
        let path = "\(World.home)/stacks/\(try await world.stack())"
        let answer: Answer = await ask("PUT", path, ["description": "mine"])
        #expect(answer.status == 200 && answer["description"] == "mine", "\(answer)")
    }

    @Test func `a key that was made through another node opens`() async throws {
        let path: String = try await stack()
        let made: Answer = await world.post("/v2-beta/apikeys", ["name": "k"], as: .ann)
        let key: String = World.basic(made["publicValue"]?.string ?? "", made["secretValue"]?.string ?? "")
        let answer: Answer = await ask("PUT", path, ["description": "d"], headers: ["Authorization": key])
        #expect(answer.status == 200, "\(answer)")
    }

    @Test func `a key that was taken away through another node changes nothing`() async throws {
        let path: String = try await stack()
        let made: Answer = await world.post("/v2-beta/apikeys", ["name": "k"], as: .ann)
        let key: String = World.basic(made["publicValue"]?.string ?? "", made["secretValue"]?.string ?? "")
        late.catchUp()
        #expect(await ask("PUT", path, ["description": "a"], headers: ["Authorization": key]).status == 200)
        let credential = "/v2-beta/apikeys/\(made["id"]?.string ?? "")"
        #expect(await world.post("\(credential)?action=deactivate", as: .ann).status < 300)
        let count: Int = world.node.changes.count
        let answer: Answer = await ask("PUT", path, ["description": "b"], headers: ["Authorization": key])
        #expect(answer.status == 401, "\(answer)")
        #expect(world.node.changes.count == count + 1, "it was proposed, and refused by what it relied on")
        #expect(try world.stored(.stack, String(path.split(separator: "/").last ?? ""))["description"] == "a")
    }

    @Test func `a way in that was opened through another node is open, one that was shut is shut`() async throws {
        let path: String = try await stack()
        #expect(await ask("PUT", path, ["description": "a"], as: .eve).status == 403)
        let member: JSONValue = [
            "kind": "projectMember", "state": "active", "uuid": "m9", "created": 1, "removed": nil, "memberId": 22,
            "role": "member", "projectId": 5,
        ]
        world.node.write([
            RecordWriting.put(.projectMember, .known(290), member.object ?? [:], scope: .known(5)),
            .touchPolicy(subject: Template(bytes: PolicySubject.account(22))),
        ])
        #expect(await ask("PUT", path, ["description": "b"], as: .eve).status == 200)
        var gone: JSONObject = member.object ?? [:]
        gone["state"] = "removed"
        gone["removed"] = 2
        world.node.write([
            RecordWriting.put(.projectMember, .known(290), gone, scope: .known(5)),
            .touchPolicy(subject: Template(bytes: PolicySubject.account(22))),
        ])
        #expect(await ask("PUT", path, ["description": "c"], as: .eve).status == 403)
    }

    @Test func `what was removed through another node is not changed any more`() async throws {
        let path: String = try await stack()
        #expect(await world.delete(path, as: .ann).status == 200)
        let number: UInt64 = try #require(ResourceID(String(path.split(separator: "/").last ?? ""))?.number)
        try world.change(.stack, number, ["state": "removed", "removed": 7])
        #expect(await ask("PUT", path, ["description": "late"]).status == 409)
        #expect(await ask("DELETE", path).status == 405)
    }

    @Test func `without a leader nobody is told what an old state says`() async throws {
        let path: String = try await stack()
        late.cutOff()
        #expect(await ask("PUT", path, ["description": "first"]).status == 503)
        #expect(await ask("PUT", "\(World.home)/stacks/1st999", ["description": "x"]).status == 503)
        #expect(await ask("PUT", path, ["description": "x"], as: .eve).status == 503)
        #expect(await ask("PUT", path, ["description": "x"]).status == 503)
    }

    @Test func `a change is not planned below the revision that is asked for`() async throws {
        let path: String = try await stack()
        let next: UInt64 = world.node.store.view.revision + 1
        #expect(await world.put(path, ["externalId": "theirs"], as: .ann).status == 200)
        let headers: HTTPHeaders = ["X-API-Min-Revision": "\(next)"]
        #expect(await ask("PUT", path, ["description": "d"], headers: headers).status == 503)
        late.catchUp()
        #expect(await ask("PUT", path, ["description": "d"], headers: headers)["externalId"] == "theirs")
    }

    @Test func `settings that change are seen by whoever asks next`() async throws {
        let path: String = try await stack()
        let name: String = "rancher.server.version"
        #expect(await ask("GET", path).headers["x-rancher-version"] == "v1.6.30")
        #expect(await world.put("/v2-beta/settings/\(name)", ["value": "v9"]).status == 200)
        #expect(await ask("GET", path).headers["x-rancher-version"] == "v9")
    }
}
