import Bytes
import Crypto
@testable import Gateway
import HTTP
import JSON
import Limits
import Logging
import Model
import Store
import StoreFormat
import Testing

@Suite(.timeLimit(.minutes(2))) struct LoginTests {
    // MARK: In

    @Test func `a login answers with an opaque token that acts as its account`() async throws {
        let world = World()
        try await world.enableLogins()
        try await world.password("Ann", "ann's secret", of: "1a20")
        let answer: Answer = await world.login("ann:ann's secret")
        #expect(answer.status == 201)
        #expect(!answer.headers.all("set-cookie").contains { $0.contains("token") })
        let token: String = try #require(answer["jwt"]?.string)
        #expect(token.count == 40 && token.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber) })
        #expect(answer["accountId"] == "1a20" && answer["userType"] == "user" && answer["security"] == true)
        #expect(answer["authProvider"] == "localAuthConfig" && answer["id"] == .null && answer["code"] == .null)
        #expect(answer["userIdentity"]?["id"] == "1i!rancher_id:1a20")
        #expect(answer["userIdentity"]?["login"] == "Ann")
        for headers: HTTPHeaders in [
            ["Authorization": "Bearer \(token)"], ["Cookie": "a=b; token=\(token); c=d"],
            ["Authorization": World.basic("x-api-bearer", token)],
        ] {
            let asked: Answer = await world.send("GET", "/v2-beta/projects", as: .nobody, headers: headers)
            #expect(asked.status == 200 && asked.headers["x-api-user-id"] == "1a20")
        }
        let asked: Answer = await world.send("GET", "/v2-beta/projects?token=\(token)&limit=1", as: .nobody)
        #expect(asked.status == 200 && !asked.text.contains(token))
    }

    @Test func `a form logs in, too`() async throws {
        let world = World()
        try await world.enableLogins()
        let answer: Answer = await world.send(
            "POST",
            "/v2-beta/token",
            as: .nobody,
            headers: ["Content-Type": "application/x-www-form-urlencoded"],
            body: Array("code=root%3Acorrect+horse".utf8)
        )
        #expect(answer.status == 201 && answer["accountId"] == "1a1")
    }

    @Test(arguments: [
        ("ann:wrong one", 401, "Unauthorized"), ("nobody:ann's secret", 401, "Unauthorized"),
        ("ann", 403, "Forbidden"), (":x", 403, "Forbidden"), ("ann:", 401, "Unauthorized"),
        ("ann:ann's secret:more", 401, "Unauthorized"),
    ])
    func `what is wrong is refused in the same words`(code: String, status: Int, problem: String) async throws {
        let world = World()
        try await world.enableLogins()
        try await world.password("ann", "ann's secret", of: "1a20")
        let answer: Answer = await world.login(code)
        #expect(answer.status == status && answer.code == problem)
        if status == 401 { #expect(answer["message"] == "The login or the password is wrong.") }
        #expect(answer.headers["www-authenticate"] == nil)
    }

    @Test func `nobody logs in while no provider is configured`() async {
        let answer: Answer = await World().login("ann:ann's secret")
        #expect(answer.status == 500 && answer.code == "NoAuthProvider")
    }

    @Test func `neither tokens nor passwords are stored, logged or told again`() async throws {
        let world = World()
        try await world.enableLogins()
        let answer: Answer = await world.post(
            "/v2-beta/passwords",
            ["publicValue": "ann", "secretValue": "ann's secret", "accountId": "1a20"]
        )
        #expect(answer["secretValue"] == .null)
        let token: String = try await world.token("ann:ann's secret")
        _ = await world.login("ann:planted wrong secret")
        _ = await world.send("GET", "/v2-beta/nonsense?token=\(token)", as: .nobody)
        var written: String = world.log.records.map { "\($0)" }.joined(separator: "\n")
        for transaction in world.node.entries {
            written += String(decoding: TransactionCodecProbe.bytes(transaction), as: UTF8.self)
        }
        for secret in [token, "ann's secret", "planted wrong secret", "correct horse"] {
            #expect(!written.contains(secret), "\(secret)")
        }
        // The probe sees what is there: the login stands in a record.
        #expect(written.contains("\"publicValue\":\"ann\""))
    }

    @Test func `who is logged in, and how one can, is told without credentials`() async throws {
        let world = World()
        let before: Answer = await world.send("GET", "/v2-beta/token", as: .nobody)
        #expect(before.status == 200 && before.data.first?["authProvider"] == "none")
        try await world.enableLogins()
        let token: String = try await world.token("root:correct horse")
        let after: Answer = await world.send("GET", "/v2-beta/token", as: .nobody)
        #expect(after.data.count == 1 && after.data.first?["security"] == true)
        #expect(after.data.first?["user"] == .null)
        let known: Answer = await world.send(
            "GET",
            "/v2-beta/token",
            as: .nobody,
            headers: ["Cookie": "token=\(token)"]
        )
        #expect(known.data.first?["user"] == "root" && known.data.first?["accountId"] == "1a1")
        #expect(known.data.first?["jwt"] == .null)
    }

    // MARK: Ends

    @Test func `a token ends with the logout, its time, its password, its account and its provider`() async throws {
        let ends: [(String, (World, String) async throws -> Void)] = [
            (
                "logout",
                { world, token in
                    let answer: Answer = await world.bearing(token, "/v2-beta/token/current", method: "DELETE")
                    #expect(answer.status == 204)
                    #expect(answer.headers["set-cookie"] == "token=;Path=/;Expires=Thu, 01 Jan 1970 00:00:00 GMT;")
                    let again: Answer = await world.bearing(token, "/v2-beta/token/current", method: "DELETE")
                    #expect(again.status == 500 && again.code == "JWTNotProvided")
                }
            ),
            ("time", { world, _ in world.clock.advance(57_600_001) }),
            (
                "password",
                { world, _ in
                    let id: String = try #require(
                        await world.get("/v2-beta/passwords?publicValue=ann").data.first?["id"]?.string
                    )
                    #expect(await world.post("/v2-beta/passwords/\(id)?action=deactivate").status == 202)
                }
            ),
            (
                "account",
                { world, _ in #expect(await world.post("/v2-beta/accounts/1a20?action=deactivate").status == 202) }
            ),
            (
                "provider",
                { world, _ in
                    #expect(
                        await world.put("/v2-beta/settings/api.auth.provider.configured", ["value": "none"]).status
                            == 200
                    )
                }
            ),
        ]
        for (name, end) in ends {
            let world = World()
            try await world.enableLogins()
            try await world.password("ann", "ann's secret", of: "1a20")
            let token: String = try await world.token("ann:ann's secret")
            #expect(await world.bearing(token, "/v2-beta/projects").status == 200, "\(name)")
            try await end(world, token)
            #expect(await world.bearing(token, "/v2-beta/projects").status == 401, "\(name)")
        }
    }

    @Test func `a token of an account that comes back stays dead`() async throws {
        let world = World()
        try await world.enableLogins()
        try await world.password("ann", "ann's secret", of: "1a20")
        let token: String = try await world.token("ann:ann's secret")
        #expect(await world.post("/v2-beta/accounts/1a20?action=deactivate").status == 202)
        #expect(await world.post("/v2-beta/accounts/1a20?action=activate").status == 202)
        #expect(await world.bearing(token, "/v2-beta/projects").status == 401)
        #expect(try await !world.token("ann:ann's secret").isEmpty)
    }

    @Test func `a login with another provider says that it changed`() async throws {
        let world = World()
        try await world.enableLogins()
        let token: String = try await world.token("root:correct horse")
        _ = await world.put("/v2-beta/settings/api.auth.provider.configured", ["value": "openidConfig"])
        let answer: Answer = await world.bearing(token, "/v2-beta/projects")
        #expect(answer.status == 401 && answer.code == "AuthProviderChanged")
    }

    @Test func `one session only ends the earlier ones`() async throws {
        let world = World(settings: [("api.auth.restrict.concurrent.sessions", "true")])
        try await world.enableLogins()
        let first: String = try await world.token("root:correct horse")
        let second: String = try await world.token("root:correct horse")
        #expect(await world.bearing(first, "/v2-beta/projects").status == 401)
        #expect(await world.bearing(second, "/v2-beta/projects").status == 200)
    }

    @Test func `an account has so many logins at most, and the oldest end`() async throws {
        let world = World()
        try await world.enableLogins()
        var tokens: [String] = []
        for _ in 0...Limits.loginTokensOfAccount { tokens.append(try await world.token("root:correct horse")) }
        #expect(world.node.store.view.records(in: .loginToken).count == Limits.loginTokensOfAccount)
        #expect(await world.bearing(tokens[0], "/v2-beta/projects").status == 401)
        #expect(await world.bearing(tokens[1], "/v2-beta/projects").status == 200)
    }

    // MARK: The order of credentials

    @Test func `a login that has ended does not stand in the way of a key`() async throws {
        let world = World()
        try await world.enableLogins()
        let headers: HTTPHeaders = ["Cookie": "token=\(String(repeating: "a", count: 40))"]
        #expect(await world.send("GET", "/v2-beta/projects", as: .ann, headers: headers).status == 200)
        #expect(await world.send("GET", "/v2-beta/projects", as: .nobody, headers: headers).status == 401)
    }

    @Test func `the cookie counts before the key, and tokens count for nothing without a provider`() async throws {
        let world = World()
        try await world.enableLogins()
        let token: String = try await world.token("root:correct horse")
        let headers: HTTPHeaders = ["Cookie": "token=\(token)"]
        let first: Answer = await world.send("GET", "/v2-beta/projects", as: .ann, headers: headers)
        #expect(first.headers["x-api-user-id"] == "1a1")
        _ = await world.put("/v2-beta/settings/api.auth.provider.configured", ["value": ""])
        let second: Answer = await world.send("GET", "/v2-beta/projects", as: .ann, headers: headers)
        #expect(second.headers["x-api-user-id"] == "1a20")
    }

    @Test func `a Basic token may name the environment, and so may an access key`() async throws {
        let world = World()
        try await world.enableLogins()
        try await world.password("ann", "ann's secret", of: "1a20")
        let token: String = try await world.token("ann:ann's secret")
        let basic: HTTPHeaders = ["Authorization": World.basic("x-api-bearer=1a5", token)]
        #expect(
            await world.send("GET", "/v2-beta/stacks", as: .nobody, headers: basic).headers["x-api-account-id"] == "1a5"
        )
        let foreign: HTTPHeaders = ["Authorization": World.basic("x-api-bearer=1a30", token)]
        #expect(await world.send("GET", "/v2-beta/stacks", as: .nobody, headers: foreign).status == 403)
        var named: HTTPHeaders = ["X-API-Client-Access-Key": "project-key"]
        #expect(await world.get("/v2-beta/stacks", as: .ann, headers: named).headers["x-api-account-id"] == "1a5")
        #expect(await world.get("/v2-beta/stacks", as: .eve, headers: named).status == 403)
        named = ["X-API-Client-Access-Key": "no-such-key"]
        #expect(await world.get("/v2-beta/stacks", as: .ann, headers: named).status == 403)
        named["X-API-Project-Id"] = "1a5"
        #expect(await world.get("/v2-beta/stacks", as: .ann, headers: named).status == 200)
    }

    // MARK: First environment

    @Test func `the first login of somebody without an environment makes one, once`() async throws {
        let world = World()
        try await world.enableLogins()
        let made: Answer = await world.post("/v2-beta/accounts", ["name": "zoe", "kind": "user"])
        let id: String = try #require(made["id"]?.string)
        try await world.password("zoe", "zoe's secret", of: id)
        let token: String = try await world.token("zoe:zoe's secret")
        #expect(await world.bearing(token, "/v2-beta/projects").names == ["zoe-Default"])
        _ = try await world.token("zoe:zoe's secret")
        let projects: Answer = await world.bearing(token, "/v2-beta/projects")
        #expect(projects.names == ["zoe-Default"])
        let members: Answer = await world.bearing(
            token,
            "/v2-beta/projects/\(projects.data.first?["id"]?.string ?? "")/projectmembers"
        )
        #expect(members.data.first?["role"] == "owner" && members.data.first?["externalId"]?.string == id)
    }

    @Test func `a setting keeps first logins from making environments`() async throws {
        let world = World(settings: [("project.create.default", "false")])
        try await world.enableLogins()
        let made: Answer = await world.post("/v2-beta/accounts", ["name": "zoe", "kind": "user"])
        try await world.password("zoe", "zoe's secret", of: made["id"]?.string ?? "")
        let token: String = try await world.token("zoe:zoe's secret")
        #expect(await world.bearing(token, "/v2-beta/projects").names.isEmpty)
    }

    // MARK: Browsers

    private static let browser: String = "Mozilla/5.0 (X11; Linux x86_64)"

    @Test func `browsers get a mark, and must show it with every change`() async throws {
        let world = World()
        var headers: HTTPHeaders = ["User-Agent": Self.browser, "Accept": "application/json"]
        let first: Answer = await world.get("/v2-beta/projects", as: .ann, headers: headers)
        let cookie: String = try #require(first.headers.all("set-cookie").first { $0.hasPrefix("CSRF=") })
        let mark = String(cookie.dropFirst(5).prefix(10))
        #expect(mark.allSatisfy { $0.isHexDigit })
        headers["Cookie"] = "CSRF=\(mark)"
        headers["Content-Type"] = "application/json"
        let body: [UInt8] = JSONWriter.bytes(["name": "mine"])
        func post() async -> Answer {
            await world.send("POST", "/v2-beta/projects", as: .ann, headers: headers, body: body)
        }
        let without: Answer = await post()
        #expect(without.status == 403 && without.code == "InvalidCSRFToken")
        headers["X-API-CSRF"] = "0000000000"
        #expect(await post().code == "InvalidCSRFToken")
        headers["X-API-CSRF"] = mark
        #expect(await post().status == 201)
        let marked: Answer = await world.get("/v2-beta/projects", as: .ann, headers: headers)
        #expect(!marked.headers.all("set-cookie").contains { $0.hasPrefix("CSRF") })
        headers["User-Agent"] = "curl/8.0"
        headers["X-API-CSRF"] = nil
        #expect(await post().status == 201)
    }

    @Test func `a change that only a cookie vouches for says that it is JSON`() async throws {
        let world = World()
        try await world.enableLogins()
        let token: String = try await world.token("root:correct horse")
        var headers: HTTPHeaders = ["Cookie": "token=\(token)"]
        let body: [UInt8] = JSONWriter.bytes(["name": "mine"])
        for (type, status) in [(nil, 415), ("text/plain", 415), ("application/json; charset=utf-8", 201)]
            as [(String?, Int)]
        {
            headers["Content-Type"] = type
            let answer: Answer = await world.send(
                "POST",
                "/v2-beta/projects",
                as: .nobody,
                headers: headers,
                body: body
            )
            #expect(answer.status == status, "\(type ?? "none"): \(answer)")
        }
        // Whoever holds the token itself needs not say.
        #expect(await world.bearing(token, "/v2-beta/projects", method: "POST", body: ["name": "more"]).status == 201)
    }

    // MARK: Guessing

    @Test func `guesses wait, also those of a login that nobody has, and others log in meanwhile`() async throws {
        let world = World()
        try await world.enableLogins()
        try await world.password("ann", "ann's secret", of: "1a20")
        for login in ["ann", "nobody"] {
            for _ in 0..<Limits.guessesOfLogin {
                #expect(await world.login("\(login):guess", peer: "198.51.100.9").status == 401)
            }
            let late: Answer = await world.login("\(login):guess", peer: "198.51.100.10")
            #expect(late.status == 429 && late.headers["retry-after"] == "1", "\(late)")
        }
        // Right or wrong makes no difference as long as it waits.
        #expect(await world.login("ann:ann's secret", peer: "198.51.100.9").status == 429)
        #expect(await world.login("root:correct horse").status == 201)
        world.clock.advance(Limits.guessPauseMilliseconds)
        #expect(await world.login("ann:ann's secret").status == 201)
        #expect(await world.login("ann:ann's secret").status == 201)
    }

    @Test func `whoever guesses a login does not shut out its owner`() async throws {
        let world = World()
        try await world.enableLogins()
        _ = try await world.token("root:correct horse")
        for number in 1...30 {
            world.clock.advance(Limits.guessLoginWaitMilliseconds)
            #expect(await world.login("root:guess", peer: "198.51.100.\(number)").status == 401)
        }
        #expect(await world.login("root:correct horse", peer: "203.0.113.5").status == 429)
        #expect(await world.login("root:correct horse").status == 201)
    }

    @Test func `whoever sets the clock makes no wait longer and none shorter`() async throws {
        let world = World()
        try await world.enableLogins()
        func login() async -> Int { await world.login("root:guess", peer: "198.51.100.9").status }
        func key() async -> Int {
            await world.send(
                "GET",
                "/v2-beta/projects",
                as: .nobody,
                headers: ["Authorization": World.basic("ann-key", "guess \(Int.random(in: 0...Int.max))")],
                peer: "198.51.100.9"
            ).status
        }
        for _ in 0..<max(Limits.guessesOfLogin, Limits.guessesOfKey) {
            _ = await login()
            _ = await key()
        }
        for milliseconds: Int64 in [-86_400_000, 7 * 86_400_000] {
            world.clock.set(by: milliseconds)
            #expect(await login() == 429)
            #expect(await key() == 429)
        }
        world.clock.advance(max(Limits.guessLoginWaitMilliseconds, Limits.guessKeyWaitMilliseconds))
        #expect(await login() == 401)
        #expect(await key() == 401)
    }

    @Test func `the ledger of guesses stays small`() {
        var ledger = GuessLedger()
        for number in 0..<(Limits.guessersKnown * 3) {
            ledger.failed(
                "login \(number)",
                from: "10.\(number >> 16).\(number >> 8 & 255).\(number & 255)",
                at: Int64(number)
            )
            ledger.succeeded("known \(number)", from: "192.0.2.1", at: Int64(number))
        }
        #expect(ledger.logins.count <= Limits.guessersKnown && ledger.addresses.count <= Limits.guessersKnown)
        #expect(ledger.known.count <= Limits.guessersKnown)
        #expect(ledger.logins.count > Limits.guessersKnown / 4)
    }

    @Test(arguments: [
        ("192.0.2.1", "192.0.2.1"), ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"), ("fe80::1%eth0", "fe80::/64"),
        ("::1", "::/64"), ("::ffff:192.0.2.1", "192.0.2.1"), ("2001:DB8::7", "2001:db8::/64"),
    ])
    func `an address stands for its network`(address: String, network: String) {
        #expect(GuessLedger.network(address) == network)
    }

    @Test func `waits grow and have an end`() {
        var ledger = GuessLedger()
        var waits: [Int64] = []
        for _ in 0..<40 {
            ledger.failed("ann", from: "192.0.2.1", at: 0)
            waits.append(ledger.wait("ANN", from: "192.0.2.2", at: 0))
        }
        #expect(
            waits[Limits.guessesOfLogin - 2] == 0 && waits[Limits.guessesOfLogin - 1] == Limits.guessPauseMilliseconds
        )
        #expect(waits == waits.sorted() && waits.last == Limits.guessLoginWaitMilliseconds)
        #expect(ledger.wait("bob", from: "192.0.2.1", at: 0) == Limits.guessAddressWaitMilliseconds)
        #expect(ledger.wait("ann", from: "192.0.2.2", at: Limits.guessMemoryMilliseconds) == 0)
    }

    @Test func `a flood of logins is bounded, and leaves room for others`() async throws {
        let work = PasswordWork(cost: Scrypt.Cost(log2N: 13))
        let results: [Int] = await withTaskGroup(of: Int.self) { group in
            for _ in 0..<60 {
                group.addTask {
                    do throws(Problem) {
                        _ = try await work.matches("x", nil, from: "198.51.100.9")
                        return 401
                    } catch { return error.status }
                }
            }
            var found: [Int] = []
            for await status in group { found.append(status) }
            return found
        }
        #expect(results.contains(429) && results.contains(401) && results.allSatisfy { [401, 429].contains($0) })
        #expect(try await !work.matches("x", nil, from: "203.0.113.1"))
    }
}

/// The bytes of a transaction as they go through the log.
enum TransactionCodecProbe {
    static func bytes(_ transaction: Transaction) -> [UInt8] {
        transaction.encoded()
    }
}
