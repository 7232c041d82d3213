import HTTP
import JSON
import Model
import Testing

/// Members who share hosts and have stacks of their own: `stackowner` and `stackuser`.
struct OwnStacksTests {
    private static func world() -> World {
        let world = World()
        world.add("olga", 40, role: "stackowner")
        world.add("omar", 41, role: "stackowner")
        world.add("ute", 42, role: "stackuser")
        world.host()
        return world
    }

    private static let home: String = World.home

    private static func stack(_ world: World, _ who: String, _ name: String = "web") async throws -> String {
        try await world.made(who, "\(home)/stacks", ["name": .string(name)])
    }

    @Test(arguments: ["olga", "ute"])
    func `whoever makes a stack works with all of it`(_ who: String) async throws {
        let world: World = Self.world()
        let stack: String = try await Self.stack(world, who)
        #expect(try world.stored(.stack, stack)["creatorId"] == (who == "olga" ? 40 : 42))
        let service: String = try await world.made(
            who,
            "\(Self.home)/services",
            ["name": "app", "stackId": .string(stack), "launchConfig": ["imageUuid": "docker:nginx"]]
        )
        let container: String = try await world.made(
            who,
            "\(Self.home)/containers",
            ["name": "one", "imageUuid": "docker:nginx"]
        )
        for path in ["stacks/\(stack)", "services/\(service)", "containers/\(container)"] {
            let answer: Answer = await world.ask(who, "GET", "\(Self.home)/\(path)")
            #expect(answer.status == 200 && !(answer["actions"]?.object?.isEmpty ?? true), "\(answer)")
        }
        #expect(await world.ask(who, "PUT", "\(Self.home)/services/\(service)", ["scale": 3]).status == 200)
        #expect(await world.ask(who, "DELETE", "\(Self.home)/containers/\(container)").status == 200)
        #expect(await world.ask(who, "DELETE", "\(Self.home)/stacks/\(stack)").status == 200)
    }

    @Test func `a stackowner sees how others' stacks do, and no more`() async throws {
        let world: World = Self.world()
        let stack: String = try await world.made(
            "olga",
            "\(Self.home)/stacks",
            ["name": "web", "environment": ["PASSWORD": "x"], "description": "inside", "externalId": "catalog://c"]
        )
        let answer: Answer = await world.ask("omar", "GET", "\(Self.home)/stacks/\(stack)")
        #expect(answer.status == 200 && answer["name"] == "web" && answer["healthState"] != nil)
        #expect(answer["actions"] == [:])
        #expect(answer["environment"] == nil && answer["description"] == nil, "\(answer)")
        let own: Answer = await world.ask("olga", "GET", "\(Self.home)/stacks/\(stack)")
        #expect(own["environment"] == ["PASSWORD": "x"])
        for (method, path, body) in [
            ("PUT", "stacks/\(stack)", ["description": "mine"]), ("DELETE", "stacks/\(stack)", nil),
            ("POST", "stacks/\(stack)?action=remove", [:]),
            (
                "POST", "services",
                ["name": "sly", "stackId": .string(stack), "launchConfig": ["imageUuid": "docker:nginx"]]
            ),
        ] as [(String, String, JSONValue?)] {
            let refused: Answer = await world.ask("omar", method, "\(Self.home)/\(path)", body)
            #expect(refused.status == 403, "\(method) \(path): \(refused)")
        }
        // Neither a filter nor an order tells of what is hidden.
        let filtered: Answer = await world.ask("omar", "GET", "\(Self.home)/stacks?externalId=catalog://c")
        #expect(filtered.status == 200 && filtered.data.isEmpty)
        #expect(await world.ask("olga", "GET", "\(Self.home)/stacks?externalId=catalog://c").data.count == 1)
    }

