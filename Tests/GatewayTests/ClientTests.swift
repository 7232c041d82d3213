import HTTP
import JSON
import Model
import StoreFormat
import Testing

/// What clients of the original ask for before, and beside, what they are told to do.
@Suite struct ClientTests {
    @Test(arguments: ["secret", "machine", "serviceConsumeMap", "serviceLog", "volumeTemplate"])
    func `types of which there are none have schemas and empty lists`(type: String) async {
        let world = World()
        let schema: Answer = await world.get("\(World.home)/schemas/\(type)", as: .bob)
        #expect(schema["collectionMethods"] == ["GET"])
        let address: String = schema["links"]?["collection"]?.string ?? ""
        let path = String(address.dropFirst("http://drover.test:8080".count))
        let list: Answer = await world.get("\(path)?name=x&removed_null=1", as: .bob)
        #expect(list.status == 200 && list["data"] == [] && list["resourceType"]?.string == type, "\(list)")
        #expect(await world.get("\(path)/x", as: .bob).status == 404)
        #expect(await world.post(path, ["name": "x"], as: .bob).status == 405)
        #expect(await world.get(path, as: .nobody).status == 401)
    }

    @Test func `a service can be told that it has no links, and nothing else`() async throws {
        let world = World()
        let stack: String = try await world.stack()
        let service: String = try await world.service(stack: stack)
        let path: String = "\(World.home)/services/\(service)"
        let action: String? = await world.get(path, as: .bob)["actions"]?["setservicelinks"]?.string
        #expect(action?.hasSuffix("?action=setservicelinks") == true)
        let changes: Int = world.node.changes.count
        for body: JSONValue in [["serviceLinks": []], [:], ["serviceLinks": nil]] {
            let answer: Answer = await world.post("\(path)/?action=setservicelinks", body, as: .bob)
            #expect(answer.status == 200 && answer["id"]?.string == service, "\(answer)")
        }
        #expect(world.node.changes.count == changes, "there is nothing to write")
        let linked: Answer = await world.post(
            "\(path)/?action=setservicelinks",
            ["serviceLinks": [["serviceId": .string(service)]]],
            as: .bob
        )
        #expect(linked.code == "NotSupported" && linked.field == "serviceLinks")
        #expect(await world.post("\(path)/?action=setservicelinks", as: .eve).status == 403)
    }

    @Test func `environments are made from the one template that there is`() async {
        let world = World()
        let list: Answer = await world.get("/v2-beta/projecttemplates?name=Cattle&removed_null=1", as: .eve)
        #expect(list.data.compactMap { $0["id"] } == ["1pt1"])
        #expect(await world.get("/v2-beta/projectTemplates?name=other", as: .eve).data.isEmpty)
        #expect(await world.get("/v2-beta/projecttemplates/Cattle", as: .eve).status == 404)
        #expect(await world.get("/v2-beta/projecttemplates/1pt1", as: .eve)["name"] == "Cattle")
        let made: Answer = await world.post(
            "/v2-beta/projects",
            ["name": "new", "projectTemplateId": "1pt1"],
            as: .eve
        )
        #expect(made.status == 201 && made["projectTemplateId"] == "1pt1", "\(made)")
        let wrong: Answer = await world.post("/v2-beta/projects", ["name": "n", "projectTemplateId": "1pt2"], as: .eve)
        #expect(wrong.code == "InvalidReference" && wrong.field == "projectTemplateId")
    }

    @Test func `a catalog service answers that it has nothing`() async {
        let world = World()
        let front: Answer = await world.get("/v1-catalog", as: .nobody)
        #expect(front.headers["x-api-schemas"] == "http://drover.test:8080/v1-catalog/schemas")
        let schemas: Answer = await world.get("/v1-catalog/schemas")
        #expect(schemas.data.first?["links"]?["collection"] == "http://drover.test:8080/v1-catalog/templates")
        let templates: Answer = await world.get("/v1-catalog/templates?category_ne=infra&rancherVersion=v1.6.30")
        #expect(templates.status == 200 && templates["data"] == [])
        #expect(await world.get("/v1-catalog/templates/library:x").status == 404)
        #expect(await world.post("/v1-catalog/templates").status == 404)
    }

    @Test func `while access control is off an administrator can try out other kinds of accounts`() async {
        let open = World(settings: [("api.security.enabled", "false")])
        func types(_ world: World, _ query: String, as who: World.Who) async -> Int {
            await world.get("/v2-beta/schemas\(query)", as: who).data.count
        }
        let whole: Int = await types(open, "", as: .nobody)
        let user: Int = await types(open, "?_role=user", as: .nobody)
        #expect(user > 0 && user < whole)
        #expect(await types(open, "?_role=nonsense", as: .nobody) == whole)
        #expect(await open.post("/v2-beta/accounts?_role=user", ["name": "x"], as: .admin).status == 405)
        #expect(await types(open, "?_role=admin", as: .eve) == types(open, "", as: .eve), "not for others")
        let closed = World()
        #expect(await types(closed, "?_role=user", as: .admin) == types(closed, "", as: .admin))
    }

