@testable import Gateway
import HTTP
import JSON
import Model
import Store
import StoreFormat
import Testing

/// What scripts that were written for the original do before anything else, and what they read in the answers.
@Suite(.timeLimit(.minutes(2))) struct FirstMinutesTests {
    /// An account of the kind, as a script makes it, and the header of its key.
    private static func account(_ world: World, _ kind: String) async throws -> (id: String, headers: HTTPHeaders) {
        let made: Answer = await world.post("/v2-beta/accounts", ["name": .string(kind), "kind": .string(kind)])
        let id: String = try #require(made.status == 201 ? made["id"]?.string : nil, "\(made)")
        let key: Answer = await world.post(
            "/v2-beta/apikeys",
            ["accountId": .string(id), "publicValue": .string("\(kind)-k"), "secretValue": "secret"]
        )
        try #require(key.status == 201, "\(key)")
        return (id, ["Authorization": World.basic("\(kind)-k", "secret")])
    }

    // MARK: Accounts

    @Test(arguments: ["agent", "registeredAgent", "agentRegister", "token"])
    func `an account of a kind that can do nothing here finds its schemas all the same`(kind: String) async throws {
        let world = World()
        let (id, headers) = try await Self.account(world, kind)
        let schemas: Answer = await world.get("/v2-beta/schemas", as: .nobody, headers: headers)
        #expect(schemas.status == 200 && !schemas.data.isEmpty, "\(schemas)")
        #expect(schemas.headers["x-api-account-kind"] == kind && schemas.headers["x-api-user-id"] == id)
        for path in ["stacks", "accounts", "settings", "projects", "projects/1a5/stacks"] {
            let answer: Answer = await world.get("/v2-beta/\(path)", as: .nobody, headers: headers)
            #expect(answer.status == 404 || answer.status == 403, "\(path): \(answer)")
        }
    }

    @Test func `a key that a script chooses again each time it starts is made once`() async throws {
        let world = World()
        let body: JSONValue = ["accountId": "1a22", "publicValue": "chosen", "secretValue": "the secret"]
        let first: Answer = await world.post("/v2-beta/apikeys", body)
        #expect(first.status == 201 && first["secretValue"] == "the secret")
        let again: Answer = await world.post("/v2-beta/apikeys", body)
        #expect(again.status == 201 && again["id"] == first["id"], "\(again)")
        #expect(again["secretValue"] == "the secret" && again["state"] == "active")
        #expect(await world.get("/v2-beta/apikeys?publicValue=chosen").data.count == 1)
        for (member, other) in [("secretValue", "another"), ("accountId", "1a21")] {
            var members: JSONObject = try #require(body.object)
            members[member] = .string(other)
            let refused: Answer = await world.post("/v2-beta/apikeys", .object(members))
            #expect(refused.code == "NotUnique" && refused.field == "publicValue", "\(member): \(refused)")
        }
        let mine: Answer = await world.post("/v2-beta/apikeys", body, as: .eve)
        #expect(mine["id"] != first["id"] && mine["publicValue"] != "chosen", "who may not choose gets a new one")
        #expect(await world.post("/v2-beta/apikeys/\(first["id"]?.string ?? "")?action=deactivate").status == 202)
        let resting: Answer = await world.post("/v2-beta/apikeys", body)
        #expect(resting["id"] == first["id"] && resting["actions"]?["activate"] != nil, "scripts activate it")
        #expect(await world.delete("/v2-beta/apikeys/\(first["id"]?.string ?? "")").status == 200)
        let anew: Answer = await world.post("/v2-beta/apikeys", body)
        #expect(anew.status == 201 && anew["id"] != first["id"], "\(anew)")
    }

    @Test func `a kind that nobody knows has no schemas`() async throws {
        let world = World()
        let (_, headers) = try await Self.account(world, "test")
        #expect(await world.get("/v2-beta/schemas", as: .nobody, headers: headers).status == 404)
    }

    @Test func `a list of accounts has one's own last, not an environment`() async throws {
        let world = World()
        #expect(await world.get("/v2-beta/accounts", as: .ann).data.last?["id"] == "1a20")
        #expect(await world.get("/v2-beta/accounts?kind=project", as: .ann).data.isEmpty)
        #expect(await world.get("/v2-beta/accounts?kind=project").data.count == 2)
        let inside: Answer = await world.get("\(World.home)/accounts", as: .bob)
        #expect(inside.data.map { $0["id"] } == ["1a5"] && inside.data.first?["type"] == "project")
        #expect(inside.headers["x-api-account-id"] == "1a5" && inside.headers["x-api-user-id"] == "1a21")
        let key: Answer = await world.post("\(World.home)/apikeys", ["name": "k"], as: .bob)
        let owner: String = try #require(key["links"]?["account"]?.string)
        #expect(await world.get(String(owner.dropFirst("http://drover.test:8080".count)), as: .bob)["id"] == "1a5")
    }

    // MARK: Environments

    @Test func `whoever has no environment yet reads what can be done with the one it makes`() async throws {
        let world = World()
        let (_, headers) = try await Self.account(world, "user")
        let schema: Answer = await world.get("/v2-beta/schemas/project", as: .nobody, headers: headers)
        #expect(schema["resourceMethods"] == ["GET", "PUT", "DELETE"])
        #expect(schema["resourceFields"]?["name"]?["update"] == true)
        for id in ["1a5", "1a999"] {
            for method in ["GET", "PUT", "DELETE"] {
                let answer: Answer = await world.send(
                    method,
                    "/v2-beta/projects/\(id)",
                    as: .nobody,
                    headers: headers
                )
                #expect(answer.status == 404, "\(method) \(id): \(answer)")
            }
        }
        let made: Answer = await world.send(
            "POST",
            "/v2-beta/projects",
            as: .nobody,
            headers: headers,
            body: Array(#"{"name":"mine"}"#.utf8)
        )
        #expect(made.status == 201)
        #expect(Set(made["actions"]?.object?.keys ?? []) == ["deactivate", "update", "setmembers"])
        #expect(made["links"]?["stacks"] != nil)
        for action in ["deactivate", "remove", "update"] {
            let refused: Answer = await world.post("/v2-beta/projects/1a5/?action=\(action)", as: .bob)
            #expect(refused.code == "ActionNotAvailable", "\(action): \(refused)")
        }
    }

    @Test(arguments: [World.Who.admin, .ann, .bob, .project])
    func `an environment leads to everything in it, from outside as from inside`(who: World.Who) async throws {
        let world = World()
        for path in ["/v2-beta/projects/1a5", "\(World.home)/projects/1a5"] {
            let links: JSONObject = try #require(await world.get(path, as: who)["links"]?.object)
            for name in [
                "projectMembers", "hosts", "stacks", "services", "containers", "instances", "volumes", "apiKeys",
                "registrationTokens", "credentials", "auditLogs", "settings", "accounts", "schemas", "serviceLogs",
            ] {
                #expect(links[name] != nil, "\(name) in \(path)")
            }
            for (name, address) in links where name != "self" && name != "subscribe" {
                let target: String = try #require(address.string)
                #expect(target.hasPrefix("http://drover.test:8080/v2-beta/projects/1a5/"), "\(target)")
                let answer: Answer = await world.get(
                    String(target.dropFirst("http://drover.test:8080".count)),
                    as: who
                )
                #expect(answer.status == 200 && answer["type"] == "collection", "\(name): \(answer)")
            }
        }
        #expect(await world.get("/v1/projects/1a5", as: who)["links"]?["environments"] != nil)
    }

    @Test func `a removed environment is there for whoever owned it, until it is purged`() async throws {
        let world = World()
        // Somebody who was an owner once, and was taken off the list before.
        try world.change(.projectMember, 201, ["role": "owner", "state": "removed", "removed": 7])
        try world.change(.projectMember, 200, ["state": "removed", "removed": 9])
        try world.change(.account, 5, ["state": "removed", "removed": 9])
        let shown: Answer = await world.get("/v2-beta/projects/1a5", as: .ann)
        #expect(shown.status == 200 && shown["state"] == "removed" && shown["transitioning"] == "no", "\(shown)")
        #expect(shown["actions"] == [:])
        #expect(await world.get("/v2-beta/projects", as: .ann).data.isEmpty)
        #expect(await world.get("\(World.home)/stacks", as: .ann).status == 403)
        #expect(await world.put("/v2-beta/projects/1a5", ["name": "x"], as: .ann).status == 403)
        for who in [World.Who.bob, .eve] {
            #expect(await world.get("/v2-beta/projects/1a5", as: who).status == 404, "\(who)")
        }
    }

    // MARK: Documents

    private static let members: [(path: String, members: [String: JSONValue])] = [
        (
            "stacks",
            [
                "dockerCompose": nil, "rancherCompose": nil, "templates": nil, "answers": nil, "binding": nil,
                "outputs": nil, "previousExternalId": nil, "previousEnvironment": nil, "healthState": "healthy",
            ]
        ),
        (
            "services",
            [
                "scalePolicy": nil, "secondaryLaunchConfigs": nil, "vip": nil, "fqdn": nil, "upgrade": nil,
                "retainIp": nil, "selectorLink": nil, "selectorContainer": nil, "lbConfig": nil,
                "linkedServices": [:], "assignServiceIpAddress": false, "currentScale": 0,
                "healthState": "unhealthy",
            ]
        ),
        (
            "containers",
            [
                "nativeContainer": false, "mounts": nil, "primaryNetworkId": nil, "userPorts": nil, "version": nil,
                "healthcheckStates": nil,
            ]
        ),
        (
            "hosts",
            [
                "computeTotal": 1_000_000, "memory": nil, "milliCpu": nil, "localStorageMb": nil, "agentId": nil,
                "physicalHostId": nil, "driver": nil, "hostTemplateId": nil, "stackId": nil,
            ]
        ),
        (
            "volumes",
            [
                "isHostPath": false, "accessMode": nil, "imageId": nil, "instanceId": nil, "mounts": nil,
                "sizeMb": nil, "storageDriverId": nil, "volumeTemplateId": nil,
            ]
        ),
        (
            "projects",
            [
                "createdStackIds": nil, "startedStackIds": nil, "allowSystemRole": false,
                "version": "2", "virtualMachine": false, "defaultNetworkId": nil, "servicesPortRange": nil,
                "hostRemoveDelaySeconds": nil, "scheduledUpgradeDelayMinutes": nil, "projectLinks": nil,
            ]
        ),
    ]

    @Test(arguments: members.map(\.path))
    func `members that scripts read are there, whether anything fills them or not`(path: String) async throws {
        let world = World()
        world.host()
        _ = try await world.service(stack: world.stack())
        _ = try await world.container()
        _ = await world.post("\(World.home)/volumes", ["name": "v", "driver": "local"], as: .ann)
        let listed: Answer = await world.get("\(World.home)/\(path)", as: .bob)
        let document: JSONObject = try #require(listed.data.last?.object, "\(listed)")
        for (name, value) in try #require(Self.members.first { $0.path == path }).members {
            #expect(document[name] == value, "\(name)")
        }
    }

    @Test func `a new service without instances to come is healthy`() async throws {
        let world = World()
        let body: JSONValue = [
            "name": "none", "stackId": .string(try await world.stack()), "scale": 0,
            "launchConfig": ["imageUuid": "docker:nginx"],
        ]
        #expect(await world.post("\(World.home)/services", body, as: .ann)["healthState"] == "healthy")
    }

    @Test func `a service that is stopped is not told what went wrong before`() async throws {
        let world = World()
        let id: String = try await world.service(stack: world.stack())
        let number: UInt64 = try #require(ResourceID(id)?.number)
        world.node.write([
            RecordWriting.put(
                .serviceObserved,
                .known(number),
                ["problem": "Allocation failed: no host", "currentScale": 0, "healthState": "unhealthy"],
                scope: .known(5)
            )
        ])
        for (state, transitioning, message) in [
            ("active", "error", "Allocation failed: no host"), ("activating", "error", "Allocation failed: no host"),
            ("updating-active", "error", "Allocation failed: no host"), ("deactivating", "yes", "In Progress"),
            ("removing", "yes", "In Progress"), ("inactive", "no", nil), ("registering", "yes", "In Progress"),
        ] {
            try world.change(.service, number, ["state": .string(state)])
            let shown: Answer = await world.get("\(World.home)/services/\(id)", as: .bob)
            #expect(shown["transitioning"]?.string == transitioning, "\(state)")
            #expect(shown["transitioningMessage"]?.string == message, "\(state)")
        }
    }

    @Test(arguments: [
        ("nginx", "docker:nginx"), ("registry:5000/app:2", "docker:registry:5000/app:2"),
        ("docker:nginx:1.2", "docker:nginx:1.2"), ("sim:ok", "sim:ok"),
    ])
    func `an image without a scheme is one of the engine's`(given: String, stored: String) async throws {
        let world = World()
        let container: Answer = await world.post(
            "\(World.home)/containers",
            ["imageUuid": .string(given)],
            as: .ann
        )
        #expect(container["imageUuid"]?.string == stored)
        let service: String = try await world.service(
            stack: world.stack(),
            launchConfig: ["imageUuid": .string(given)]
        )
        let shown: Answer = await world.get("\(World.home)/services/\(service)", as: .ann)
        #expect(shown["launchConfig"]?["imageUuid"]?.string == stored)
    }

    @Test func `what has a description is found by it`() async throws {
        let world = World()
        for (name, text) in [("a", "one"), ("b", "two"), ("c", "one more")] {
            _ = await world.post(
                "\(World.home)/stacks",
                ["name": .string(name), "description": .string(text)],
                as: .ann
            )
        }
        #expect(await world.get("\(World.home)/stacks?description=two", as: .bob).names == ["b"])
        #expect(await world.get("\(World.home)/stacks?description_like=one%25", as: .bob).names == ["a", "c"])
        for type in ["service", "container", "host", "volume", "project", "account", "apikey", "registrationtoken"] {
            let schema: Answer = await world.get("/v2-beta/schemas/\(type)")
            #expect(schema["collectionFilters"]?["description"] != nil, "\(type)")
        }
    }

    @Test func `a registration token says what scripts start hosts with`() async throws {
        let world = World(settings: [("bootstrap.required.image", "example/agent:1")])
        let token: Answer = await world.post("\(World.home)/registrationtokens", [:], as: .bob)
        #expect(token["image"] == "example/agent:1" && token["windowsCommand"] == .some(.null))
        let address: String = try #require(token["registrationUrl"]?.string)
        #expect(token["links"]?["registrationUrl"]?.string == address)
        let script: Answer = await world.get(
            String(address.dropFirst("http://drover.test:8080".count)),
            as: .nobody
        )
        #expect(script.status == 200 && script.text.contains("CATTLE_URL="))
    }

    private static let wishes: [(path: String, member: String, wish: JSONValue)] = [
        ("projects/1a5", "hostRemoveDelaySeconds", 60), ("projects/1a5", "virtualMachine", true),
        ("projects/1a5", "projectLinks", .array(["1a30"])),
    ]

    @Test(arguments: wishes)
    func `what nothing acts on is refused, and its empty forms are not`(path: String, member: String, wish: JSONValue)
        async throws
    {
        let world = World()
        let refused: Answer = await world.put("/v2-beta/\(path)", .object([member: wish]))
        #expect(refused.status == 422 && refused.code == "NotSupported" && refused.field == member, "\(refused)")
        for empty: JSONValue in [.null, false, 0, -1, []] {
            #expect(await world.put("/v2-beta/\(path)", .object([member: empty])).status == 200, "\(empty)")
        }
    }

    // MARK: Hosts

    @Test func `a host is evacuated at once, and by whom it may be used`() async throws {
        let world = World()
        world.host()
        let host: Answer = await world.get("\(World.home)/hosts/1h50", as: .bob)
        #expect(host["actions"]?["evacuate"] != nil)
        let path: String = "\(World.home)/hosts/1h50/?action=evacuate"
        #expect(await world.post(path, as: .eve).status == 403)
        let answer: Answer = await world.post(path, as: .bob)
        #expect(answer.status == 200 && answer["type"] == "host" && answer["state"] == "deactivating", "\(answer)")
        #expect(answer["transitioning"] == "yes")
        #expect(try world.stored(.host, "1h50")["evacuating"] == true)
        #expect(await world.post(path, as: .bob).code == "ActionNotAvailable")
        try world.change(.projectMember, 201, ["role": "restricted"])
        try world.change(.host, 50, ["state": "inactive"])
        let refused: Answer = await world.post(path, as: .bob)
        #expect(refused.status == 422 && refused.code == "ActionNotAvailable", "\(refused)")
        #expect(await world.post(path, as: .ann).status == 200, "also one that rests")
    }

    // MARK: The end of things

    private static let purged: [(path: String, table: Table, members: JSONObject)] = [
        ("accounts/1a22", .account, ["state": "inactive"]), ("apikeys/1c122", .credential, ["state": "inactive"]),
        ("projects/1a30", .account, ["state": "removed", "removed": 9]),
        ("hosts/1h50", .host, ["state": "removed", "removed": 9]),
    ]

    @Test(arguments: purged.map(\.path))
    func `what was removed is purged when somebody says so, and still read by its id`(path: String) async throws {
        let world = World()
        world.host()
        let (_, table, members) = try #require(Self.purged.first { $0.path == path })
        let id: String = String(path.split(separator: "/")[1])
        try world.change(table, try #require(ResourceID(id)?.number), members)
        let action: String = "/v2-beta/\(path)/?action=purge"
        if members["removed"] == nil {
            #expect(await world.post(action).code == "ActionNotAvailable", "not before it is removed")
            #expect(await world.delete("/v2-beta/\(path)").status == 200)
        }
        let removed: Answer = await world.get("/v2-beta/\(path)")
        #expect(removed["state"] == "removed" && removed["actions"]?.object?.keys == ["purge"], "\(removed)")
        let answer: Answer = await world.post(action)
        #expect(answer.status == 202 && answer["state"] == "purged" && answer["transitioning"] == "no", "\(answer)")
        #expect(answer["removed"]?.string != nil && answer["actions"] == [:])
        #expect(await world.get("/v2-beta/\(path)")["state"] == "purged")
        #expect(await world.post(action).code == "ActionNotAvailable")
        #expect(await world.delete("/v2-beta/\(path)").status == 405)
        #expect(await world.get("/v2-beta/\(path.prefix { $0 != "/" })?state=purged&removed_null=1").data.isEmpty)
        #expect(await world.get("/v2-beta/\(path.prefix { $0 != "/" })?state=purged&_removed=1").data.count == 1)
    }

    @Test func `a container is purged after it is removed, by whom it may be removed`() async throws {
        let world = World()
        let id: String = try await world.container()
        let path: String = "\(World.home)/containers/\(id)"
        #expect(await world.post("\(path)?action=purge", as: .bob).code == "ActionNotAvailable")
        try world.change(.instance, try #require(ResourceID(id)?.number), ["goal": "removed", "removed": 9])
        #expect(await world.get(path, as: .bob)["actions"]?.object?.keys == ["purge"])
        let answer: Answer = await world.post("\(path)?action=purge", as: .bob)
        #expect(answer.status == 202 && answer["state"] == "purged" && answer["transitioning"] == "no", "\(answer)")
        #expect(await world.get("\(World.home)/instances/\(id)", as: .ann)["state"] == "purged")
        #expect(await world.get("\(World.home)/containers", as: .ann).data.isEmpty)
    }

    // MARK: Odds and ends

    @Test func `links to what cannot be made yet lead to nothing, not nowhere`() async throws {
        let world = World()
        let stack: String = try await world.stack()
        let service: String = try await world.service(stack: stack)
        let container: String = try await world.container()
        for (path, names) in [
            ("services/\(service)", ["serviceLogs", "consumedservices", "consumedbyservices"]),
            ("containers/\(container)", ["serviceLogs"]), ("stacks/\(stack)", ["volumeTemplates"]),
        ] {
            let document: Answer = await world.get("\(World.home)/\(path)", as: .bob)
            for name in names {
                let address: String = try #require(document["links"]?[name]?.string, "\(name)")
                let answer: Answer = await world.get(
                    String(address.dropFirst("http://drover.test:8080".count)),
                    as: .bob
                )
                #expect(answer.status == 200 && answer["data"] == [], "\(name): \(answer)")
            }
            let included: Answer = await world.get("\(World.home)/\(path)?include=\(names[0])", as: .bob)
            #expect(included[names[0]] == [], "\(path)")
        }
    }

    @Test func `a system stack may be asked for by its older name, by whom it may be at all`() async {
        let world = World()
        let stacks: String = "\(World.home)/stacks"
        #expect(await world.post(stacks, ["name": "a", "isSystem": true], as: .ann)["system"] == true)
        #expect(
            await world.post(stacks, ["name": "b", "isSystem": true, "system": false], as: .ann)["system"] == false
        )
        #expect(await world.post(stacks, ["name": "c", "isSystem": true], as: .bob)["system"] == false)
    }

    @Test func `an administrator tries out every role while access control is off`() async throws {
        let world = World(settings: [("api.security.enabled", "false")])
        _ = try await world.stack("theirs", as: .ann)
        func schemas(_ role: String, _ path: String = "/v2-beta") async -> [String] {
            await world.get("\(path)/schemas?_role=\(role)", as: .nobody).data.compactMap { $0["id"]?.string }
        }
        for role in ["owner", "member", "restricted", "readonly", "project", "environment", "projectadmin"] {
            let inside: [String] = await schemas(role, World.home)
            #expect(inside.contains("stack") && inside.contains("setting"), "\(role)")
            let outside: [String] = await schemas(role)
            #expect(outside.contains("project") && !outside.contains("stack"), "\(role)")
        }
        let agent: [String] = await schemas("agent")
        #expect(agent.contains("schema") && !agent.contains("stack"))
        #expect(await schemas("agentRegister") == agent)
        #expect(!(await schemas("readonly", World.home)).contains("registrationToken"))
        #expect(await schemas("member", World.home).contains("registrationToken"))
        let stack: JSONValue = ["name": "mine", "system": true]
        for (role, status, system) in [("readonly", 405, nil), ("member", 201, false), ("owner", 422, nil)]
            as [(String, Int, JSONValue?)]
        {
            let answer: Answer = await world.post("\(World.home)/stacks?_role=\(role)", stack, as: .nobody)
            #expect(answer.status == status && answer["system"] == system, "\(role): \(answer)")
        }
        #expect(await world.get("\(World.home)/stacks?_role=project", as: .nobody).data.count == 2)
        #expect(await world.get("/v2-beta/stacks?_role=owner", as: .nobody).status == 404)
    }
}