    @Test func `a stackuser sees no stack of others`() async throws {
        let world: World = Self.world()
        let stack: String = try await Self.stack(world, "olga")
        let service: String = try await world.made(
            "olga",
            "\(Self.home)/services",
            ["name": "app", "stackId": .string(stack), "launchConfig": ["imageUuid": "docker:nginx"]]
        )
        for path in ["stacks/\(stack)", "services/\(service)", "stacks/\(stack)/services"] {
            #expect(await world.ask("ute", "GET", "\(Self.home)/\(path)").status == 404, "\(path)")
        }
        #expect(await world.ask("ute", "GET", "\(Self.home)/stacks").data.isEmpty)
        let put: Answer = await world.ask("ute", "PUT", "\(Self.home)/stacks/\(stack)", ["description": "x"])
        #expect(put.status == 404)
        // The name is taken all the same, and nobody says by whom.
        let taken: Answer = await world.ask("ute", "POST", "\(Self.home)/stacks", ["name": "web"])
        #expect(taken.status == 422 && taken.code == "NotUnique" && !taken.text.contains("1a40"))
        let sly: Answer = await world.ask(
            "ute",
            "POST",
            "\(Self.home)/services",
            ["name": "sly", "stackId": .string(stack), "launchConfig": ["imageUuid": "docker:nginx"]]
        )
        #expect(sly.status == 422 && sly.code == "InvalidReference")
    }

    @Test func `sharing decides who else sees a stack and works with it`() async throws {
        let world: World = Self.world()
        let stack: String = try await Self.stack(world, "olga")
        let path: String = "\(Self.home)/stacks/\(stack)"
        func get(_ who: String) async -> Int { await world.ask(who, "GET", path).status }
        #expect(await get("omar") == 200)
        #expect(await world.ask("olga", "PUT", path, ["sharing": "private"]).status == 200)
        #expect(await get("omar") == 404)
        #expect(await get("ute") == 404)
        // Members of the whole environment see it still.
        #expect(await get("bob") == 200)
        let named: JSONValue = [
            "sharing": "shared", "sharedWith": [["externalIdType": "rancher_id", "externalId": "1a42"]],
        ]
        #expect(await world.ask("olga", "PUT", path, named).status == 200)
        #expect(await get("omar") == 404)
        #expect(await get("ute") == 200)
        let service: String = try await world.made(
            "ute",
            "\(Self.home)/services",
            ["name": "app", "stackId": .string(stack), "launchConfig": ["imageUuid": "docker:nginx"]]
        )
        #expect(try world.stored(.service, service)["creatorId"] == 40)
        #expect(await world.ask("ute", "PUT", "\(Self.home)/services/\(service)", ["scale": 2]).status == 200)
        // To share it further, or to remove it, stays the creator's.
        let answer: Answer = await world.ask("ute", "PUT", path, ["sharing": "project", "description": "ours"])
        #expect(answer.status == 200 && answer["sharing"] == "shared" && answer["description"] == "ours", "\(answer)")
        #expect(await world.ask("ute", "DELETE", path).status == 403)
        // Taken back, it is gone with all that is in it.
        #expect(await world.ask("olga", "PUT", path, ["sharing": "private"]).status == 200)
        #expect(await world.ask("ute", "GET", "\(Self.home)/services/\(service)").status == 404)
    }

    @Test func `what belongs to all is theirs to look at`() async throws {
        let world: World = Self.world()
        for who in ["olga", "ute"] {
            #expect(await world.ask(who, "GET", "\(Self.home)/hosts/1h50").status == 200)
            #expect(await world.ask(who, "PUT", "\(Self.home)/hosts/1h50", ["name": "mine"]).status == 405)
            #expect(await world.ask(who, "POST", "\(Self.home)/registrationtokens", [:]).status == 404)
            // A key of the environment would be everybody's stacks.
            #expect(await world.ask(who, "POST", "\(Self.home)/apikeys", ["name": "k"]).status == 404)
        }
    }

