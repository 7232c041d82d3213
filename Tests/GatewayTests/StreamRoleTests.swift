import HTTP
import JSON
import Model
import Store
import StoreFormat
import TestSupport
import Testing
import WebSocket

@testable import Gateway

/// A change of roles counts for open streams from the next event on.
@Suite(.timeLimit(.minutes(2))) struct StreamRoleTests {
    private static let rules: JSONValue = [
        ["verbs": ["list", "subscribe"], "resourceTypes": ["subscribe"]],
        ["verbs": ["list", "get"], "resourceTypes": ["stack"]],
        ["verbs": ["list", "get", "action:logs"], "resourceTypes": ["instance"]],
    ]

    /// `dora` with a role, and her subscription.
    private static func listening(_ served: Served) async throws -> (listener: Listener, role: UInt64, binding: UInt64)
    {
        let world: World = served.world
        world.add("dora", 50)
        let role: String = try await world.made("ann", "\(World.home)/accessroles", ["name": "r", "rules": rules])
        let binding: String = try await world.made(
            "ann",
            "\(World.home)/accessrolebindings",
            [
                "accessRoleId": .string(role),
                "subjects": [["externalIdType": "rancher_id", "externalId": "1a50"]],
            ]
        )
        let listener: Listener = try await served.open(
            StreamTests.subscribe,
            key: World.basic("dora-key", "dora-secret")
        )
        #expect(await eventually { await !listener.frames.isEmpty })
        return (
            listener, try #require(ResourceID(role)?.number), try #require(ResourceID(binding)?.number)
        )
    }

    /// One entry that changes a record and a stack.
    private static func changed(
        _ world: World,
        _ table: Table,
        _ number: UInt64,
        _ members: JSONObject,
        stack: String,
        to text: String
    ) throws -> [Write] {
        var writes: [Write] = []
        let stackNumber: UInt64 = try #require(ResourceID(stack)?.number)
        let changes: [(RecordKey, JSONObject)] = [
            (RecordKey(table, number), members),
            (RecordKey(.stack, stackNumber), ["description": .string(text)]),
        ]
        for (key, values) in changes {
            let record: Record = try #require(world.node.store.view.get(key))
            var fields: JSONObject = try #require(try JSONReader.parse(record.document).object)
            for (name, value) in values { fields[name] = value }
            writes.append(RecordWriting.put(key.table, .known(key.number), fields, scope: .known(record.scope)))
        }
        return writes
    }

    @Test func `what a role no longer shows is not told, not even in the entry that says so`() async throws {
        try await Served.run { served in
            let world: World = served.world
            let (listener, role, _): (Listener, UInt64, UInt64) = try await Self.listening(served)
            let secret: String = try await world.stack("secret-1")
            #expect(await eventually { await listener.changes.count == 1 })
            world.clock.advance(2_000)
            let hiding: JSONValue = [
                ["verbs": ["list", "subscribe"], "resourceTypes": ["subscribe"]],
                ["verbs": ["list", "get"], "resourceTypes": ["stack"], "selector": "name=web*"],
            ]
            world.node.write(
                try Self.changed(world, .accessRole, role, ["rules": hiding], stack: secret, to: "not for dora")
            )
            let seen: String = try await world.stack("web-1")
            #expect(await eventually { await listener.changes.count > 1 })
            #expect(await listener.changes.compactMap { $0["resourceId"]?.string } == [secret, seen])
            #expect(await !listener.frames.joined().contains("not for dora"))
        }
    }

    @Test func `a subscription ends at the event that comes with the end of its binding`() async throws {
        try await Served.run { served in
            let world: World = served.world
            let (listener, _, binding): (Listener, UInt64, UInt64) = try await Self.listening(served)
            let stack: String = try await world.stack("web-1")
            #expect(await eventually { await listener.changes.count == 1 })
            world.clock.advance(2_000)
            world.node.write(
                try Self.changed(
                    world,
                    .accessRoleBinding,
                    binding,
                    ["state": "inactive"],
                    stack: stack,
                    to: "not for dora"
                )
            )
            #expect(await eventually { await listener.frames.contains { $0.contains("logout") } })
            #expect(await !listener.frames.joined().contains("not for dora"))
        }
    }

    @Test func `a binding that has expired gives no more events`() async throws {
        try await Served.run { served in
            let world: World = served.world
            let (listener, _, binding): (Listener, UInt64, UInt64) = try await Self.listening(served)
            try world.change(.accessRoleBinding, binding, ["expires": .int(World.started + 60_000)])
            _ = try await world.stack("web-1")
            #expect(await eventually { await listener.changes.count == 1 })
            world.clock.advance(61_000)
            _ = try await world.stack("web-2")
            #expect(await eventually { await listener.frames.contains { $0.contains("logout") } })
            #expect(await listener.changes.count == 1)
        }
    }
}
