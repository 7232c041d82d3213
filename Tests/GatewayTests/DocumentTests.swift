import HTTP
import JSON
import Model
import StoreFormat
import Testing

@Suite struct DocumentTests {
    @Test func `a resource shows id, type, links and actions, then name, state and the rest by alphabet`() async throws
    {
        let world = World()
        let stack: String = try await world.stack("Web-1")
        let answer: Answer = await world.get("\(World.home)/stacks/\(stack)", as: .ann)
        let keys: [String] = answer.json.object?.keys ?? []
        #expect(Array(keys.prefix(7)) == ["id", "type", "baseType", "links", "actions", "name", "state"])
        let rest: [String] = keys.dropFirst(7).filter { !$0.hasSuffix("TS") }
        #expect(rest == rest.sorted())
        #expect(answer["id"]?.string == stack)
        #expect(stack.hasPrefix("1st"))
        #expect(answer["type"] == "stack")
        #expect(answer["baseType"] == "stack")
        #expect(answer["name"] == "Web-1")
        #expect(answer["accountId"] == "1a5")
        #expect(answer["creatorId"] == "1a20")
        #expect(answer["created"] == "2017-04-22T08:00:00Z")
        #expect(answer["createdTS"] == 1_492_848_000_000)
        #expect(answer["removed"] == .null, "null members are there")
        #expect(answer["removedTS"] == nil, "but no twin of a null date")
        #expect(answer["kind"] == "stack")
        #expect(answer["transitioning"] == "yes")
        #expect(answer["transitioningMessage"] == "In Progress")
        #expect(answer["transitioningProgress"] == .null)
        #expect(answer["healthState"] != nil)
        #expect(answer["system"] == false)
    }

    @Test func `addresses are lower-case while plurals keep their camels`() async throws {
        let world = World()
        let token: Answer = await world.post("\(World.home)/registrationTokens", as: .ann)
        #expect(token.status == 201)
        let id: String = try #require(token["id"]?.string)
        let base = "http://drover.test:8080/v2-beta/projects/1a5"
        #expect(token["links"]?["self"] == .string("\(base)/registrationtokens/\(id)"))
        #expect(token["actions"]?["deactivate"] == .string("\(base)/registrationtokens/\(id)/?action=deactivate"))
        let schema: Answer = await world.get("\(World.home)/schemas/REGISTRATIONTOKENS", as: .ann)
        #expect(schema["id"] == "registrationToken")
        #expect(schema["pluralName"] == "registrationTokens")
        #expect(schema["links"]?["collection"] == .string("\(base)/registrationtokens"))
        #expect(schema["links"]?["self"] == .string("\(base)/schemas/registrationtoken"))
    }

    @Test func `the letters of an id are not looked at, and what is no id is not found`() async throws {
        let world = World()
        let stack: String = try await world.stack()
        let number: String = String(stack.dropFirst(3))
        #expect(await world.get("\(World.home)/stacks/1x\(number)", as: .ann)["id"]?.string == stack)
        for id in [
            "web", "1", "1st", "1st-1", "1s99999999999999999999", "1s18446744073709551615", "1s9223372036854775808",
            "\(stack)c2", "1st007", "%20", "1st\(number)%00", "..", "1!web",
        ] {
            let answer: Answer = await world.get("\(World.home)/stacks/\(id)", as: .ann)
            #expect(answer.status == 404, "\(id)")
            #expect(answer.code == "Not Found")
        }
    }

