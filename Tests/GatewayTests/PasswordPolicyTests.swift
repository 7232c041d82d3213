import EventLoop
import HTTP
import JSON
import Logging
import Model
import Testing

@testable import Gateway

@Suite(.timeLimit(.minutes(2))) struct PasswordPolicyTests {
    private static func world(_ fake: FakeInterceptor, _ more: [(String, String)] = []) -> World {
        World(settings: [(PasswordPolicy.url, "\(fake.url)/check?strict=1")] + more)
    }

    private static func create(_ world: World, _ secret: String = "planted secret") async -> Answer {
        await world.post(
            "/v2-beta/passwords",
            ["publicValue": "ann", "secretValue": .string(secret), "accountId": "1a20"]
        )
    }

    @Test func `the service is sent the password and nothing else, and what it lets pass is set`() async throws {
        let fake = try FakeInterceptor()
        let world = Self.world(fake)
        let made: Answer = await Self.create(world)
        #expect(made.status == 201, "\(made)")
        let request: HTTPRequest = try #require(fake.requests.first)
        #expect(fake.requests.count == 1 && request.method == "POST" && request.target == "/check?strict=1")
        #expect(String(decoding: request.body, as: UTF8.self) == #"{"secret":"planted secret"}"#)
        #expect(!request.headers.contains("authorization") && !request.headers.contains("cookie"))
        #expect(request.headers["content-type"] == "application/json")
        await fake.stop()
    }

    @Test func `a refusal has the status, the type and the words of the service, and nothing is changed`() async throws
    {
        let fake = try FakeInterceptor { _ in
            FakeInterceptor.json(422, ["type": "TooSimple", "message": "Use a\u{1B}[31m digit."])
        }
        let world = Self.world(fake)
        let count: Int = world.node.changes.count
        let answer: Answer = await Self.create(world)
        #expect(answer.status == 422 && answer["code"] == "TooSimple" && answer["message"] == "Use a[31m digit.")
        #expect(answer.field == "secretValue" && !answer.headers.contains("www-authenticate"))
        for (status, body, code, words): (Int, JSONValue, String, String) in [
            (400, [], "PasswordRefused", "At least one digit."),
            (403, ["type": "a b"], "PasswordRefused", "At least one digit."),
            (499, ["type": "X", "message": ""], "X", "At least one digit."),
        ] {
            fake.answer { _ in FakeInterceptor.json(status, body) }
            let other = Self.world(fake, [(PasswordPolicy.description, "At least one digit.")])
            let answer: Answer = await Self.create(other)
            #expect(answer.status == status && answer["code"]?.string == code && answer["message"]?.string == words)
        }
        #expect(world.node.changes.count == count)
        await fake.stop()
    }

    @Test(arguments: [500, 503, 302, 304, 101])
    func `a service that says neither lets no password pass`(status: Int) async throws {
        let fake = try FakeInterceptor { _ in
            HTTPResponse(status: status, headers: ["Location": "http://127.0.0.1:1/"])
        }
        let world = Self.world(fake, [(PasswordPolicy.patience, "2000")])
        let answer: Answer = await Self.create(world)
        #expect(answer.status == 503, "\(answer)")
        #expect(fake.requests.count == 1)
        #expect(world.log.records.allSatisfy { !"\($0.metadata)".contains("planted secret") })
        #expect(!answer.text.contains("planted secret") && !answer.text.contains("strict"))
        await fake.stop()
    }

    @Test func `a service that is dead, slow or talks without end lets no password pass`() async throws {
        let fake = try FakeInterceptor { _ in
            HTTPResponse(status: 422, body: [UInt8](repeating: 0x20, count: 200_000))
        }
        #expect(await Self.create(Self.world(fake)).status == 503)
        fake.answer { _ in
            try? await World.loops.next().sleep(milliseconds: 30_000)
            return HTTPResponse(status: 200)
        }
        #expect(await Self.create(Self.world(fake, [(PasswordPolicy.patience, "100")])).status == 503)
        let world = Self.world(fake)
        await fake.stop()
        #expect(await Self.create(world).status == 503)
        // Whoever has set up nonsense long ago.
        #expect(await Self.create(World(settings: [(PasswordPolicy.url, "nonsense")])).status == 503)
        #expect(await Self.create(World(settings: [(PasswordPolicy.url, "http://169.254.169.254/")])).status == 503)
    }

    @Test func `it is asked when a password is changed, by whoever knows the old one`() async throws {
        let fake = try FakeInterceptor()
        let world = Self.world(fake)
        let id: String = try await world.password("ann", "the old secret", of: "1a20")
        fake.answer {
            $0["secret"] == "forbidden secret"
                ? FakeInterceptor.json(422, ["message": "No."]) : HTTPResponse(status: 200)
        }
        func change(_ old: String, _ new: String) async -> Answer {
            await world.post(
                "/v2-beta/passwords/\(id)?action=changesecret",
                ["oldSecret": .string(old), "newSecret": .string(new)],
                as: .ann
            )
        }
        let count: Int = fake.requests.count
        #expect(await change("a wrong secret", "another secret").status == 400)
        #expect(fake.requests.count == count, "a guess tells the service nothing")
        let refused: Answer = await change("the old secret", "forbidden secret")
        #expect(refused.status == 422 && refused.field == "newSecret", "\(refused)")
        #expect(await change("the old secret", "another secret").status == 200)
        #expect(fake.asked.last == ["secret": "another secret"])
        await fake.stop()
    }

    @Test func `it is asked about the login that switches access control on, when that is a new one`() async throws {
        let fake = try FakeInterceptor { _ in FakeInterceptor.json(422, ["message": "No."]) }
        let world = Self.world(fake)
        let wish: JSONValue = ["enabled": true, "username": "root", "password": "correct horse"]
        #expect(await world.post("/v2-beta/localauthconfigs", wish).status == 422)
        fake.answer { _ in HTTPResponse(status: 200) }
        #expect(await world.post("/v2-beta/localauthconfigs", wish).status == 201)
        let count: Int = fake.requests.count
        fake.answer { _ in HTTPResponse(status: 500) }
        #expect(await world.post("/v2-beta/localauthconfigs", wish).status == 201, "the password is set already")
        #expect(fake.requests.count == count)
        await fake.stop()
    }

    @Test(arguments: [
        "ftp://a", "http://", "http://user@host/", "http://169.254.169.254/latest", "http://2130706433/", "policy",
        "http://[fe80::1]/",
    ])
    func `what cannot or must not be called is refused when it is set`(text: String) async {
        let answer: Answer = await World().put("/v2-beta/settings/\(PasswordPolicy.url)", ["value": .string(text)])
        #expect(answer.status == 422 && answer.field == "value", "\(answer)")
    }
}
