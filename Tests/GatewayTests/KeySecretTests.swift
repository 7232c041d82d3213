import Crypto
import HTTP
import JSON
import Limits
import Model
import Store
import StoreFormat
import TestSupport
import Testing

@testable import Gateway

/// How the secrets of keys are kept.
@Suite(.timeLimit(.minutes(2))) struct KeySecretTests {
    /// A cluster whose nodes all read keyed secrets, with a first key of the cluster.
    private static func world(_ sealing: MemorySealing = MemorySealing(), level: Int = 3) async throws -> World {
        let world = World(sealing: sealing)
        world.node.write([
            RecordWriting.put(
                FeatureGate.record.table,
                .known(FeatureGate.record.number),
                ["kind": "clusterLevel", "level": JSONValue(level)],
                scope: .known(0)
            )
        ])
        try await rotate(world)
        return world
    }

    private static func rotate(_ world: World) async throws {
        var exchange: Exchange = try world.exchange()
        try await IdentityKeys.add(&exchange, world.gateway) { _ in "a test" }
    }

    private static func hash(_ world: World, _ id: String) throws -> String {
        try #require(try world.stored(.credential, id)["secretHash"]?.string)
    }

    private static func status(_ world: World, _ key: (String, String)) async -> Int {
        await world.send(
            "GET",
            "/v2-beta/projects",
            as: .nobody,
            headers: ["Authorization": World.basic(key.0, key.1)]
        ).status
    }

    private static func make(_ world: World) async throws -> (id: String, key: (String, String)) {
        let made: Answer = await world.post("/v2-beta/apikeys", ["name": "new"], as: .bob)
        try #require(made.status == 201, "\(made)")
        return (
            try #require(made["id"]?.string),
            (try #require(made["publicValue"]?.string), try #require(made["secretValue"]?.string))
        )
    }

    private static func ids(_ world: World) throws -> [Int64] {
        try #require(ClusterKeys.fields(world.node.store.view)?["identityKeys"]?.array).compactMap { $0["id"]?.int }
    }

    @Test func `a new key's secret is kept under the cluster's key, and is nowhere else`() async throws {
        let sealing = MemorySealing()
        let world: World = try await Self.world(sealing)
        let (id, key) = try await Self.make(world)
        let kept: String = try Self.hash(world, id)
        #expect(kept.hasPrefix("HMAC-SHA256:1:"))
        #expect(await Self.status(world, key) == 200)
        #expect(await Self.status(world, (key.0, key.1 + "x")) == 401)
        // The state alone does not tell whether a secret is right: it takes the key that is sealed in it.
        let sealed: String = try #require(
            ClusterKeys.fields(world.node.store.view)?["identityKeys"]?.array?.first?["sealed"]?.string
        )
        let opened: [UInt8] = try #require(sealing.open(sealed))
        #expect(kept == KeyHash.make(key.1, of: key.0, key: opened, id: 1))
        #expect(kept != KeyHash.make(key.1, of: key.0, key: SecureRandom.bytes(32), id: 1))
        for entry in world.node.entries {
            #expect(!String(decoding: entry.encoded(), as: UTF8.self).contains(key.1))
        }
    }

    @Test func `a secret that was copied into another record opens nothing`() async throws {
        let world: World = try await Self.world()
        let (one, other) = (try await Self.make(world), try await Self.make(world))
        let number: UInt64 = try #require(ResourceID(other.id)?.number)
        try world.change(.credential, number, ["secretHash": .string(try Self.hash(world, one.id))])
        #expect(await Self.status(world, (other.key.0, one.key.1)) == 401)
        #expect(await Self.status(world, one.key) == 200)
    }

    @Test func `a key of the past is good, and is kept anew when it is used: once`() async throws {
        let world: World = try await Self.world()
        let before: JSONObject = try world.stored(.credential, "1c121")
        #expect(before["secretHash"]?.string?.hasPrefix("SHA256:") == true)
        #expect(await world.get("/v2-beta/projects", as: .bob).status == 200)
        #expect(try await eventually { try Self.hash(world, "1c121").hasPrefix("HMAC-SHA256:1:") })
        var after: JSONObject = try world.stored(.credential, "1c121")
        after["secretHash"] = before["secretHash"]
        #expect(after == before, "nothing else was changed")
        let audit: AuditRecord? = world.node.changes.last { $0.audit?.eventType == "api.apiKey.rekey" }?.audit
        #expect(audit?.resourceID == 121)
        let changes: Int = world.node.changes.count
        world.clock.advance(Limits.keyRenewalMilliseconds)
        for _ in 0..<5 { #expect(await world.get("/v2-beta/projects", as: .bob).status == 200) }
        #expect(world.node.changes.count == changes, "reads write nothing")
        #expect(await Self.status(world, ("bob-key", "wrong")) == 401)
    }

    @Test func `after a rotation keys are kept anew one after the other, and none ends`() async throws {
        let world: World = try await Self.world()
        var keys: [(id: String, key: (String, String))] = []
        for _ in 0..<3 { keys.append(try await Self.make(world)) }
        try await Self.rotate(world)
        for _ in 0..<3 {
            for each in keys { #expect(await Self.status(world, each.key) == 200) }
            // As many as the pace allows, whatever was asked meanwhile.
            #expect(Self.count(world, "HMAC-SHA256:2:") <= 1)
        }
        #expect(
            try await eventually {
                for each in keys { _ = await Self.status(world, each.key) }
                world.clock.advance(Limits.keyRenewalMilliseconds)
                return try keys.allSatisfy { try Self.hash(world, $0.id).hasPrefix("HMAC-SHA256:2:") }
            }
        )
        for each in keys { #expect(await Self.status(world, each.key) == 200) }
    }

    private static func count(_ world: World, _ prefix: String) -> Int {
        world.node.store.view.records(in: .credential).count { record in
            (try? CredentialRecord(document: record.document))?.secretHash.hasPrefix(prefix) ?? false
        }
    }

    @Test func `a cluster's key stays as long as an API key rests on it`() async throws {
        let world: World = try await Self.world()
        let (id, key) = try await Self.make(world)
        for _ in 0..<(2 * Limits.identityKeys) { try await Self.rotate(world) }
        let ids: [Int64] = try Self.ids(world)
        #expect(ids.last == 1 && ids.count == Limits.identityKeys, "\(ids)")
        #expect(try Self.hash(world, id).hasPrefix("HMAC-SHA256:1:"))
        // One after the other; that of whoever made it, too, if it was kept anew under the first key.
        #expect(
            await eventually {
                world.clock.advance(Limits.keyRenewalMilliseconds)
                guard await Self.status(world, key) == 200 else { return false }
                _ = await world.get("/v2-beta/projects", as: .bob)
                return Self.count(world, "HMAC-SHA256:1:") == 0
            }
        )
        try await Self.rotate(world)
        #expect(try Self.ids(world).last != 1)
        #expect(await Self.status(world, key) == 200)
    }

    @Test func `a rotation is refused rather than that API keys end, when too many rest on old keys`() async throws {
        let world: World = try await Self.world()
        for _ in 1..<Limits.identityKeysInUse {
            _ = try await Self.make(world)
            try await Self.rotate(world)
        }
        _ = try await Self.make(world)
        await #expect(throws: Problem.self) { try await Self.rotate(world) }
        #expect(try Self.ids(world).count == Limits.identityKeysInUse)
    }

    @Test func `a node that cannot open the cluster's key says so, and refuses nobody for ever`() async throws {
        let sealing = MemorySealing()
        let world: World = try await Self.world(sealing)
        let (_, key) = try await Self.make(world)
        let keys: [[UInt8]] = sealing.current
        sealing.use([])
        #expect(await world.put("/v2-beta/settings/some.setting", ["value": "x"]).status == 200)
        #expect(await Self.status(world, key) == 503)
        #expect(await Self.status(world, ("no-such-key", "x")) == 401)
        sealing.use(keys)
        #expect(await Self.status(world, key) == 200)
    }

    @Test func `while an older node is there secrets are kept as it reads them`() async throws {
        let world: World = try await Self.world(level: 2)
        let (id, key) = try await Self.make(world)
        #expect(try Self.hash(world, id).hasPrefix("SHA256:"))
        #expect(await Self.status(world, key) == 200)
        #expect(world.node.changes.allSatisfy { $0.audit?.eventType != "api.apiKey.rekey" })
    }

    @Test(arguments: ["", ":", "HMAC-SHA256:", "HMAC-SHA256:1:", "HMAC-SHA256:x:00", "HMAC-SHA256:1:00:11", "SHA256:a"])
    func `what is malformed is nobody's`(stored: String) {
        let keys = IdentityKeys(World(sealing: MemorySealing()).node.store.view, MemorySealing())
        #expect(KeyHash.verdict("secret", of: "key", stored, keys) == .wrong)
    }
}
