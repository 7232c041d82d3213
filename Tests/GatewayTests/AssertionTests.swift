import Bytes
import Crypto
import HTTP
import JSON
import Limits
import Model
import Store
import StoreFormat
import Testing

@testable import Gateway

@Suite(.timeLimit(.minutes(2))) struct AssertionTests {
    private static let issuer: String = "drover://00000000000000aa"
    private static let keys: String = "/.well-known/jwks.json"

    /// A world that can seal, with a key of the cluster.
    private static func world(_ authority: TestAuthority? = nil) throws -> World {
        let sealing = MemorySealing()
        let world = World(certificates: try authority ?? TestAuthority(), sealing: sealing)
        let key: [UInt8] = SecureRandom.bytes(SealedBox.keyBytes)
        let sealed: String = try #require(sealing.seal(key, in: world.node.store.view))
        try world.change(
            .clusterKeys,
            6,
            ["identityKeys": [["id": 1, "created": 1, "sealed": .string(sealed)]]]
        )
        return world
    }

    private static func rotate(_ world: World) async throws {
        var exchange: Exchange = try world.exchange()
        try await IdentityKeys.add(&exchange, world.gateway) { _ in "a test" }
    }

    private static func published(_ world: World) async -> (ids: [String], set: SignatureKeySet) {
        let answer: Answer = await world.get(keys, as: .nobody)
        let ids: [String] = answer["keys"]?.array?.compactMap { $0["kid"]?.string } ?? []
        return (ids, SignatureKeySet(answer.json))
    }

    /// What the interceptor was told in the last request, verified.
    private static func told(
        _ fake: FakeInterceptor,
        _ world: World,
        audience: String? = nil
    ) async throws -> JSONObject {
        let text: String = try #require(fake.requests.last?.headers["x-api-assertion"])
        return try SignedToken(
            verifying: text,
            keys: await published(world).set,
            expected: SignedToken.Expected(
                issuer: issuer,
                audience: audience ?? fake.url,
                time: world.clock.now,
                ageSeconds: Limits.assertionSeconds
            )
        ).claims
    }

    private static func keyID(_ fake: FakeInterceptor) throws -> String {
        let text: String = try #require(fake.requests.last?.headers["x-api-assertion"])
        let header: [UInt8] = try #require(Base64URL.decode(text.prefix { $0 != "." }))
        return try #require(try JSONReader.parse(header)["kid"]?.string)
    }

    @Test func `an interceptor is told who is calling, for a quarter of an hour, and nobody else would believe it`()
        async throws
    {
        let world = try Self.world()
        let fake = try FakeInterceptor()
        #expect(await world.intercept(fake).status == 200)
        let made: Answer = await world.post("\(World.home)/stacks", ["name": "a"], as: .ann)
        #expect(made.status == 201, "\(made)")
        let claims: JSONObject = try await Self.told(fake, world)
        #expect(claims["sub"] == "1a20" && claims["kind"] == "user" && claims["name"] == "ann")
        #expect(claims["environment"] == "1a5" && claims["authType"] == "apiKey")
        #expect(claims["method"] == "POST" && claims["path"] == "/v2-beta/projects/1a5/stacks")
        #expect(claims["requestId"]?.string == made.headers["x-api-request-id"])
        let (issued, expires): (Int64, Int64) = (claims["iat"]?.int ?? 0, claims["exp"]?.int ?? 0)
        #expect(issued == World.started / 1_000 && expires - issued == 900)
        // It goes with these bytes and no others.
        let body: [UInt8] = try #require(fake.requests.last?.body)
        #expect(claims["bodySHA256"]?.string == Base64URL.encode(SHA256.hash(body)))
        let token: String = fake.requests.last?.headers["x-api-assertion"] ?? ""
        let said = String(decoding: try #require(Base64URL.decode(token.split(separator: ".")[1])), as: UTF8.self)
        for secret in ["ann-secret", "ann-key", "1c120"] { #expect(!said.contains(secret)) }
        // Each has an id of its own.
        _ = await world.post("\(World.home)/stacks", ["name": "b"], as: .ann)
        #expect(try await Self.told(fake, world)["jti"] != claims["jti"])
        await fake.stop()
    }

    @Test(arguments: ["login", "certificate", "project"])
    func `all kinds of credentials are told alike, and none of them is shown`(kind: String) async throws {
        let authority = try TestAuthority()
        let world = try Self.world(authority)
        let fake = try FakeInterceptor()
        #expect(await world.intercept(fake, paths: ["/v2-beta/{rest:.*}"]).status == 200)
        switch kind {
        case "login":
            try await world.enableLogins()
            let token: String = try await world.token("root:correct horse")
            #expect(await world.bearing(token, "/v2-beta/projects").status == 200)
            let claims: JSONObject = try await Self.told(fake, world)
            #expect(claims["sub"] == "1a1" && claims["authType"] == "token")
            #expect(fake.requests.allSatisfy { !String(decoding: $0.body, as: UTF8.self).contains(token) })
        case "project":
            #expect(await world.get("/v2-beta/projects/1a5/stacks", as: .project).status == 200)
            let claims: JSONObject = try await Self.told(fake, world)
            #expect(claims["sub"] == "1a5" && claims["kind"] == "project" && claims["environment"] == "1a5")
        default:
            let ann: ClientCertificateTests.Holder = try await ClientCertificateTests.make(world)
            try await Served.run(world, wrapper: try authority.wrapper()) { served in
                let client: HTTPClient = try authority.client(ann.identity)
                let answer: Answer = try await ClientCertificateTests.ask("\(World.home)/stacks", client, served)
                #expect(answer.status == 200)
                client.close()
            }
            let claims: JSONObject = try await Self.told(fake, world)
            #expect(claims["sub"] == "1a20" && claims["authType"] == "clientCertificate")
        }
        await fake.stop()
    }

    @Test func `what a client says of itself under the name is dropped, also when nothing is signed`() async throws {
        let fake = try FakeInterceptor()
        for world in [World(), try Self.world()] {
            #expect(await world.intercept(fake).status == 200)
            let headers: HTTPHeaders = ["X-API-Assertion": "forged", "x-api-ASSERTION": "forged"]
            #expect(await world.get("\(World.home)/stacks", as: .ann, headers: headers).status == 200)
            let request: HTTPRequest = try #require(fake.requests.last)
            #expect(!request.headers.all("x-api-assertion").contains("forged"))
            #expect(!String(decoding: request.body, as: UTF8.self).contains("forged"))
        }
        await fake.stop()
    }

    @Test func `a destination is told where it is configured, for the audience that is configured`() async throws {
        let world = try Self.world()
        let fake = try FakeInterceptor()
        func configure(_ more: JSONObject) async {
            var destination: JSONObject = ["paths": ["/x/{id:.*}"], "destinationURL": .string(fake.url)]
            for (name, value) in more { destination[name] = value }
            #expect(
                await world.configure([
                    "requestInterceptors": [
                        ["type": "authTokenValidator", "paths": ["/x/{id:.*}"], "methods": ["get"]]
                    ],
                    "destinations": [.object(destination)],
                ]).status == 200
            )
        }
        await configure([:])
        _ = await world.get("/x/1", as: .ann, headers: ["X-API-Assertion": "forged"])
        #expect(fake.requests.last?.headers.contains("x-api-assertion") == false)
        await configure(["assertion": true, "audience": "billing"])
        _ = await world.get("/x/1", as: .ann, headers: ["X-API-Assertion": "forged"])
        let claims: JSONObject = try await Self.told(fake, world, audience: "billing")
        #expect(claims["sub"] == "1a20" && claims["path"] == "/x/1" && claims["bodySHA256"] == nil)
        _ = await world.get("/x/1", as: .nobody, headers: ["X-API-Assertion": "forged"])
        #expect(fake.requests.last?.headers.contains("x-api-assertion") == false)
        await fake.stop()
    }

    @Test func `T72: no token but one of ours, for us, of now is believed`() async throws {
        let world = try Self.world()
        let signer: AssertionSigner = try #require(await world.gateway.assertions.signer())
        let caller = AssertedCaller(account: "1a20", kind: "user", name: "ann", environment: nil, authType: "apiKey")
        let keys: SignatureKeySet = await Self.published(world).set
        func verify(
            _ text: String,
            issuer: String = Self.issuer,
            audience: String = "me",
            after milliseconds: Int64 = 0
        ) -> IDTokenFault? {
            do throws(IDTokenFault) {
                _ = try SignedToken(
                    verifying: text,
                    keys: keys,
                    expected: SignedToken.Expected(
                        issuer: issuer,
                        audience: audience,
                        time: world.clock.now + milliseconds,
                        ageSeconds: Limits.assertionSeconds + 60
                    )
                )
                return nil
            } catch {
                return error
            }
        }
        func assertion(_ key: SigningKey? = nil, id: String? = nil) -> String {
            AssertionSigner(issuer: Self.issuer, keyID: id ?? signer.keyID, key: key ?? signer.key, now: signer.now)
                .assertion(caller, audience: "me", request: ("r", "GET", "/"), body: nil)
        }
        let good: String = assertion()
        #expect(verify(good) == nil)
        let parts: [String] = good.split(separator: ".").map(String.init)
        func header(_ fields: JSONValue) -> String {
            "\(Base64URL.encode(JSONWriter.bytes(fields))).\(parts[1])"
        }
        func signed(_ text: String) -> String { "\(text).\(Base64URL.encode(signer.key.sign(Array(text.utf8))))" }
        let kid: JSONValue = .string(signer.keyID)
        // None, and a keyed hash with the public key as its key.
        #expect(verify("\(header(["alg": "none", "kid": kid])).") == .algorithm)
        #expect(verify(signed(header(["alg": "none", "kid": kid]))) == .algorithm)
        let hashed: String = header(["alg": "HS256", "kid": kid])
        let tag: [UInt8] = HMAC.sha256(key: [4] + signer.key.x + signer.key.y, message: Array(hashed.utf8))
        #expect(verify("\(hashed).\(Base64URL.encode(tag))") == .algorithm)
        // Another algorithm than the key's, keys that the header brings, and what has to be understood.
        #expect(verify(signed(header(["alg": "RS256", "kid": kid]))) == .unknownKey)
        #expect(verify(signed(header(["alg": "ES256", "kid": kid, "crit": ["b64"]]))) == .malformed)
        let stranger: SigningKey = try #require(.generate())
        #expect(verify(assertion(stranger)) == .signature)
        #expect(verify(assertion(stranger, id: "another")) == .unknownKey)
        #expect(verify("\(parts[0]).\(parts[1]).\(parts[2].dropLast(4))AAAA") == .signature)
        #expect(verify(good, audience: "somebody else") == .claim("aud"))
        #expect(verify(good, issuer: "drover://00000000000000bb") == .claim("iss"))
        #expect(verify(good, after: 900_000 + 59_000) == nil)
        #expect(verify(good, after: 900_000 + 61_000) == .claim("exp"))
        #expect(verify(good, after: -120_000) == .claim("iat"))
        #expect(verify(good + String(repeating: "A", count: 40_000)) == .malformed)
        for text in ["", ".", "..", "a.b", "a.b.c", "a.b.c.d", good + ".", "." + good] {
            #expect(verify(text) == .malformed, "\(text)")
        }
        var generator = SystemRandomNumberGenerator()
        for _ in 0..<500 {
            var bytes: [UInt8] = Array(good.utf8)
            bytes[Int.random(in: 0..<bytes.count, using: &generator)] ^= UInt8.random(in: 1...127, using: &generator)
            let text = String(decoding: bytes, as: UTF8.self)
            // The last character of a part may stand for the same bytes in another spelling.
            let decoded: [[UInt8]?] = text.split(separator: ".").map { Base64URL.decode($0) }
            let isSame: Bool = decoded == parts.map { Base64URL.decode($0[...]) }
            #expect(verify(text) != nil || isSame, "\(text)")
        }
    }

    @Test func `a new key is published before it signs, and the one before until nothing it signed is good`()
        async throws
    {
        let world = try Self.world()
        let fake = try FakeInterceptor()
        #expect(await world.intercept(fake).status == 200)
        #expect(await Self.published(world).ids.isEmpty, "nothing was signed yet")
        func ask() async throws -> String {
            #expect(await world.get("\(World.home)/stacks", as: .ann).status == 200)
            _ = try await Self.told(fake, world)
            return try Self.keyID(fake)
        }
        let first: String = try await ask()
        #expect(await Self.published(world).ids == [first])
        try await Self.rotate(world)
        let ids: [String] = await Self.published(world).ids
        #expect(ids.count == 2 && ids[1] == first)
        #expect(try await ask() == first, "nobody knows the new one yet")
        world.clock.advance(Limits.assertionLeadSeconds * 1_000 - 1)
        #expect(try await ask() == first)
        world.clock.advance(1)
        let last: String = try #require(fake.requests.last?.headers["x-api-assertion"])
        #expect(try await ask() == ids[0])
        // What the old one signed last is good to its end.
        world.clock.advance(Limits.assertionSeconds * 1_000)
        let old = try SignedToken(
            verifying: last,
            keys: await Self.published(world).set,
            expected: SignedToken.Expected(
                issuer: Self.issuer,
                audience: fake.url,
                time: world.clock.now,
                ageSeconds: Limits.assertionSeconds + 60
            )
        )
        #expect(old.claims["sub"] == "1a20")
        world.clock.advance(120_001)
        #expect(await Self.published(world).ids == [ids[0]])
        // The next rotation takes it out of the state as well.
        try await Self.rotate(world)
        let stored: [JSONValue] = try #require(ClusterKeys.fields(world.node.store.view)?["assertionKeys"]?.array)
        #expect(stored.count == 2 && !stored.contains { $0["id"]?.string == first })
        #expect(try await ask() == ids[0])
        await fake.stop()
    }

    @Test func `keys stand sealed in the state, and outlive every rotation of what seals them`() async throws {
        let world = try Self.world()
        let signer: AssertionSigner = try #require(await world.gateway.assertions.signer())
        let sealedOut: String = Base64.encode(signer.key.der)
        let raw: String = Hex.encode(signer.key.der)
        for _ in 0..<(Limits.identityKeys + 2) { try await Self.rotate(world) }
        // The one that signs is the first still: no time has gone by, and its seal was renewed each time.
        #expect(await world.gateway.assertions.signer()?.keyID == signer.keyID)
        for record in world.node.store.view.records(in: .clusterKeys) {
            let text = String(decoding: record.document, as: UTF8.self)
            #expect(!text.contains(sealedOut) && !text.contains(raw))
        }
        // Of those that have signed nothing the newest is enough.
        #expect(await Self.published(world).ids.count == 2)
    }

    @Test func `when what seals them is lost a new key signs at once, and without anything to seal with none does`()
        async throws
    {
        let world = try Self.world()
        let first: AssertionSigner = try #require(await world.gateway.assertions.signer())
        // As a restore without the sealing key leaves it.
        try world.change(.clusterKeys, 6, ["identityKeys": .null])
        #expect(await world.gateway.assertions.signer() == nil)
        try await Self.rotate(world)
        let second: AssertionSigner = try #require(await world.gateway.assertions.signer())
        #expect(second.keyID != first.keyID)
        #expect(await Self.published(world).ids.contains(second.keyID))
        #expect(await World(certificates: try TestAuthority()).gateway.assertions.signer() == nil)
        #expect(await World(sealing: MemorySealing()).gateway.assertions.signer() == nil)
    }

    @Test func `several that come upon the first key at once make one`() async throws {
        let world = try Self.world()
        let ids: Set<String> = await withTaskGroup(of: String?.self) { group in
            for _ in 0..<8 { group.addTask { await world.gateway.assertions.signer()?.keyID } }
            var ids: Set<String> = []
            for await id in group { if let id { ids.insert(id) } }
            return ids
        }
        #expect(ids.count == 1)
        #expect(await Self.published(world).ids == Array(ids))
    }

    @Test func `the keys are everybody's to read, are no secrets, and are never intercepted`() async throws {
        let world = try Self.world()
        let fake = try FakeInterceptor { _ in HTTPResponse(status: 403) }
        #expect(await world.intercept(fake, paths: ["/{rest:.*}"]).status == 200)
        _ = await world.gateway.assertions.signer()
        let answer: Answer = await world.get(Self.keys, as: .nobody)
        #expect(answer.status == 200 && fake.requests.isEmpty)
        #expect(answer.headers["cache-control"] == "public, max-age=300")
        let key: JSONValue = try #require(answer["keys"]?.array?.first)
        #expect(Set(key.object?.keys ?? []) == ["kty", "crv", "use", "alg", "kid", "x", "y"])
        #expect(key["alg"] == "ES256" && key["kty"] == "EC")
        #expect(await world.post(Self.keys, as: .admin).status == 404)
        await fake.stop()
    }

    @Test(arguments: ["", String(repeating: "a", count: 257), "a\nb"])
    func `an audience that is none is refused`(text: String) async throws {
        let world = World()
        let fake = try FakeInterceptor()
        #expect(await world.intercept(fake, ["audience": .string(text)]).status == 422)
        await fake.stop()
    }
}