    @Test func `administrators can have bare numbers for ids`() async throws {
        let world = World()
        let stack: String = try await world.stack()
        let service: String = try await world.service(stack: stack)
        let number = String(stack.dropFirst(3))
        let path: String = "\(World.home)/services?_plainId=true&include=stack"
        let plain: Answer = await world.get(path, as: .admin)
        #expect(plain.data.first?["id"]?.string == String(service.dropFirst(2)))
        #expect(plain.data.first?["stackId"]?.string == number && plain.data.first?["accountId"] == "5")
        #expect(plain.data.first?["stack"]?["id"]?.string == number)
        #expect(plain.data.first?["links"]?["self"]?.string?.hasSuffix("/\(service)") == true)
        #expect(
            await world.get("\(World.home)/stacks/\(stack)?_plainId=true")["serviceIds"] == [
                .string(String(service.dropFirst(2)))
            ]
        )
        #expect(await world.get(path, as: .ann).data.first?["id"]?.string == service, "not for others")
        #expect(await world.get("\(World.home)/services?_plainId=1").data.first?["id"]?.string == service)
    }

    @Test(arguments: ["5", "0x", "15", "1", "-a", "%C3%A4", "_"])
    func `what can be no id is not found before anything else is said`(id: String) async {
        let world = World()
        for (method, tail) in [("POST", "?action=nonsense"), ("PUT", ""), ("DELETE", ""), ("GET", "/nothing")] {
            let answer: Answer = await world.send(method, "\(World.home)/services/\(id)\(tail)", as: .bob)
            #expect(answer.status == 404, "\(method) \(id): \(answer)")
        }
        let word: Answer = await world.send("POST", "\(World.home)/services/web?action=nonsense", as: .bob)
        #expect(word.code == "InvalidAction", "a word may be an id")
    }

    @Test func `a flag that nobody set counts as what documents show`() async throws {
        let world = World()
        let container: String = try await world.container()
        let shown: Answer = await world.get("\(World.home)/containers/\(container)", as: .bob)
        #expect(shown["system"] == false)
        #expect(try world.stored(.instance, container)["system"]?.bool != true)
        for query in ["system=false", "system=False", "system=0", "system_ne=true"] {
            #expect(await world.get("\(World.home)/containers?\(query)", as: .bob).data.count == 1, "\(query)")
        }
        for query in ["system=true", "system_ne=false"] {
            #expect(await world.get("\(World.home)/containers?\(query)", as: .bob).data.isEmpty, "\(query)")
        }
    }

    @Test func `a server that asks for a client acts in the environment of the client's key`() async {
        let world = World()
        func scope(_ key: String, as who: World.Who, extra: HTTPHeaders = [:]) async -> Answer {
            var headers: HTTPHeaders = extra
            headers["X-API-Client-Access-Key"] = key
            return await world.get("/v2-beta/projects", as: who, headers: headers)
        }
        #expect(await scope("project-key", as: .ann).headers["x-api-account-id"] == "1a5")
        #expect(await scope("project-key", as: .eve).status == 403)
        #expect(await scope("ann-key", as: .ann).headers["x-api-account-id"] == "1a20", "no environment's")
        #expect(await scope("unknown", as: .ann).headers["x-api-account-id"] == "1a20")
        let named: Answer = await scope("project-key", as: .eve, extra: ["X-API-Project-Id": "1a30"])
        #expect(named.headers["x-api-account-id"] == "1a30", "a named environment outweighs it")
    }

    static let bases: [([(String, String)], HTTPHeaders, String)] = [
        ([], ["X-API-request-url": "https://a.example/v2-beta"], "http://drover.test:8080"),
        (
            [("api.allow.client.override", "true")], ["X-API-request-url": "https://a.example:8443/v2-beta/x?y=z"],
            "https://a.example:8443"
        ),
        (
            [("api.allow.client.override", "true")], ["X-API-request-url": "https://a.example:443/v2-beta"],
            "https://a.example"
        ),
        (
            [("api.allow.client.override", "true")], ["X-API-request-url": "javascript://a.example/"],
            "http://drover.test:8080"
        ),
        (
            [("api.allow.client.override", "true")], ["X-API-request-url": "https://a\"b/"], "http://drover.test:8080"
        ),
        ([("proxy.protocol.https.ports", "8443, 443")], ["Host": "a.example:8443"], "https://a.example:8443"),
        ([("proxy.protocol.https.ports", "443")], ["Host": "a.example:443"], "https://a.example"),
        ([("proxy.protocol.https.ports", "443")], ["X-Forwarded-Port": "443"], "https://drover.test"),
        (
            [("proxy.protocol.https.ports", "8443")],
            ["Host": "a.example:8443", "X-Forwarded-Proto": "http"], "http://a.example:8443"
        ),
        ([], ["Host": "a.example:443"], "http://a.example:443"),
    ]

    @Test(arguments: bases)
    func `settings say what else is believed of addresses`(
        settings: [(String, String)],
        headers: HTTPHeaders,
        base: String
    ) async {
        let answer: Answer = await World(settings: settings).get("/v2-beta", headers: headers)
        #expect(answer["links"]?["self"]?.string == "\(base)/v2-beta")
    }
}