    @Test func `only actions that are possible now are offered`() async throws {
        let world = World()
        let stack: String = try await world.stack()
        let service: String = try await world.service(stack: stack)
        let path: String = "\(World.home)/services/\(service)"
        #expect(await world.get(path, as: .ann)["actions"]?.object?.keys == ["remove", "setservicelinks"])
        try world.change(.service, try #require(ResourceID(service)?.number), ["state": "active"])
        #expect(
            Set(await world.get(path, as: .ann)["actions"]?.object?.keys ?? []) == [
                "deactivate", "remove", "update", "restart", "setservicelinks",
            ]
        )
        let moved: Answer = await world.get(path, as: .ann, headers: ["X-API-Action-Links": "1"])
        #expect(moved["actions"] == nil)
        #expect(moved["actionLinks"]?["deactivate"] != nil)
        #expect(await world.get("\(path)?_actionLinks=1", as: .ann)["actionLinks"] != nil)
    }

    @Test func `what the role or the object forbids is not offered as an action`() async {
        let world = World()
        let asOwner: Answer = await world.get("/v2-beta/projects/1a5", as: .ann)
        let asMember: Answer = await world.get("/v2-beta/projects/1a5", as: .bob)
        #expect(asOwner["actions"]?["deactivate"] != nil)
        #expect(asMember["actions"] == [:])
    }

    @Test func `embedded objects are typed, and what is unknown in a launch configuration is kept`() async throws {
        let world = World()
        let stack: String = try await world.stack()
        let service: String = try await world.service(
            stack: stack,
            launchConfig: [
                "imageUuid": "docker:nginx", "type": "forged", "someday": ["deep": [1, nil]],
                "healthCheck": ["port": 80], "ports": ["8080:80"],
            ]
        )
        let config: JSONValue? = await world.get("\(World.home)/services/\(service)", as: .ann)["launchConfig"]
        #expect(config?["type"] == "launchConfig")
        #expect(config?["someday"] == ["deep": [1, nil]])
        #expect(config?["healthCheck"]?["type"] == "instanceHealthCheck")
        #expect(config?["ports"] == ["8080:80/tcp"])
    }

    @Test func `a host shows what its agent found of it`() async throws {
        let world = World()
        world.host()
        world.node.write([
            RecordWriting.put(
                .hostObserved,
                .known(50),
                ["agentState": "active", "memory": 2_048, "milliCpu": 4_000, "localStorageMb": 30],
                scope: .known(5)
            )
        ])
        let host: Answer = await world.get("\(World.home)/hosts/1h50", as: .bob)
        #expect(host["memory"] == 2_048 && host["milliCpu"] == 4_000 && host["localStorageMb"] == 30, "\(host)")
        // As scripts that send back what they have read: nothing is held to what was found that day.
        #expect(await world.put("\(World.home)/hosts/1h50", host.json, as: .bob).status == 200)
        #expect(try world.stored(.host, "1h50")["memory"] == nil)
        let path: String = "\(World.home)/hosts/1h50"
        let set: Answer = await world.put(path, ["memory": 4_096, "hostname": "other", "computeTotal": 1], as: .bob)
        #expect(set["memory"] == 4_096 && set["milliCpu"] == 4_000, "\(set)")
        #expect(set["hostname"] == "node" && set["computeTotal"] == 1_000_000, "what is not to be set is dropped")
        #expect(await world.put(path, ["memory": "lots"], as: .bob).code == "InvalidFormat")
        #expect(await world.put(path, ["memory": nil], as: .bob)["memory"] == 2_048, "what the agent finds again")
    }

    @Test func `a host shows its agent's state and both maps of labels as one`() async throws {
        let world = World()
        world.host(50)
        world.node.write([
            RecordWriting.put(
                .hostObserved,
                .known(50),
                ["agentState": "reconnecting", "labels": ["zone": "b", "os": "linux"], "agentIpAddress": "10.0.0.9"],
                scope: .known(5)
            )
        ])
        let host: Answer = await world.get("\(World.home)/hosts/1h50", as: .bob)
        #expect(host["state"] == "reconnecting")
        #expect(host["labels"] == ["os": "linux", "zone": "a"])
        #expect(host["agentIpAddress"] == "10.0.0.9")
        #expect(host["actions"]?["deactivate"] != nil, "its own state is active")
    }

