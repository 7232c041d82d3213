import JSON
import Testing

@testable import ClusterNode

/// What a resource was, who made it so, and how it is made so again.
@Suite(.serialized, .timeLimit(.minutes(2))) struct TimeTravelTests {
    @Test func `every change is told with who, when, by which request and what, the latest first`() async throws {
        let rig = try await NodeRig()
        let made = try await rig.call("POST", "stacks", ["name": "web", "description": "first"])
        let id: String = try #require(made.body["id"]?.string)
        _ = try await rig.call("PUT", "stacks/\(id)", ["description": "second"])
        _ = try await rig.call("PUT", "stacks/\(id)", ["name": "site", "description": "third"])
        // A controller activates it, which is a change as well, and may come any time until it has.
        _ = try await rig.wait(for: "an active stack", "stacks/\(id)") { $0["state"]?.string == "active" }
        let history = try await rig.call("GET", "stacks/\(id)/history")
        #expect(history.status == 200, "\(history.body)")
        let entries: [JSONValue] = try #require(history.body["data"]?.array)
        let updates: [JSONValue] = entries.filter { $0["event"]?.string == "api.stack.update" }
        #expect(updates.count == 2)
        let last: JSONValue = try #require(updates.first)
        #expect(last["actor"]?.string == "1a1")
        #expect(last["requestId"]?.string?.count == 16)
        #expect(last["time"]?.string?.hasSuffix("Z") ?? false)
        let changes: [JSONValue] = try #require(last["changes"]?.array)
        #expect(
            changes.contains(["field": "description", "before": "second", "after": "third"])
                && changes.contains(["field": "name", "before": "web", "after": "site"]),
            "\(changes)"
        )
        let first: JSONValue = try #require(entries.last)
        #expect(first["what"]?.string == "created" && first["event"]?.string == "api.stack.create")
        let revisions: [UInt64] = entries.compactMap { UInt64($0["revision"]?.string ?? "") }
        #expect(revisions == revisions.sorted(by: >) && revisions.count == entries.count)

        // Page by page the same.
        var paged: [JSONValue] = []
        var next: String? = "/v2-beta/projects/1a5/stacks/\(id)/history?limit=1"
        while let page: String = next {
            let answer = try await rig.call("GET", page)
            paged += answer.body["data"]?.array ?? []
            next = answer.body["pagination"]?["next"]?.string.flatMap { link in
                link.firstRange(of: "/v2-beta").map { String(link[$0.lowerBound...]) }
            }
        }
        #expect(paged == entries)
        await rig.stop()
    }

    @Test func `a resource is read as it was, and given those values again as a new change`() async throws {
        let rig = try await NodeRig()
        let made = try await rig.call("POST", "stacks", ["name": "web", "description": "first"])
        let id: String = try #require(made.body["id"]?.string)
        _ = try await rig.call("PUT", "stacks/\(id)", ["description": "second"])
        let entries: [JSONValue] = try await rig.call("GET", "stacks/\(id)/history").body["data"]?.array ?? []
        let update: JSONValue = try #require(entries.first { $0["event"]?.string == "api.stack.update" })
        let changed: UInt64 = try #require(UInt64(update["revision"]?.string ?? ""))
        let born: UInt64 = try #require(UInt64(entries.last?["revision"]?.string ?? ""))

        let old = try await rig.call("GET", "stacks/\(id)?revision=\(changed - 1)")
        #expect(old.body["description"]?.string == "first" && old.body["name"]?.string == "web", "\(old.body)")
        #expect(old.body["revision"]?.string == "\(changed - 1)" && old.body["id"]?.string == id)
        #expect(try await rig.call("GET", "stacks/\(id)?revision=\(changed)").body["description"]?.string == "second")
        #expect(try await rig.call("GET", "stacks/\(id)?revision=\(born - 1)").status == 404, "it was not there yet")
        #expect(try await rig.call("GET", "stacks/\(id)?revision=99999999").status == 400)
        #expect(try await rig.call("GET", "stacks/\(id)?revision=x").status == 400)

        _ = try await rig.call("PUT", "stacks/\(id)", ["description": old.body["description"] ?? .null])
        #expect(try await rig.call("GET", "stacks/\(id)").body["description"]?.string == "first")
        let after: [JSONValue] = try await rig.call("GET", "stacks/\(id)/history").body["data"]?.array ?? []
        #expect(after.first?["event"]?.string == "api.stack.update", "restoring is a change like any other")
        await rig.stop()
    }

    @Test func `the past is for those who may see the present, without its secrets`() async throws {
        let rig = try await NodeRig()
        let key = try await rig.call("POST", "/v2-beta/apikeys", ["name": "k", "accountId": "1a1"])
        let id: String = try #require(key.body["id"]?.string, "\(key.body)")
        let secret: String = try #require(key.body["secretValue"]?.string)
        let history = try await rig.call("GET", "/v2-beta/apikeys/\(id)/history")
        #expect(history.status == 200)
        let text = JSONWriter.pretty(history.body)
        #expect(!text.contains(secret) && !text.lowercased().contains("\"secrethash\""))
        let first: String = history.body["data"]?.array?.first?["revision"]?.string ?? ""
        let past = try await rig.call("GET", "/v2-beta/apikeys/\(id)?revision=\(first)")
        #expect(past.status == 200 && !JSONWriter.pretty(past.body).contains(secret), "\(past.body)")

        let other = try await rig.call("POST", "/v2-beta/projects", ["name": "elsewhere"])
        let project: String = try #require(other.body["id"]?.string)
        let stack = try await rig.call("POST", "/v2-beta/projects/\(project)/stacks", ["name": "hidden"])
        let hidden: String = try #require(stack.body["id"]?.string)
        #expect(
            try await rig.call("GET", "stacks/\(hidden)/history").status
                == (try await rig.call("GET", "stacks/\(hidden)").status)
        )
        let strangers = try await rig.call("GET", "stacks/\(hidden)/history", user: "nobody", password: "x")
        #expect(strangers.status == 401)
        await rig.stop()
    }
}
