import Gateway
import HTTP
import JSON
import Model
import Store
import StoreFormat
import Testing

@Suite struct HostTests {
    /// A registration token of Default and the key that it stands under.
    static func token(_ world: World) async throws -> (id: String, token: String) {
        let answer: Answer = await world.post("\(World.home)/registrationtokens", as: .ann)
        return (try #require(answer["id"]?.string), try #require(answer["token"]?.string))
    }

    static func register(_ world: World, _ token: String, _ body: JSONValue) async -> Answer {
        await world.send(
            "POST", "/v2-beta/register", as: .nobody, headers: ["Authorization": World.basic("registrationToken", token)],
            body: JSONWriter.bytes(body))
    }

    @Test func `a token comes with the address and the command for a new host`() async throws {
        let world = World()
        let answer: Answer = await world.post("\(World.home)/registrationtokens", as: .ann)
        let token: String = try #require(answer["token"]?.string)
        #expect(token.split(separator: ":").count == 3)
        #expect(!token.contains("="))
        #expect(answer["registrationUrl"] == .string("http://drover.test:8080/v2-beta/scripts/\(token)"))
        #expect(answer["command"]?.string?.contains("drover agent --url http://drover.test:8080 --token \(token)") == true)
        #expect(answer["state"] == "active")
    }

    @Test func `the script of a token needs no key and has no second equals sign`() async throws {
        let world = World()
        let token: String = try await Self.token(world).token
        let script: Answer = await world.get("/v2-beta/scripts/\(token)", as: .nobody)
        #expect(script.status == 200)
        #expect(script.headers["content-type"]?.hasPrefix("text/plain") == true)
        let lines: [Substring] = script.text.split(separator: "\n").filter { $0.hasPrefix("export") }
        #expect(lines.allSatisfy { $0.filter { $0 == "=" }.count == 1 })
        #expect(lines.contains("export CATTLE_REGISTRATION_SECRET_KEY=\"\(token)\""))
        #expect(lines.contains("export CATTLE_URL=\"http://drover.test:8080/v2-beta\""))
        #expect(lines.contains("export DETECTED_CATTLE_AGENT_IP=\"192.0.2.7\""))
        #expect(await world.get("/v2-beta/scripts/\(token)x", as: .nobody).status == 404)
        #expect(await world.get("/v2-beta/scripts/$(id)", as: .nobody).status == 404)
    }

    @Test func `a token lets a host in and gives it a key of its own`() async throws {
        let world = World()
        let token: String = try await Self.token(world).token
        let answer: Answer = await Self.register(world, token, ["key": "Host-A", "hostname": "a.example", "labels": ["k": "v"]])
        #expect(answer.status == 201, "\(answer)")
        let id: String = try #require(answer["hostId"]?.string)
        let host: Answer = await world.get("\(World.home)/hosts/\(id)", as: .ann)
        #expect(host["hostname"] == "a.example" && host["uuid"] == "Host-A" && host["labels"] == ["k": "v"])
        let audit: AuditRecord = try #require(world.node.lastChange?.audit)
        #expect(audit.eventType == "api.host.register")
        #expect(audit.decision.contains("allow") && !audit.decision.contains("denied"))
        #expect(!"\(audit)".contains(answer["secretKey"]?.string ?? "-"))
        // Once more: the same host, and its old key is of no use any more.
        let again: Answer = await Self.register(world, token, ["uuid": "host-a"])
        #expect(again["hostId"]?.string == id)
        for (answer, status) in [(answer, 401), (again, 404)] {
            let key: String = World.basic(answer["accessKey"]?.string ?? "", answer["secretKey"]?.string ?? "")
            let tried: Answer = await world.send("GET", "/v2-beta/stacks", as: .nobody, headers: ["Authorization": key])
            #expect(tried.status == status)
        }
    }

    static let refused: [(JSONValue, String, String)] = [
        ([:], "MissingRequired", "uuid"), (["key": ""], "MinLengthExceeded", "uuid"),
        (["key": .string(String(repeating: "a", count: 65))], "MaxLengthExceeded", "uuid"),
        (["key": "a b"], "InvalidCharacters", "uuid"), (["key": "É"], "InvalidCharacters", "uuid"),
        (["key": "a\u{0}"], "InvalidCharacters", "uuid"), (["key": ["a"]], "InvalidFormat", "uuid"),
        (["key": "a", "hostname": "a\n$(id)"], "InvalidCharacters", "hostname"),
        (["key": "a", "labels": ["a": ["b": 1]]], "InvalidFormat", "labels"),
    ]

    @Test(arguments: refused)
    func `a host that says nonsense of itself is refused`(body: JSONValue, code: String, field: String) async throws {
        let world = World()
        let answer: Answer = await Self.register(world, try await Self.token(world).token, body)
        #expect(answer.status == 422, "\(answer)")
        #expect(answer.code == code && answer.field == field)
    }

    @Test func `a foreign, a changed, a withdrawn and an expired token are 401`() async throws {
        let world = World(settings: [("registration.token.period.millis", "60000")])
        let (id, token): (String, String) = try await Self.token(world)
        let parts: [Substring] = token.split(separator: ":")
        let foreign: String = RegistrationToken(publicValue: String(parts[0]), issued: World.started).signed(key: [1])
        let later = "\(parts[0]):\(World.started + 60_000):\(parts[2])"
        for bad in [foreign, later, "\(token)0", "", "a:b:c", String(repeating: ":", count: 5_000)] {
            let answer: Answer = await Self.register(world, bad, ["key": "a"])
            #expect(answer.status == 401)
            #expect(answer["message"]?.string?.contains("registrationTokens") == true, "the next step is told")
        }
        world.clock.advance(59_999)
        #expect(await Self.register(world, token, ["key": "a"]).status == 201)
        world.clock.advance(1)
        #expect(await Self.register(world, token, ["key": "b"]).status == 401)
        #expect(await world.get("/v2-beta/scripts/\(token)", as: .nobody).status == 404)
        world.clock.advance(-60_000)
        #expect(await world.post("\(World.home)/registrationtokens/\(id)?action=deactivate", as: .ann).status == 202)
        #expect(await Self.register(world, token, ["key": "a"]).status == 401)
        #expect(await world.get("\(World.home)/registrationtokens/\(id)", as: .ann)["token"] == .null)
    }

    @Test func `a period beyond all time does not overflow`() async throws {
        let world = World(settings: [("registration.token.period.millis", "9223372036854775807")])
        #expect(await Self.register(world, try await Self.token(world).token, ["key": "a"]).status == 201)
    }

    @Test func `a token opens nothing but registration`() async throws {
        let world = World()
        let token: String = World.basic("registrationToken", try await Self.token(world).token)
        for path in ["/v2-beta/stacks", "/v2-beta/schemas", "/v2-beta/hosts", "/v2-beta/accounts"] {
            let answer: Answer = await world.send("GET", path, as: .nobody, headers: ["Authorization": token])
            #expect(answer.status == 404, "\(path)")
        }
        let scoped: Answer = await world.send("GET", "\(World.home)/hosts", as: .nobody, headers: ["Authorization": token])
        #expect(scoped.status == 403)
        let read: Answer = await world.send("GET", "/v2-beta/register", as: .nobody, headers: ["Authorization": token])
        #expect(read.status == 405)
    }

    @Test func `a host's key opens its stream and nothing else`() async throws {
        let world = World()
        let made: Answer = await Self.register(world, try await Self.token(world).token, ["key": "a"])
        let key: String = World.basic(made["accessKey"]?.string ?? "", made["secretKey"]?.string ?? "")
        for path in ["/v2-beta/stacks", "/v2-beta/schemas", "/v2-beta/hosts", "/v2-beta/register", "/v2-beta/settings"] {
            let answer: Answer = await world.send("GET", path, as: .nobody, headers: ["Authorization": key])
            #expect(answer.status == 404, "\(path): \(answer)")
        }
        #expect(await world.send("GET", "\(World.home)/hosts", as: .nobody, headers: ["Authorization": key]).status == 403)
        let stream: HTTPHeaders = [
            "Authorization": key, "Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13",
            "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
        ]
        let opened: Answer = await world.send("GET", "/v2-beta/hoststream", as: .nobody, headers: stream)
        #expect(opened.status == 101 && opened.isUpgrade)
        try world.change(.host, try #require(ResourceID(made["hostId"]?.string ?? "")?.number), ["removed": 7])
        #expect(await world.send("GET", "/v2-beta/hoststream", as: .nobody, headers: stream).status == 403)
    }
}