    @Test func `an instance is found under its supertype and shows its own type`() async throws {
        let world = World()
        let container: String = try await world.container()
        let answer: Answer = await world.get("\(World.home)/instances/\(container)", as: .ann)
        #expect(answer["type"] == "container")
        #expect(answer["baseType"] == "instance")
        #expect(answer["state"] == "creating")
        #expect(answer["links"]?["self"]?.string?.contains("/containers/") == true)
        #expect(await world.get("\(World.home)/instances/\(container)/explain", as: .ann)["title"] == "why")
    }

    @Test func `a link to one thing answers it, a link to many a collection, an absent one 404`() async throws {
        let world = World()
        let stack: String = try await world.stack()
        let service: String = try await world.service(stack: stack)
        let path: String = "\(World.home)/services/\(service)"
        #expect(await world.get("\(path)/stack", as: .ann)["id"]?.string == stack)
        let instances: Answer = await world.get("\(path)/INSTANCES", as: .ann)
        #expect(instances["resourceType"] == "instance")
        #expect(instances["createDefaults"] == ["serviceId": .string(service)])
        #expect(instances["links"]?["self"]?.string?.hasSuffix("/services/\(service)/instances") == true)
        #expect(await world.get("\(path)/nothing", as: .ann).status == 404)
        let container: String = try await world.container()
        #expect(await world.get("\(World.home)/containers/\(container)/host", as: .ann).status == 404)
    }

    @Test func `schemas say what the caller may do, in the fields of the contract`() async throws {
        let world = World()
        let answer: Answer = await world.get("\(World.home)/schemas/stack", as: .bob)
        #expect(answer["resourceMethods"] == ["GET", "PUT", "DELETE"])
        #expect(answer["collectionMethods"] == ["GET", "POST"])
        let fields: JSONObject = try #require(answer["resourceFields"]?.object)
        #expect(Array(fields.keys.prefix(2)) == ["name", "state"])
        #expect(
            fields["name"]?.object?.keys == [
                "type", "default", "unique", "nullable", "create", "update", "required", "readOnCreateOnly",
                "minLength",
                "maxLength", "min", "max", "options", "validChars", "invalidChars", "description",
            ]
        )
        #expect(fields["name"]?["required"] == true)
        #expect(fields["name"]?["maxLength"] == 63)
        #expect(fields["serviceIds"]?["type"] == "array[reference[service]]")
        #expect(fields["system"]?["create"] == false, "a member makes no system stacks")
        #expect(fields["links"] == nil && fields["type"] == nil && fields["actions"] == nil)
        let owned: Answer = await world.get("\(World.home)/schemas/stack", as: .ann)
        #expect(owned["resourceFields"]?["system"]?["create"] == true)
        #expect(answer["resourceActions"]?["remove"] == ["input": nil, "output": "stack"])
        #expect(
            answer["collectionFilters"]?["name"]?["modifiers"]
                == ["eq", "ne", "prefix", "like", "notlike", "null", "notnull"]
        )
        #expect(answer["includeableLinks"]?.array?.contains("services") == true)
        #expect(await world.get("\(World.home)/schemas/pullTask", as: .ann).status == 404)
    }

    @Test func `the list of schemas is plain and has a collection link for what can be listed`() async {
        let answer: Answer = await World().get("\(World.home)/schemas", as: .ann)
        #expect(answer["pagination"] == nil && answer["sort"] == nil && answer["filters"] == nil)
        for schema in answer.data {
            let lists: Bool = schema["collectionMethods"]?.array?.contains("GET") == true
            #expect((schema["links"]?["collection"] != nil) == lists, "\(schema["id"] ?? nil)")
        }
        let ids: [String] = answer.data.compactMap { $0["id"]?.string }
        #expect(ids.contains("launchConfig") && ids.contains("subscribe"))
        #expect(!ids.contains("register"))
    }
}