    @Test func `nobody sets who made something`() async throws {
        let world: World = Self.world()
        let answer: Answer = await world.ask(
            "ute",
            "POST",
            "\(Self.home)/stacks",
            ["name": "web", "creatorId": "1a40"]
        )
        #expect(answer["creatorId"] == "1a42")
        let id: String = try #require(answer["id"]?.string)
        _ = await world.ask("ute", "PUT", "\(Self.home)/stacks/\(id)", ["creatorId": "1a40", "description": "x"])
        #expect(try world.stored(.stack, id)["creatorId"] == 42)
    }

    // MARK: The other members

    @Test func `whoever is restricted works with stacks, and looks at machines`() async throws {
        let world: World = Self.world()
        world.add("rita", 43, role: "restricted")
        _ = try await Self.stack(world, "rita")
        #expect(await world.ask("rita", "PUT", "\(Self.home)/hosts/1h50", ["name": "x"]).status == 405)
        #expect(await world.ask("rita", "GET", "\(Self.home)/registrationtokens").status == 404)
        // Its keys can do as little.
        let key: Answer = await world.ask("rita", "POST", "\(Self.home)/apikeys", ["name": "k"])
        let (user, password) = (try #require(key["publicValue"]?.string), try #require(key["secretValue"]?.string))
        let credentials: String = World.basic(user, password)
        let put: Answer = await world.send(
            "PUT",
            "\(Self.home)/hosts/1h50",
            as: .nobody,
            headers: ["Authorization": credentials, "Content-Type": "application/json"],
            body: JSONWriter.bytes(["name": "x"])
        )
        #expect(put.status == 405, "\(put)")
        let list: Answer = await world.get("/v2-beta/stacks", as: .nobody, headers: ["Authorization": credentials])
        #expect(list.names == ["web"])
    }

    @Test func `system stacks are for those who may change the infrastructure`() async throws {
        let world: World = Self.world()
        world.add("rita", 43, role: "restricted")
        let system: String = try await world.made("ann", "\(Self.home)/stacks", ["name": "net", "system": true])
        let path: String = "\(Self.home)/stacks/\(system)"
        #expect(await world.ask("bob", "PUT", path, ["description": "b"]).status == 200)
        let refused: Answer = await world.ask("rita", "PUT", path, ["description": "r"])
        #expect(refused.status == 403, "\(refused)")
        #expect(await world.ask("rita", "GET", path)["actions"] == [:])
        // The setting counts from the next request on.
        let roles: JSONValue = ["name": "modify.infrastructure.roles", "value": "admin,owner"]
        #expect(await world.post("/v2-beta/settings", roles).status == 201)
        #expect(await world.ask("bob", "PUT", path, ["description": "c"]).status == 403)
        #expect(await world.ask("bob", "PUT", "\(Self.home)/hosts/1h50", ["name": "b"]).status == 403)
        #expect(await world.ask("bob", "POST", "\(Self.home)/registrationtokens", [:]).status == 403)
        #expect(await world.ask("bob", "GET", "\(Self.home)/registrationtokens").data.isEmpty)
        #expect(await world.ask("ann", "PUT", path, ["description": "d"]).status == 200)
    }

    @Test func `whoever only reads sees no environment variables`() async throws {
        let world: World = Self.world()
        world.add("rolf", 44, role: "readonly")
        let stack: String = try await Self.stack(world, "ann")
        let service: String = try await world.service(
            stack: stack,
            launchConfig: ["imageUuid": "docker:nginx", "environment": ["PASSWORD": "secret"]]
        )
        let answer: Answer = await world.ask("rolf", "GET", "\(Self.home)/services/\(service)")
        #expect(answer.status == 200 && answer["launchConfig"]?["imageUuid"] == "docker:nginx")
        #expect(!answer.text.contains("PASSWORD"), "\(answer.text)")
        #expect(answer["actions"] == [:])
        #expect(await world.ask("rolf", "PUT", "\(Self.home)/services/\(service)", ["scale": 2]).status == 405)
        let history: Answer = await world.ask("rolf", "GET", "\(Self.home)/services?include=stack")
        #expect(!history.text.contains("PASSWORD"))
    }
}
