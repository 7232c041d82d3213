import HTTP
import JSON
import Testing

@Suite struct PathTests {
    @Test(arguments: [
        "/v2-beta/projects/1a5/stacks", "/v2-beta/projects/1a5/stacks/", "//v2-beta///projects//1a5/stacks//",
        "/v2-beta/project/1a5/stack", "/v2-beta/PROJECTS/1a5/STACKS", "/v2-beta/projects/1a5/Stack",
    ])
    func `slashes, number and case of a path do not matter`(path: String) async {
        let answer: Answer = await World().get(path)
        #expect(answer.status == 200, "\(answer)")
        #expect(answer["resourceType"] == "stack")
        #expect(answer["links"]?["self"] == "http://drover.test:8080/v2-beta/projects/1a5/stacks")
    }

    @Test(arguments: ["/v2-beta/projects/1a5/schemas/schemas", "/v2-beta/schemas/schemas"])
    func `the doubled schemas of old clients answer the schema of schemas`(path: String) async {
        let answer: Answer = await World().get(path)
        #expect(answer.status == 200)
        #expect(answer["id"] == "schema")
        let scope: String = path.contains("1a5") ? "/projects/1a5" : ""
        #expect(answer.headers["x-api-schemas"] == "http://drover.test:8080/v2-beta\(scope)/schemas")
    }

    @Test func `a fourth segment is ignored`() async throws {
        let world = World()
        let stack: String = try await world.stack()
        let answer: Answer = await world.get("\(World.home)/stacks/\(stack)/services/whatever")
        #expect(answer.status == 200)
        #expect(answer["resourceType"] == "service")
    }

    @Test func `members of an environment are a link of it and not a scope`() async {
        let answer: Answer = await World().get("/v2-beta/projects/1a5/projectmembers", as: .ann)
        #expect(answer.status == 200, "\(answer)")
        #expect(answer.data.count == 2)
        #expect(answer["links"]?["self"] == "http://drover.test:8080/v2-beta/projects/1a5/projectmembers")
        #expect(answer.headers["x-api-account-id"] == "1a20", "the request acts at the root")
    }

    @Test func `the root lists the versions and ping needs no key`() async {
        let world = World()
        let root: Answer = await world.get("/", as: .nobody)
        #expect(root.status == 200)
        #expect(root.data.last?["id"] == "v2-beta")
        #expect(root["links"]?["latest"] == "http://drover.test:8080/v2-beta")
        #expect(root.headers["x-api-schemas"] == "http://drover.test:8080/v1/schemas")
        #expect(root.headers["x-rancher-version"] == "v1.6.30")
        let ping: Answer = await world.get("/ping", as: .nobody)
        #expect(ping.text == "pong")
    }

    @Test func `the version links every collection that the caller can list`() async {
        let world = World()
        let answer: Answer = await world.get("/v2-beta/projects/1a5", as: .bob)
        #expect(answer["id"] == "1a5", "one segment behind the project is the project itself")
        let version: Answer = await world.get("/v2-beta", as: .bob)
        #expect(version["id"] == "v2-beta")
        #expect(version["links"]?["projects"] == "http://drover.test:8080/v2-beta/projects")
        #expect(version["links"]?["services"] == nil, "a user has no services at the root")
    }

    @Test(arguments: ["/v3/stacks", "/v2-betax", "/favicon.ico", "/V1/stacks"])
    func `what is no version of the API is not found, with where it starts`(path: String) async {
        let answer: Answer = await World().get(path)
        #expect(answer.status == 404)
        #expect(answer["message"]?.string?.contains("/v2-beta") == true)
        #expect(answer.headers["x-api-schemas"] == "http://drover.test:8080/v2-beta/schemas")
    }

    @Test func `a broken escape is 400`() async {
        for path in ["/v2-beta/%zz", "/v2-beta/stacks?x=%", "/v2-beta/%ff"] {
            let answer: Answer = await World().get(path)
            #expect(answer.status == 400, "\(path)")
            #expect(answer.code == "Bad Request")
        }
    }

    @Test(arguments: ["PATCH", "OPTIONS", "PURGE", "get"])
    func `methods that the API has not are 405`(method: String) async {
        let world = World()
        for path in ["/v2-beta", "/v2-beta/schemas", "/v2-beta/projects", "/v2-beta/projects/1a5", "/v2-beta/settings"]
        {
            let answer: Answer = await world.send(method, path)
            #expect(answer.status == 405, "\(method) \(path): \(answer)")
            #expect(answer.code == "Method not allowed")
        }
    }

    @Test func `HEAD is answered like GET`() async {
        let answer: Answer = await World().send("HEAD", "/v2-beta/projects/1a5")
        #expect(answer.status == 200)
        #expect(answer.headers["x-api-schemas"] != nil)
    }

    @Test func `only a POST is turned into another method, and only into one of the API`() async throws {
        let world = World()
        let stack: String = try await world.stack()
        let path: String = "\(World.home)/stacks/\(stack)"
        #expect(await world.get("\(path)?_method=DELETE").json["state"] == "activating")
        #expect(await world.post("\(path)?_method=TRACE").status == 405)
        let deleted: Answer = await world.post("\(path)?_method=delete")
        #expect(deleted.status == 200)
        #expect(deleted["state"] == "removing")
    }

    @Test func `a form can name the method too`() async throws {
        let world = World()
        let stack: String = try await world.stack()
        let answer: Answer = await world.send(
            "POST",
            "\(World.home)/stacks/\(stack)",
            headers: ["Content-Type": "application/x-www-form-urlencoded"],
            body: Array("_method=PUT&description=from+a+form".utf8)
        )
        #expect(answer.status == 200, "\(answer)")
        #expect(answer["description"] == "from a form")
    }

    static let bases: [(HTTPHeaders, String)] = [
        (["X-Forwarded-Proto": "https", "X-Forwarded-Host": "a.example"], "https://a.example"),
        (["X-Forwarded-Proto": "https", "X-Forwarded-Port": "8443"], "https://drover.test:8443"),
        (["X-Forwarded-Proto": "https", "X-Forwarded-Port": "443"], "https://drover.test"),
        (["X-Forwarded-Proto": "http", "X-Forwarded-Host": "a.example:80"], "http://a.example"),
        (["X-Forwarded-Proto": "https", "X-Forwarded-Host": "[2001:db8::1]:8443"], "https://[2001:db8::1]:8443"),
        (["X-Forwarded-Host": "a.example"], "http://drover.test:8080"),
        (["X-Forwarded-Proto": "gopher"], "http://drover.test:8080"),
        (["X-Forwarded-Proto": "http", "X-Forwarded-Host": "evil\"><script>"], "http://drover.test:8080"),
        (["Host": "a.example:99999"], "http://a.example"),
    ]

    @Test(arguments: bases)
    func `addresses in documents start where the caller sees the API`(headers: HTTPHeaders, base: String) async {
        let answer: Answer = await World().get("/v2-beta", headers: headers)
        #expect(answer["links"]?["self"] == .string("\(base)/v2-beta"))
    }
}
