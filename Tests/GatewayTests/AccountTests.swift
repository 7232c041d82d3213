import Crypto
@testable import Gateway
import HTTP
import JSON
import Limits
import Model
import Store
import StoreFormat
import Testing

@Suite(.timeLimit(.minutes(2))) struct AccountTests {
    // MARK: Accounts

    @Test(arguments: [
        "user", "admin", "readAdmin", "project", "agent", "service", "superadmin", "registeredAgent", "test",
    ])
    func `an administrator makes accounts of every kind, and keys for them`(kind: String) async throws {
        let world = World()
        let made: Answer = await world.post(
            "/v2-beta/accounts",
            ["name": "made", "kind": .string(kind), "uuid": .string("chosen-\(kind)")]
        )
        #expect(made.status == 201 && made["kind"]?.string == kind && made["state"] == "active", "\(made)")
        #expect(made["uuid"]?.string == "chosen-\(kind)")
        let id: String = try #require(made["id"]?.string)
        let key: Answer = await world.post(
            "/v2-beta/apikeys",
            ["accountId": .string(id), "publicValue": "chosen.key", "secretValue": "chosen secret"]
        )
        #expect(key.status == 201 && key["publicValue"] == "chosen.key" && key["secretValue"] == "chosen secret")
        let asked: Answer = await world.send(
            "GET",
            "/v2-beta",
            as: .nobody,
            headers: ["Authorization": World.basic("chosen.key", "chosen secret")]
        )
        #expect(asked.status == 200 && asked.headers["x-api-user-id"] == id)
        #expect(asked.headers["x-api-account-kind"] == kind)
    }

    @Test func `a uuid is given once`() async {
        let world = World()
        let body: JSONValue = ["name": "made", "uuid": "mine"]
        #expect(await world.post("/v2-beta/accounts", body).status == 201)
        let again: Answer = await world.post("/v2-beta/accounts", body)
        #expect(again.status == 422 && again.code == "NotUnique" && again.field == "uuid")
    }

    @Test func `users make no accounts and change no kinds`() async {
        let world = World()
        #expect(await world.post("/v2-beta/accounts", ["name": "x"], as: .ann).status == 405)
        #expect(await world.put("/v2-beta/accounts/1a20", ["kind": "admin"], as: .ann).status == 405)
        #expect(await world.get("/v2-beta/accounts/1a20")["kind"] == "user")
    }

    @Test func `the last administrator is neither demoted, deactivated nor removed`() async throws {
        let world = World()
        for answer in [
            await world.put("/v2-beta/accounts/1a1", ["kind": "user"]),
            await world.post("/v2-beta/accounts/1a1?action=deactivate"),
        ] { #expect(answer.status == 405 && answer.code == "LastAdminAccount", "\(answer)") }
        #expect(await world.put("/v2-beta/accounts/1a20", ["kind": "admin"]).status == 200)
        #expect(await world.get("/v2-beta/accounts", as: .ann).status == 200)
        #expect(await world.put("/v2-beta/accounts/1a1", ["kind": "user"]).status == 200)
        #expect(await world.get("/v2-beta/settings/api.security.enabled").status == 404)
        #expect(await world.put("/v2-beta/accounts/1a20", ["kind": "user"], as: .ann).code == "LastAdminAccount")
    }

    @Test func `two administrators cannot demote each other at the same moment`() async throws {
        let world = World()
        #expect(await world.put("/v2-beta/accounts/1a20", ["kind": "admin"]).status == 200)
        world.node.beforeNext { _ in try? world.change(.account, 1, ["kind": "user"]) }
        let answer: Answer = await world.put("/v2-beta/accounts/1a20", ["kind": "user"], as: .ann)
        #expect(answer.status == 405 && answer.code == "LastAdminAccount", "\(answer)")
    }

    @Test func `people do not become environments`() async {
        let world = World()
        #expect(await world.put("/v2-beta/accounts/1a20", ["kind": "project"]).status == 422)
        #expect(await world.get("/v2-beta/accounts/1a20")["kind"] == "user")
    }

    // MARK: Keys

    @Test func `a key ends when it expires`() async throws {
        let world = World()
        let expires: Int64 = World.started + 60_000
        let key: Answer = await world.post("/v2-beta/apikeys", ["expires": .int(expires)], as: .ann)
        #expect(key.status == 201 && key["expiresTS"] == .int(expires), "\(key)")
        let header: String = World.basic(
            try #require(key["publicValue"]?.string),
            try #require(key["secretValue"]?.string)
        )
        func status() async -> Int {
            await world.send("GET", "/v2-beta/projects", as: .nobody, headers: ["Authorization": header]).status
        }
        #expect(await status() == 200)
        world.clock.advance(60_000)
        #expect(await status() == 401)
    }

    @Test func `no key is named like what stands for a token`() async {
        let world = World()
        for name in ["x-api-bearer", "X-API-Bearer", "x-api-bearer=1a5", "registrationToken"] {
            let answer: Answer = await world.post("/v2-beta/apikeys", ["publicValue": .string(name)])
            #expect(answer.status == 422 && answer.field == "publicValue", "\(name)")
        }
    }

    // MARK: Passwords

    @Test func `logins that differ in case only are one`() async throws {
        let world = World()
        try await world.password("Ann", "ann's secret", of: "1a20")
        let again: Answer = await world.post(
            "/v2-beta/passwords",
            ["publicValue": "aNN", "secretValue": "bob's secret", "accountId": "1a21"]
        )
        #expect(again.status == 422 && again.code == "NotUnique" && again.field == "publicValue")
        // An access key of the same name is something else.
        #expect(await world.post("/v2-beta/apikeys", ["publicValue": "Ann"]).status == 201)
    }

    @Test(arguments: [
        ("", "long enough", "publicValue"), ("a:b", "long enough", "publicValue"), ("ann", "short", "secretValue"),
        ("ann", String(repeating: "x", count: 257), "secretValue"), ("a\nb", "long enough", "publicValue"),
    ])
    func `what is no login or no password is refused`(login: String, secret: String, field: String) async {
        let answer: Answer = await World().post(
            "/v2-beta/passwords",
            ["publicValue": .string(login), "secretValue": .string(secret), "accountId": "1a20"]
        )
        #expect(answer.status == 422 && answer.field == field, "\(answer)")
    }

    @Test func `a login is for a person`() async {
        let answer: Answer = await World().post(
            "/v2-beta/passwords",
            ["publicValue": "env", "secretValue": "long enough", "accountId": "1a5"]
        )
        #expect(answer.status == 422 && answer.field == "accountId")
    }

    @Test func `changing a password needs the old one, and ends the other logins`() async throws {
        let world = World()
        try await world.enableLogins()
        let id: String = try await world.password("ann", "ann's secret", of: "1a20")
        let target = "/v2-beta/passwords/\(id)/?action=changesecret"
        let mine: String = try await world.token("ann:ann's secret")
        let other: String = try await world.token("ann:ann's secret")
        for old: JSONValue in ["wrong secret", .null] {
            let answer: Answer = await world.bearing(
                mine,
                target,
                method: "POST",
                body: ["oldSecret": old, "newSecret": "new secret"]
            )
            #expect(answer.status == 400 && answer.code == "InvalidOldPassword", "\(answer)")
        }
        #expect(
            await world.post(target, ["oldSecret": "ann's secret", "newSecret": "new secret"], as: .bob).status == 404
        )
        let short: Answer = await world.bearing(
            mine,
            target,
            method: "POST",
            body: ["oldSecret": "ann's secret", "newSecret": "short"]
        )
        #expect(short.status == 422 && short.field == "newSecret")
        let done: Answer = await world.bearing(
            mine,
            target,
            method: "POST",
            body: ["oldSecret": "ann's secret", "newSecret": "new secret"]
        )
        #expect(done.status == 200 && done["secretValue"] == .null, "\(done)")
        #expect(await world.bearing(mine, "/v2-beta/projects").status == 200)
        #expect(await world.bearing(other, "/v2-beta/projects").status == 401)
        #expect(await world.login("ann:ann's secret").status == 401)
        #expect(await world.login("ann:new secret").status == 201)
        #expect(await world.post(target, ["newSecret": "by the admin"]).status == 200)
        #expect(await world.login("ann:by the admin").status == 201)
    }

    @Test func `a hash of another cost is renewed at the next login`() async throws {
        let world = World()
        try await world.enableLogins()
        let id: String = try await world.password("ann", "ann's secret", of: "1a20")
        let number: UInt64 = try #require(ResourceID(id)?.number)
        let old: String = try #require(PasswordHash.make("ann's secret", cost: Scrypt.Cost(log2N: 3)))
        try world.change(.credential, number, ["secretHash": .string(old)])
        #expect(await world.login("ann:ann's secret").status == 201)
        let hash: String = try #require(try world.stored(.credential, id)["secretHash"]?.string)
        #expect(hash.hasPrefix("scrypt:4:8:1:"))
        #expect(await world.login("ann:ann's secret").status == 201)
    }

    @Test(arguments: [
        "", "plain", "SHA256:a:b", "scrypt:4:8:1:00:00", "scrypt:99:8:1:00:\(String(repeating: "0", count: 64))",
    ])
    func `a stored value of another form matches nothing`(stored: String) {
        #expect(PasswordHash.matches(stored, stored) == false)
    }

    // MARK: Switching access control

    @Test func `whoever switches access control on gets the login, and environments without owner`() async throws {
        let world = World(settings: [("api.security.enabled", "false")])
        world.node.write([
            RecordWriting.put(
                .account,
                .known(40),
                ["name": "orphan", "kind": "project", "uuid": "o", "state": "active", "created": 1, "removed": nil],
                scope: .known(0)
            )
        ])
        let answer: Answer = await world.send(
            "POST",
            "/v2-beta/localauthconfig",
            as: .nobody,
            body: JSONWriter.bytes([
                "enabled": true, "username": "root", "password": "correct horse", "accessMode": "unrestricted",
            ])
        )
        #expect(answer.status == 201 && answer["enabled"] == true && answer["password"] == .null, "\(answer)")
        #expect(await world.send("GET", "/v2-beta/projects", as: .nobody).status == 401)
        #expect(await world.get("/v2-beta/settings/api.auth.enabler")["value"] == "rancher_id:1a1")
        let token: String = try await world.token("root:correct horse")
        let members: Answer = await world.bearing(token, "/v2-beta/projects/1a40/projectmembers")
        #expect(members.data.count == 1 && members.data.first?["externalId"] == "1a1")
        #expect(members.data.first?["role"] == "owner")
        let shown: Answer = await world.get("/v2-beta/localauthconfigs")
        #expect(shown.data.first?["enabled"] == true && shown.data.first?["username"] == .null)
    }

    @Test func `a login that exists must show its password, and administers from then on`() async throws {
        let world = World()
        try await world.password("ann", "ann's secret", of: "1a20")
        func enable(_ password: String) async -> Answer {
            await world.post(
                "/v2-beta/localauthconfigs",
                ["enabled": true, "username": "ANN", "password": .string(password)]
            )
        }
        let wrong: Answer = await enable("not hers at all")
        #expect(wrong.status == 401 && wrong.code == "IncorrectPassword")
        #expect(await world.get("/v2-beta/accounts/1a20")["kind"] == "user")
        #expect(await enable("ann's secret").status == 201)
        #expect(await world.get("/v2-beta/accounts/1a20")["kind"] == "admin")
    }

    @Test func `a new login replaces the administrator's older ones`() async throws {
        let world = World()
        try await world.enableLogins()
        let answer: Answer = await world.post(
            "/v2-beta/localauthconfigs",
            ["enabled": true, "username": "chief", "password": "battery staple"]
        )
        #expect(answer.status == 201)
        #expect(await world.login("root:correct horse").status == 401)
        #expect(await world.login("chief:battery staple")["accountId"] == "1a1")
    }

    @Test func `off leaves the provider, and null takes it away`() async throws {
        let world = World()
        try await world.enableLogins()
        let off: Answer = await world.post("/v2-beta/localauthconfigs", ["enabled": false])
        #expect(off.status == 201 && off["enabled"] == false)
        #expect(await world.send("GET", "/v2-beta/projects", as: .nobody).status == 200)
        #expect(await world.login("root:correct horse").status == 201)
        #expect(await world.post("/v2-beta/localauthconfigs", ["enabled": nil]).status == 201)
        #expect(await world.login("root:correct horse").code == "NoAuthProvider")
    }

    @Test func `only administrators see how logins are set up`() async {
        let world = World()
        for who: World.Who in [.ann, .project] {
            #expect(await world.get("/v2-beta/localauthconfigs", as: who).status == 404)
            let answer: Answer = await world.post("/v2-beta/localauthconfigs", ["enabled": false], as: who)
            #expect(answer.status == 404)
        }
        #expect(await world.post("/v2-beta/localauthconfigs", ["enabled": true, "username": "x"]).field == "password")
        #expect(
            await world.post("/v2-beta/localauthconfigs", ["enabled": true, "password": "long enough"]).field
                == "username"
        )
    }

    @Test(arguments: [
        ("unrestricted", "ann", 201), ("unrestricted", "zoe", 201), ("restricted", "ann", 201),
        ("restricted", "zoe", 403),
        ("required", "ann", 403), ("required", "root", 201), ("restricted", "bob", 201), ("required", "bob", 201),
    ])
    func `access modes say who of those who are known may log in`(mode: String, who: String, status: Int) async throws {
        let world = World(settings: [("api.auth.allowed.identities", "rancher_id:1a21, rancher_id:1a999")])
        try await world.enableLogins(mode: mode)
        for (name, id) in [("ann", "1a20"), ("bob", "1a21")] { try await world.password(name, "a good secret", of: id) }
        let zoe: Answer = await world.post("/v2-beta/accounts", ["name": "zoe"])
        try await world.password("zoe", "a good secret", of: zoe["id"]?.string ?? "")
        let answer: Answer = await world.login(who == "root" ? "root:correct horse" : "\(who):a good secret")
        #expect(answer.status == status, "\(answer)")
        if status == 403 { #expect(answer.code == "AuthError") }
    }
}
