import HTTP
import JSON
import Model
import Store
import StoreFormat
import Testing

@Suite struct IdentityTests {
    // MARK: 401

    static let wrong: [(String, HTTPHeaders)] = [
        ("no key", [:]),
        ("a wrong secret", ["Authorization": World.basic("ann-key", "ann-secreT")]),
        ("an unknown key", ["Authorization": World.basic("nobody-key", "x")]),
        ("an empty pair", ["Authorization": World.basic("", "")]),
        ("no colon", ["Authorization": "Basic YWJj"]),
        ("no base64", ["Authorization": "Basic ???"]),
        ("another scheme", ["Authorization": "Bearer abc"]),
        ("an invented token", ["Authorization": World.basic("registrationToken", "A:1:00")]),
        ("a key of the name that tokens use", ["Authorization": World.basic("registrationToken", "")]),
    ]

    @Test(arguments: wrong)
    func `whoever cannot be identified gets 401 with a challenge`(what: String, headers: HTTPHeaders) async {
        let answer: Answer = await World().send("GET", "/v2-beta/projects", as: .nobody, headers: headers)
        #expect(answer.status == 401, "\(what)")
        #expect(answer.code == "Unauthorized")
        #expect(answer["type"] == "error")
        #expect(answer["status"] == 401)
        #expect(
            answer.headers["www-authenticate"]
                == "Basic realm=\"Enter API access key and secret key as username and password\""
        )
        #expect(answer.headers["x-api-schemas"] == "http://drover.test:8080/v2-beta/schemas")
        #expect(answer.headers["x-api-account-id"] == nil)
    }

    @Test func `the challenge can be switched off, for a browser's sake`() async {
        let quiet: [HTTPHeaders] = [["X-API-No-Challenge": "true"], ["Connection": "keep-alive, Upgrade"]]
        for headers in quiet {
            let answer: Answer = await World().send("GET", "/v2-beta", as: .nobody, headers: headers)
            #expect(answer.status == 401)
            #expect(!answer.headers.contains("www-authenticate"))
        }
    }

    @Test func `the realm is a setting and cannot break out of its quotes`() async {
        let world = World(settings: [("api.auth.realm", "a\" b\r\nX-Evil: 1")])
        let answer: Answer = await world.get("/v2-beta", as: .nobody)
        #expect(answer.headers["www-authenticate"] == "Basic realm=\"a bX-Evil: 1\"")
    }

    @Test(arguments: ["state", "removed", "expires"])
    func `a key that was deactivated, removed or has expired is wrong`(what: String) async throws {
        let world = World()
        switch what {
        case "state": try world.change(.credential, 120, ["state": "inactive"])
        case "removed": try world.change(.credential, 120, ["removed": 5])
        default: try world.change(.credential, 120, ["expires": .int(World.started)])
        }
        #expect(await world.get("/v2-beta/projects", as: .ann).status == 401)
    }

    @Test func `a key of an account that is not active is wrong`() async throws {
        let world = World()
        try world.change(.account, 20, ["state": "inactive"])
        #expect(await world.get("/v2-beta/projects", as: .ann).status == 401)
    }

    // MARK: Access control off

    @Test func `with access control off everybody is the first administrator`() async {
        let world = World(settings: [("api.security.enabled", "false")])
        for headers in [[:], ["Authorization": World.basic("a", "b")]] as [HTTPHeaders] {
            let answer: Answer = await world.send("GET", "/v2-beta/accounts", as: .nobody, headers: headers)
            #expect(answer.status == 200)
            #expect(answer.headers["x-api-user-id"] == "1a1")
        }
        // A key that is right still says who it is.
        #expect(await world.get("/v2-beta/projects", as: .ann).headers["x-api-user-id"] == "1a20")
        let strict: Answer = await world.send(
            "GET",
            "/v2-beta",
            as: .nobody,
            headers: ["X-ENFORCE-AUTHENTICATION": "true"]
        )
        #expect(strict.status == 401)
    }

    @Test(arguments: ["true", "", "False ", "no", "0"])
    func `a setting that does not clearly say off means on`(value: String) async {
        let world = World(settings: [("api.security.enabled", value)])
        #expect(await world.get("/v2-beta", as: .nobody).status == 401)
    }

    // MARK: Headers

    @Test func `an answer says who asked, where and by which address`() async {
        let world = World()
        let answer: Answer = await world.get("\(World.home)/stacks", as: .ann)
        let expected: [(String, String)] = [
            ("x-api-schemas", "http://drover.test:8080/v2-beta/projects/1a5/schemas"), ("x-api-account-id", "1a5"),
            ("x-api-user-id", "1a20"), ("x-api-account-kind", "user"), ("x-api-account-name", "ann"),
            ("x-api-client-ip", "192.0.2.7"), ("x-rancher-version", "v1.6.30"),
            ("content-type", "application/json; charset=utf-8"),
        ]
        for (name, value) in expected { #expect(answer.headers[name] == value, "\(name)") }
        #expect(answer.headers["x-api-revision"] == String(world.node.store.view.revision))
        #expect(await world.get("/v2-beta/projects", as: .ann).headers["x-api-account-id"] == "1a20")
        #expect(await world.get("/v2-beta/stacks", as: .project).headers["x-api-account-id"] == "1a5")
    }

    @Test func `every error carries the schemas of its scope and the id that is in the log`() async {
        let world = World()
        let answer: Answer = await world.get("\(World.home)/nonsense", as: .ann)
        #expect(answer.status == 404)
        #expect(answer.headers["x-api-schemas"] == "http://drover.test:8080/v2-beta/projects/1a5/schemas")
        #expect(answer["id"]?.string == answer.headers["x-api-request-id"])
    }

    @Test func `names cannot put anything into headers`() async throws {
        let world = World()
        try world.change(.account, 20, ["name": "ann\r\nSet-Cookie: x=1\u{0}\u{7f}\u{e9}"])
        let answer: Answer = await world.get("/v2-beta/projects", as: .ann)
        #expect(answer.headers["x-api-account-name"] == "annSet-Cookie: x=1")
    }

    @Test(arguments: ["1a5%0d%0aSet-Cookie:%20x", "..", "1a5%22%3E", "%00", "1a99999999999999999999"])
    func `what stands for an environment in the path never reaches a header`(project: String) async {
        let answer: Answer = await World().get("/v2-beta/projects/\(project)/stacks")
        #expect(answer.status == 403, "\(answer)")
        #expect(answer.headers["x-api-schemas"] == "http://drover.test:8080/v2-beta/schemas")
    }

    static let forwarded: [(String, String)] = [
        ("203.0.113.9", "203.0.113.9"), ("203.0.113.9, 10.0.0.1", "203.0.113.9"), ("203.0.113.9:4711", "203.0.113.9"),
        ("2001:db8::7", "2001:db8::7"), ("[2001:db8::7]:4711", "2001:db8::7"), ("evil", "192.0.2.7"), ("", "192.0.2.7"),
        ("203.0.113.9\u{1}x", "192.0.2.7"), (String(repeating: "9", count: 9_000), "192.0.2.7"),
    ]

    @Test(arguments: forwarded)
    func `the client's address is the first that was forwarded, if it is one`(header: String, address: String) async {
        let answer: Answer = await World().get("/v2-beta", headers: ["X-Forwarded-For": header])
        #expect(answer.headers["x-api-client-ip"] == address)
    }

    // MARK: Environments

    @Test func `an unknown environment is 404 as a document and 403 as a scope`() async {
        let world = World()
        for who in [World.Who.ann, .admin, .project] {
            #expect(await world.get("/v2-beta/projects/1a999", as: who).status == 404, "\(who)")
            #expect(await world.get("/v2-beta/projects/1a999/stacks", as: who).status == 403, "\(who)")
        }
    }

    @Test func `a foreign environment looks the same as an unknown one`() async {
        let world = World()
        for path in ["/v2-beta/projects/ID", "/v2-beta/projects/ID/stacks", "/v2-beta/projects/ID/projectmembers"] {
            var shapes: [String] = []
            for id in ["1a30", "1a999"] {
                let answer: Answer = await world.get(path.replacing("ID", with: id), as: .ann)
                shapes.append(
                    "\(answer.status) \(answer.code ?? "") "
                        + (answer["message"]?.string ?? "").replacing(id, with: "ID") + " \(answer["detail"] ?? nil)"
                )
            }
            #expect(shapes[0] == shapes[1], "\(path)")
        }
    }

    @Test func `the environment can stand in a header or in the query instead`() async throws {
        let world = World()
        _ = try await world.stack("web")
        for (path, headers) in [
            ("/v2-beta/stacks", ["X-API-Project-Id": "1a5"] as HTTPHeaders), ("/v2-beta/stacks?projectId=1a5", [:]),
        ] {
            let answer: Answer = await world.get(path, as: .bob, headers: headers)
            #expect(answer.names == ["web"])
            #expect(answer.headers["x-api-account-id"] == "1a5")
            #expect(answer["links"]?["self"] == "http://drover.test:8080/v2-beta/stacks")
        }
        #expect(await world.get("/v2-beta/stacks?projectId=1a30", as: .bob).status == 403)
    }

    @Test func `an inactive environment is 403 for everybody`() async throws {
        let world = World()
        try world.change(.account, 5, ["state": "inactive"])
        for who in [World.Who.ann, .admin] { #expect(await world.get("\(World.home)/stacks", as: who).status == 403) }
        #expect(await world.get("/v2-beta/stacks", as: .project).status == 401)
    }
}
