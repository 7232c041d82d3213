import Crypto
@testable import Gateway
import HTTP
import JSON
import Limits
import Model
import Store
import StoreFormat
import Testing

@Suite(.timeLimit(.minutes(2))) struct IdentityKeyTests {
    private static func fields(_ world: World) throws -> JSONObject {
        try #require(ClusterKeys.fields(world.node.store.view))
    }

    private static func rotate(_ world: World) async throws {
        var exchange: Exchange = try world.exchange()
        try await IdentityKeys.add(&exchange, world.gateway) { _ in "a test" }
    }

    @Test func `the first login makes a key, and the state has it sealed only`() async throws {
        let sealing = MemorySealing()
        let world = World(sealing: sealing)
        try await world.enableLogins()
        #expect(try Self.fields(world)["identityKeys"] == nil)
        let token: String = try await world.token("root:correct horse")
        let entry: JSONValue = try #require(try Self.fields(world)["identityKeys"]?.array?.first)
        let key: [UInt8] = try #require(sealing.open(entry["sealed"]?.string ?? ""))
        #expect(key.count == SealedBox.keyBytes && entry["id"] == .int(1))
        #expect(await world.bearing(token, "/v2-beta/projects").status == 200)
        _ = try await world.token("root:correct horse")
        #expect(try Self.fields(world)["identityKeys"]?.array?.count == 1)
        // What digests are made of is not what stands in the state.
        let record: Record = try #require(world.node.store.view.records(in: .loginToken).first)
        let stored = try LoginTokenRecord(document: record.document)
        #expect(stored.digest == LoginToken.digest(token, key: IdentityKey(id: 1, bytes: key).forTokens))
    }

    @Test func `logins outlive rotations of the key, until there were too many`() async throws {
        let world = World(sealing: MemorySealing())
        try await world.enableLogins()
        let first: String = try await world.token("root:correct horse")
        for _ in 1..<Limits.identityKeys {
            try await Self.rotate(world)
            #expect(await world.bearing(first, "/v2-beta/projects").status == 200)
        }
        let second: String = try await world.token("root:correct horse")
        try await Self.rotate(world)
        #expect(await world.bearing(first, "/v2-beta/projects").status == 401)
        #expect(await world.bearing(second, "/v2-beta/projects").status == 200)
        let ids: [Int64] = try #require(try Self.fields(world)["identityKeys"]?.array).compactMap { $0["id"]?.int }
        #expect(ids == (2...Int64(Limits.identityKeys) + 1).reversed())
    }

    @Test func `a rotation seals the provider's secret anew in the same change`() async throws {
        let world = World(sealing: MemorySealing())
        try await Self.rotate(world)
        var fields: JSONObject = try Self.fields(world)
        var keys: IdentityKeys = world.gateway.policies.snapshot(of: world.node.store.view).identityKeys
        let settings = OpenIDSettings(
            issuer: "https://idp.test",
            clientID: "drover",
            clientSecret: "planted secret",
            scopes: "openid",
            groupsClaim: "groups",
            authority: nil,
            accessMode: "unrestricted"
        )
        try OpenIDStore.write(settings, &fields, keys.newest)
        world.node.write([RecordWriting.put(.clusterKeys, .known(6), fields, scope: .known(0))])
        let before: String = try #require(try Self.fields(world)["openid"]?["clientSecret"]?.string)
        for number in 2...(Limits.identityKeys + 2) {
            try await Self.rotate(world)
            let after: String = try #require(try Self.fields(world)["openid"]?["clientSecret"]?.string)
            #expect(after.hasPrefix("k\(number):") && after != before)
            keys = world.gateway.policies.snapshot(of: world.node.store.view).identityKeys
            #expect(OpenIDStore.read(world.node.store.view, keys) == settings)
        }
        for entry in world.node.entries {
            #expect(!String(decoding: entry.encoded(), as: UTF8.self).contains("planted secret"))
        }
    }

    @Test func `a node whose sealing key comes later opens the keys then`() async throws {
        let sealing = MemorySealing()
        let world = World(sealing: sealing)
        try await world.enableLogins()
        let token: String = try await world.token("root:correct horse")
        let keys: [[UInt8]] = sealing.current
        sealing.use([])
        // Another state of the policy, so that keys are opened anew.
        #expect(await world.put("/v2-beta/settings/some.setting", ["value": "x"]).status == 200)
        #expect(await world.bearing(token, "/v2-beta/projects").status == 401)
        #expect(await world.login("root:correct horse").status == 503)
        sealing.use([SecureRandom.bytes(SealedBox.keyBytes)] + keys)
        #expect(await world.bearing(token, "/v2-beta/projects").status == 200)
    }

    @Test func `a secret opens in its place and under its key only`() throws {
        let key = IdentityKey(id: 3, bytes: SecureRandom.bytes(32))
        let sealed: String = try #require(key.seal("secret", place: "here"))
        let sealing = MemorySealing()
        let world = World(sealing: sealing)
        var fields: JSONObject = try Self.fields(world)
        let text: String = try #require(sealing.seal(key.bytes, in: world.node.store.view))
        fields["identityKeys"] = [["id": 3, "created": 1, "sealed": .string(text)]]
        world.node.write([RecordWriting.put(.clusterKeys, .known(6), fields, scope: .known(0))])
        let keys = IdentityKeys(world.node.store.view, sealing)
        #expect(keys.open(sealed, place: "here") == "secret")
        #expect(keys.open(sealed, place: "there") == nil)
        #expect(keys.open("k4" + sealed.dropFirst(2), place: "here") == nil)
        for text in ["", "k3", "k3:", "3:x", "k3:!!", "secret", String(sealed.dropLast(4))] {
            #expect(keys.open(text, place: "here") == nil, "\(text)")
        }
    }
}
