import HTTP
import JSON
import Limits
import Model
import Store
import StoreFormat
import TestSupport
import Testing
import WebSocket

@testable import Gateway

/// What an environment may have.
@Suite(.timeLimit(.minutes(2))) struct QuotaTests {
    private static func world(_ quotas: JSONValue) async throws -> World {
        // A hundred at once take their turns, however slow the machine is.
        var timing = GatewayTiming()
        timing.requestMilliseconds = 60_000
        let world = World(timing: timing)
        let set: Answer = await world.put("/v2-beta/projects/1a5", ["quotas": quotas])
        try #require(set.status == 200, "\(set)")
        return world
    }

    private static func stack(_ world: World, _ name: String) async -> Answer {
        await world.post("\(World.home)/stacks", ["name": .string(name)], as: .ann)
    }

    private static func service(_ world: World, _ name: String, _ stack: String, scale: Int) async -> Answer {
        await world.post(
            "\(World.home)/services",
            [
                "name": .string(name), "stackId": .string(stack), "scale": JSONValue(scale),
                "launchConfig": ["imageUuid": "docker:nginx"],
            ],
            as: .ann
        )
    }

    private static func used(_ world: World, _ name: String) async -> JSONValue? {
        await world.get("/v2-beta/projects/1a5", as: .ann)["quotaUsage"]?[name]
    }

    // MARK: Limits

    @Test func `a refusal names the quota, what is used, the limit, and who can raise it`() async throws {
        let world: World = try await Self.world(["stacks": 2])
        for name in ["a", "b"] { #expect(await Self.stack(world, name).status == 201) }
        let refused: Answer = await Self.stack(world, "c")
        #expect(refused.status == 403 && refused.code == "QuotaExceeded", "\(refused)")
        let message: String = refused["message"]?.string ?? ""
        for part in ["1a5", "2 of 2 stacks", "1 more", "administrator", "project.quota.stacks"] {
            #expect(message.contains(part), "\(message)")
        }
        #expect(refused["detail"] == "quota=stacks used=2 limit=2 wanted=1")
        #expect(await Self.used(world, "stacks") == ["used": 2, "limit": 2])
        // Another environment has its own, and none.
        #expect(await world.post("/v2-beta/projects/1a30/stacks", ["name": "c"], as: .eve).status == 201)
        #expect(await world.get("/v2-beta/projects/1a30", as: .eve)["quotaUsage"] == .null)
    }

    @Test func `of a hundred at once exactly as many succeed as there is room for`() async throws {
        let world: World = try await Self.world(["stacks": 17])
        for number in 0..<3 { #expect(await Self.stack(world, "before\(number)").status == 201) }
        let statuses: [Int] = await withTaskGroup(of: Int.self) { group in
            for number in 0..<100 { group.addTask { await Self.stack(world, "s\(number)").status } }
            return await group.reduce(into: []) { $0.append($1) }
        }
        #expect(statuses.count { $0 == 201 } == 14, "\(statuses)")
        #expect(statuses.count { $0 == 403 } == 86, "\(statuses)")
        #expect(await Self.used(world, "stacks") == ["used": 17, "limit": 17])
    }

    @Test func `two nodes at once make no more than there is room for, either`() async throws {
        let world: World = try await Self.world(["stacks": 1])
        // What another node makes while this one has looked already.
        world.node.beforeNext { _ in
            world.node.write([
                RecordWriting.put(
                    .stack,
                    .known(900),
                    ["name": "theirs", "kind": "stack", "state": "active", "accountId": 5, "removed": nil],
                    scope: .known(5)
                ), .touchPolicy(subject: Template(bytes: PolicySubject.quota(5))),
            ])
        }
        let refused: Answer = await Self.stack(world, "ours")
        #expect(refused.status == 403 && refused.code == "QuotaExceeded", "\(refused)")
        #expect(world.node.store.view.records(in: .stack).count == 1)
    }

    @Test func `removing makes room, at once`() async throws {
        let world: World = try await Self.world(["stacks": 1])
        let first: Answer = await Self.stack(world, "a")
        let id: String = try #require(first["id"]?.string)
        #expect(await Self.stack(world, "b").status == 403)
        try world.change(.stack, try #require(ResourceID(id)?.number), ["state": "active"])
        #expect(await world.delete("\(World.home)/stacks/\(id)", as: .ann).status == 200)
        #expect(await Self.stack(world, "b").status == 201)
    }

    @Test func `a limit below what is there refuses only what adds`() async throws {
        let world: World = try await Self.world(["stacks": 3])
        var ids: [String] = []
        for name in ["a", "b", "c"] { ids.append(try #require(await Self.stack(world, name)["id"]?.string)) }
        #expect(await world.put("/v2-beta/projects/1a5", ["quotas": ["stacks": 1, "bytes": 10]]).status == 200)
        #expect(await Self.used(world, "stacks") == ["used": 3, "limit": 1])
        #expect(await Self.stack(world, "d").status == 403)
        let stored: JSONObject = try world.stored(.stack, ids[0])
        #expect(stored["description"]?.string == nil)
        // What takes no more than before is no addition.
        try world.change(.stack, try #require(ResourceID(ids[0])?.number), ["description": "a long description"])
        let shorter: Answer = await world.put("\(World.home)/stacks/\(ids[0])", ["description": "x"], as: .ann)
        #expect(shorter.status == 200, "\(shorter)")
        let longer: Answer = await world.put(
            "\(World.home)/stacks/\(ids[0])",
            ["description": "a description that is longer"],
            as: .ann
        )
        #expect(longer.status == 403 && longer["detail"]?.string?.hasPrefix("quota=bytes ") == true, "\(longer)")
        #expect(await world.put("/v2-beta/projects/1a5", ["quotas": ["stacks": -1]]).status == 200)
        #expect(await Self.stack(world, "d").status == 201)
    }

    @Test func `containers count as they are wanted: by a service's scale, and by themselves`() async throws {
        let world: World = try await Self.world(["containers": 5])
        let stack: String = try await world.stack()
        let web: Answer = await Self.service(world, "web", stack, scale: 3)
        let id: String = try #require(web["id"]?.string)
        #expect(await Self.service(world, "too-many", stack, scale: 3).code == "QuotaExceeded")
        _ = try await world.container()
        #expect(await Self.used(world, "containers") == ["used": 4, "limit": 5])
        try world.change(.service, try #require(ResourceID(id)?.number), ["state": "active"])
        let scaled: Answer = await world.put("\(World.home)/services/\(id)", ["scale": 5], as: .ann)
        #expect(scaled.status == 403 && scaled.code == "QuotaExceeded", "\(scaled)")
        #expect(await world.put("\(World.home)/services/\(id)", ["scale": 4], as: .ann).status == 200)
        let several: Answer = await world.post(
            "\(World.home)/containers",
            ["name": "more", "imageUuid": "docker:nginx", "count": 2],
            as: .ann
        )
        #expect(several.code == "QuotaExceeded")
        // What the controllers make for a service is counted with the service, and never twice.
        world.node.write([
            RecordWriting.put(
                .instance,
                .known(901),
                [
                    "name": "web-1", "kind": "container", "state": "active", "accountId": 5, "removed": nil,
                    "serviceId": JSONValue(try #require(ResourceID(id)?.number)),
                ],
                scope: .known(5)
            )
        ])
        #expect(await Self.used(world, "containers") == ["used": 5, "limit": 5])
    }

    @Test func `a global service wants one container on each host`() {
        let fields: JSONObject = [
            "state": "active", "scale": 7, "launchConfig": ["labels": ["io.rancher.scheduler.global": "true"]],
        ]
        let usage = QuotaUsage(.service, fields, size: 100)
        #expect(usage.completed(hosts: 3)[.containers] == 3 && usage.completed(hosts: 0)[.containers] == 0)
        #expect(usage.completed(hosts: 3)[.objects] == 4)
    }

    @Test func `all objects together have a limit, too, and so have their documents`() async throws {
        let world: World = try await Self.world(["objects": 3, "bytes": 100_000])
        let stack: String = try await world.stack()
        #expect(await Self.service(world, "web", stack, scale: 2).code == "QuotaExceeded")
        #expect(await Self.service(world, "web", stack, scale: 1).status == 201)
        #expect(await Self.stack(world, "b").code == "QuotaExceeded")
        let bytes: Int64 = try #require(await Self.used(world, "bytes")?["used"]?.int)
        let stored: Int =
            world.node.store.view.records(in: .stack).reduce(0) { $0 + $1.document.count }
            + world.node.store.view.records(in: .service).reduce(0) { $0 + $1.document.count }
        #expect(bytes == Int64(stored))
    }

    // MARK: Who sets them, and defaults

    @Test func `quotas are set by administrators, and are what there is`() async throws {
        let world: World = try await Self.world(["stacks": 1])
        #expect(await world.put("/v2-beta/projects/1a5", ["quotas": ["stacks": 9]], as: .ann).status == 403)
        #expect(
            await world.post("/v2-beta/projects", ["name": "mine", "quotas": ["stacks": 9]], as: .ann).status == 403
        )
        // Whoever sends back what it has read changes nothing.
        let read: Answer = await world.get("/v2-beta/projects/1a5", as: .ann)
        #expect(read["quotas"] == ["stacks": 1])
        #expect(
            await world.put("/v2-beta/projects/1a5", ["name": "other", "quotas": ["stacks": 1]], as: .ann).status == 200
        )
        for wrong: JSONValue in [["stack": 1], ["stacks": -2]] {
            let answer: Answer = await world.put("/v2-beta/projects/1a5", ["quotas": wrong])
            #expect(answer.status == 422 && answer.field == "quotas", "\(answer)")
        }
    }

    @Test func `settings give environments their defaults`() async throws {
        let world = World(settings: [("project.quota.stacks", "1")])
        #expect(await Self.stack(world, "a").status == 201)
        #expect(await Self.stack(world, "b").code == "QuotaExceeded")
        #expect(await world.put("/v2-beta/projects/1a5", ["quotas": ["stacks": 2]]).status == 200)
        #expect(await Self.stack(world, "b").status == 201)
        #expect(await Self.stack(world, "c").code == "QuotaExceeded")
        #expect(await world.put("/v2-beta/projects/1a5", ["quotas": ["stacks": -1]]).status == 200)
        #expect(await Self.stack(world, "c").status == 201)
    }

    @Test func `without quotas a change carries nothing more`() async throws {
        let world = World()
        _ = try await world.stack()
        let change = try #require(world.node.lastChange)
        #expect(!change.writes.contains { if case .touchPolicy = $0 { true } else { false } })
    }

    // MARK: Watches

    @Test func `subscriptions of an environment have a limit on each node, and give their places back`() async throws {
        let world: World = try await Self.world(["watches": 2])
        try await Served.run(world) { served in
            let first: Listener = try await served.open(StreamTests.subscribe)
            let second: Listener = try await served.open(StreamTests.subscribe)
            #expect(await eventually { await !first.frames.isEmpty })
            #expect(await eventually { await !second.frames.isEmpty })
            #expect(await served.status(StreamTests.subscribe) == 403)
            #expect(await Self.used(world, "watches") == ["used": 2, "limit": 2])
            await first.socket.close()
            #expect(await eventually { world.gateway.watches.count(of: 5) == 1 })
            let third: Listener = try await served.open(StreamTests.subscribe)
            #expect(await eventually { await !third.frames.isEmpty })
        }
        #expect(await eventually { world.gateway.watches.count(of: 5) == 0 })
    }

    @Test func `turns pass to those who wait, in order`() async {
        let turns = QuotaTurns()
        #expect(await !turns.enter(1))
        #expect(await !turns.enter(2), "another environment has its own")
        let waited: Bool = await withTaskGroup(of: Bool.self) { group in
            group.addTask { await turns.enter(1) }
            turns.leave(1)
            return await group.next() ?? false
        }
        _ = waited
        turns.leave(1)
        #expect(await !turns.enter(1))
    }
}
