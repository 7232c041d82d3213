import HTTP
import JSON
import Limits
import Model
import Store
import StoreFormat
import Testing

@Suite struct ChangeTests {
    // MARK: Creating

    @Test func `a POST answers 201 with the resource`() async {
        let answer: Answer = await World().post("\(World.home)/stacks", ["name": "web"], as: .ann)
        #expect(answer.status == 201)
        #expect(answer["state"] == "activating")
        #expect(!answer.headers.contains("location"))
    }

    @Test func `unknown fields and those that are not the caller's to set are dropped without a word`() async throws {
        let world = World()
        let answer: Answer = await world.post(
            "\(World.home)/stacks",
            [
                "name": "web", "nonsense": ["a": 1], "id": "1st7", "state": "removed", "uuid": "mine",
                "creatorId": "1a1",
                "accountId": "1a30", "created": 1, "removed": 1, "kind": "other", "system": true, "healthState": "bad",
            ],
            as: .bob
        )
        #expect(answer.status == 201, "\(answer)")
        let stored: JSONObject = try world.stored(.stack, answer["id"]?.string ?? "")
        #expect(stored["nonsense"] == nil && stored["id"] == nil)
        #expect(stored["state"] == "activating")
        #expect(stored["uuid"] != "mine")
        #expect(stored["creatorId"] == 21)
        #expect(stored["accountId"] == 5)
        #expect(stored["kind"] == "stack")
        #expect(stored["system"] == false)
        #expect(stored["created"] == .int(World.started))
        // Of a change, too: what there is no more of is no change.
        let count: Int = world.node.changes.count
        let path: String = "\(World.home)/stacks/\(answer["id"]?.string ?? "")"
        let same: Answer = await world.put(
            path,
            ["uuid": "mine", "accountId": "1a30", "nonsense": 1, "id": "x"],
            as: .bob
        )
        #expect(same.status == 200 && same["uuid"] == answer["uuid"], "\(same)")
        let project: Answer = await world.put("/v2-beta/projects/1a5", ["uuid": "mine", "state": "removed"], as: .ann)
        #expect(project.status == 200 && project["uuid"] == "account-5" && project["state"] == "active", "\(project)")
        #expect(world.node.changes.count == count)
    }

    @Test func `query parameters and forms count as members, beneath those of the body`() async {
        let world = World()
        let query: Answer = await world.post(
            "\(World.home)/stacks?name=from-query&description=q",
            ["description": "b"],
            as: .ann
        )
        #expect(query["name"] == "from-query")
        #expect(query["description"] == "b")
        let form: Answer = await world.send(
            "POST",
            "\(World.home)/stacks?description=q",
            as: .ann,
            headers: ["Content-Type": "application/x-www-form-urlencoded; charset=utf-8"],
            body: Array("name=a-form&description=a+b%21".utf8)
        )
        #expect(form["name"] == "a-form", "\(form)")
        #expect(form["description"] == "a b!")
        let mislabelled: Answer = await world.send(
            "POST",
            "\(World.home)/stacks",
            as: .ann,
            headers: ["Content-Type": "application/x-www-form-urlencoded"],
            body: Array(#"{"name":"curl"}"#.utf8)
        )
        #expect(mislabelled["name"] == "curl")
        let none: Answer = await world.send("POST", "\(World.home)/stacks?name=bare", as: .ann)
        #expect(none.status == 201)
    }

    static let malformed: [(String, String)] = [
        ("{\"name\": \"a\",}", "line 1, column 14"), ("{\n  \"name\": tru\n}", "line 2, column 11"),
        ("{\"a\":1,\"a\":2}", "stands twice"), ("\u{FEFF}{}", "line 1, column 1"), ("{\"a\":1e999}", "out of range"),
        (String(repeating: "[", count: 100_000), "nested deeper"), ("{\"a\":\"\u{0}\"}", "control character"),
        ("{", "line 1, column 2"),
        ("{} {}", "end of the document"),
    ]

    @Test(arguments: malformed)
    func `malformed JSON is 400 and says where`(body: String, place: String) async {
        let answer: Answer = await World().send("POST", "\(World.home)/stacks", as: .ann, body: Array(body.utf8))
        #expect(answer.status == 400)
        #expect(answer.code == "InvalidBodyContent")
        #expect(answer["message"]?.string?.contains(place) == true, "\(answer)")
    }

    @Test func `bodies of other kinds`() async {
        let world = World()
        for body in ["[1,2]", "\"text\"", "17", "null", "true"] {
            let answer: Answer = await world.send("POST", "\(World.home)/stacks", as: .ann, body: Array(body.utf8))
            #expect(answer.code == "MissingRequired", "\(body) counts as empty: \(answer)")
        }
        let parts: Answer = await world.send(
            "POST",
            "\(World.home)/stacks",
            as: .ann,
            headers: ["Content-Type": "multipart/form-data; boundary=x"],
            body: Array("--x--".utf8)
        )
        #expect(parts.code == "MissingRequired")
        let invalid: Answer = await world.send(
            "POST",
            "\(World.home)/stacks",
            as: .ann,
            body: [0x7B, 0x22, 0xFF, 0x22]
        )
        #expect(invalid.code == "InvalidBodyContent")
    }

    static let refused: [(String, JSONValue, String, String)] = [
        ("stacks", [:], "MissingRequired", "name"),
        ("stacks", ["name": nil], "NotNullable", "name"),
        ("stacks", ["name": ""], "MinLengthExceeded", "name"),
        ("stacks", ["name": .string(String(repeating: "a", count: 64))], "MaxLengthExceeded", "name"),
        ("stacks", ["name": "a_b"], "InvalidCharacters", "name"),
        ("stacks", ["name": "-a"], "InvalidCharacters", "name"),
        ("stacks", ["name": "a\u{0}"], "InvalidCharacters", "name"),
        ("stacks", ["name": ["a": 1]], "InvalidFormat", "name"),
        ("stacks", ["name": "a", "environment": "x"], "InvalidFormat", "environment"),
        ("stacks", ["name": "a", "startOnCreate": "perhaps"], "InvalidFormat", "startOnCreate"),
        ("stacks", ["name": "a", "dockerCompose": "web:"], "NotSupported", "dockerCompose"),
        ("services", ["name": "a"], "MissingRequired", "launchConfig"),
        ("services", ["name": "a", "launchConfig": ["imageUuid": "i"]], "MissingRequired", "stackId"),
        (
            "services", ["name": "a", "stackId": "web", "launchConfig": ["imageUuid": "i"]], "InvalidReference",
            "stackId"
        ),
        (
            "services", ["name": "a", "stackId": "1st999", "launchConfig": ["imageUuid": "i"]], "InvalidReference",
            "stackId"
        ),
        ("services", ["name": "a", "stackId": "STACK", "launchConfig": [:]], "MissingRequired", "imageUuid"),
        (
            "services", ["name": "a", "stackId": "STACK", "scale": -1, "launchConfig": ["imageUuid": "i"]],
            "MinLimitExceeded", "scale"
        ),
        (
            "services", ["name": "a", "stackId": "STACK", "scale": 99999, "launchConfig": ["imageUuid": "i"]],
            "MaxLimitExceeded", "scale"
        ),
        (
            "services", ["name": "a", "stackId": "STACK", "scale": .double(1.5), "launchConfig": ["imageUuid": "i"]],
            "InvalidFormat", "scale"
        ),
        (
            "services", ["name": "a", "stackId": "STACK", "launchConfig": ["imageUuid": "i", "networkMode": "odd"]],
            "InvalidOption", "networkMode"
        ),
        (
            "services", ["name": "a", "stackId": "STACK", "launchConfig": ["imageUuid": "i", "ports": ["x:y"]]],
            "PortInvalidPrivatePort", "ports"
        ),
        (
            "services", ["name": "a", "stackId": "STACK", "launchConfig": ["imageUuid": "i", "ports": [nil]]],
            "NotNullable", "ports"
        ),
        ("containers", ["imageUuid": "i", "count": 101], "MaxLimitExceeded", "count"),
        ("containers", ["imageUuid": "i", "count": 0], "MinLimitExceeded", "count"),
        ("containers", ["name": "a"], "MissingRequired", "imageUuid"),
        ("volumes", ["name": "a"], "MissingRequired", "driver"),
    ]

    @Test(arguments: refused)
    func `what is wrong with a field is 422 with its name`(type: String, body: JSONValue, code: String, field: String)
        async throws
    {
        let world = World()
        let stack: String = try await world.stack("parent")
        var sent: JSONObject = body.object ?? [:]
        if sent["stackId"] == "STACK" { sent["stackId"] = .string(stack) }
        let before: Int = world.node.changes.count
        let answer: Answer = await world.post("\(World.home)/\(type)", .object(sent), as: .ann)
        #expect(answer.status == 422, "\(answer)")
        #expect(answer.code == code, "\(answer)")
        #expect(answer.field == field)
        #expect(world.node.changes.count == before, "nothing was proposed")
    }

    @Test func `scalars are read leniently`() async throws {
        let world = World()
        let stack: String = try await world.stack()
        let answer: Answer = await world.post(
            "\(World.home)/services",
            [
                "name": "a", "stackId": .string(stack), "scale": "5", "startOnCreate": "true",
                "launchConfig": ["imageUuid": "i", "command": "run", "tty": 1],
            ],
            as: .ann
        )
        #expect(answer.status == 201, "\(answer)")
        #expect(answer["scale"] == 5)
        #expect(answer["startOnCreate"] == true)
        #expect(answer["launchConfig"]?["command"] == ["run"])
        #expect(answer["launchConfig"]?["tty"] == true)
    }

    @Test func `names are unique without regard to case, each in its place`() async throws {
        let world = World()
        let stack: String = try await world.stack("web")
        let again: Answer = await world.post("\(World.home)/stacks", ["name": "WEB"], as: .ann)
        #expect(again.status == 422)
        #expect(again.code == "NotUnique")
        #expect(again.field == "name")
        _ = try await world.service("App", stack: stack)
        let twice: Answer = await world.post(
            "\(World.home)/services",
            ["name": "aPP", "stackId": .string(stack), "launchConfig": ["imageUuid": "i"]],
            as: .ann
        )
        #expect(twice.code == "NotUnique")
        let other: String = try await world.stack("other")
        _ = try await world.service("app", stack: other)
        let renamed: Answer = await world.put("\(World.home)/stacks/\(other)", ["name": "Web"], as: .ann)
        #expect(renamed.code == "NotUnique")
        let respelt: Answer = await world.put("\(World.home)/stacks/\(other)", ["name": "OTHER"], as: .ann)
        #expect(respelt.status == 200)
        #expect(await world.post("/v2-beta/projects/1a30/stacks", ["name": "web"], as: .eve).status == 201)
    }

    @Test func `nothing is put into a stack that is going away`() async throws {
        let world = World()
        let stack: String = try await world.stack()
        #expect(await world.delete("\(World.home)/stacks/\(stack)", as: .ann)["state"] == "removing")
        let answer: Answer = await world.post(
            "\(World.home)/services",
            ["name": "a", "stackId": .string(stack), "launchConfig": ["imageUuid": "i"]],
            as: .ann
        )
        #expect(answer.code == "InvalidState")
        #expect(answer.field == "stackId")
    }

    @Test func `things of an environment are made under its path`() async throws {
        let world = World()
        let stack: String = try await world.stack()
        for (type, body) in [
            ("stacks", ["name": "a"]), ("containers", ["imageUuid": "i"]),
            ("volumes", ["name": "a", "driver": "local"]),
            ("services", ["name": "a", "stackId": .string(stack), "launchConfig": ["imageUuid": "i"]]),
            ("registrationtokens", [:]),
        ] as [(String, JSONValue)] {
            let answer: Answer = await world.post("/v2-beta/\(type)", body, as: .admin)
            #expect(answer.status == 400, "\(type): \(answer)")
        }
    }

    @Test func `count makes so many containers, all or none`() async throws {
        let world = World()
        let answer: Answer = await world.post(
            "\(World.home)/containers",
            ["name": "c", "imageUuid": "i", "count": 3],
            as: .ann
        )
        #expect(answer.status == 201)
        #expect(answer["type"] == "collection")
        #expect(answer.names == ["c1", "c2", "c3"])
        #expect(world.node.changes.count == 1)
        #expect(Set(answer.data.compactMap { $0["uuid"]?.string }).count == 3)
        let one: Answer = await world.post(
            "\(World.home)/containers",
            ["name": "d", "imageUuid": "i", "count": 1],
            as: .ann
        )
        #expect(one["name"] == "d")
    }

    // MARK: Updating

    @Test func `a PUT writes what differs and nothing when nothing does`() async throws {
        let world = World()
        let stack: String = try await world.stack()
        let path: String = "\(World.home)/stacks/\(stack)"
        let before: Int = world.node.changes.count
        let same: Answer = await world.put(
            path,
            ["name": "web", "description": nil, "nonsense": 1, "id": "1st9"],
            as: .ann
        )
        #expect(same.status == 200)
        #expect(world.node.changes.count == before)
        let changed: Answer = await world.put(path, ["description": "new"], as: .ann)
        #expect(changed["description"] == "new")
        #expect(changed["name"] == "web")
        #expect(world.node.changes.count == before + 1)
    }

    @Test func `who made a thing never changes`() async throws {
        let world = World()
        let stack: String = try await world.stack("web", as: .bob)
        let answer: Answer = await world.put(
            "\(World.home)/stacks/\(stack)",
            ["creatorId": "1a1", "accountId": "1a30", "description": "x"],
            as: .ann
        )
        #expect(answer["creatorId"] == "1a21")
        #expect(answer["accountId"] == "1a5")
        #expect(try world.stored(.stack, stack)["creatorId"] == 21)
    }

    @Test func `a change that is carried out leads through the updating state`() async throws {
        let world = World()
        let service: String = try await world.service(stack: try await world.stack())
        let number: UInt64 = try #require(ResourceID(service)?.number)
        let path: String = "\(World.home)/services/\(service)"
        #expect(await world.put(path, ["scale": 2], as: .ann)["state"] == "registering", "whoever is at work sees it")
        try world.change(.service, number, ["state": "active"])
        let scaled: Answer = await world.put(path, ["scale": 3], as: .ann)
        #expect(scaled["state"] == "updating-active")
        #expect(scaled["transitioning"] == "yes")
        try world.change(.service, number, ["state": "inactive"])
        #expect(await world.put(path, ["description": "quiet"], as: .ann)["state"] == "inactive")
        #expect(await world.put(path, ["scale": 4], as: .ann)["state"] == "updating-inactive")
    }

    @Test func `an update is validated like a creation`() async throws {
        let world = World()
        let stack: String = try await world.stack()
        let path: String = "\(World.home)/stacks/\(stack)"
        #expect(await world.put(path, ["name": "a b"], as: .ann).code == "InvalidCharacters")
        #expect(await world.put(path, ["name": nil], as: .ann).code == "NotNullable")
        #expect(await world.put("\(World.home)/stacks/1st999", ["name": "a"], as: .ann).status == 404)
        #expect(await world.put("\(World.home)/stacks", ["name": "a"], as: .ann).status == 405)
    }

    // MARK: Removing and acting

    @Test func `DELETE answers 200 with the resource in its new state`() async throws {
        let world = World()
        let stack: String = try await world.stack()
        let path: String = "\(World.home)/stacks/\(stack)"
        let answer: Answer = await world.delete(path, as: .ann)
        #expect(answer.status == 200)
        #expect(answer["state"] == "removing")
        let count: Int = world.node.changes.count
        #expect(await world.delete(path, as: .ann).status == 200, "a second one changes nothing")
        #expect(world.node.changes.count == count)
        try world.change(.stack, try #require(ResourceID(stack)?.number), ["state": "removed", "removed": 9])
        #expect(await world.delete(path, as: .ann).status == 405)
        let gone: Answer = await world.get(path, as: .ann)
        #expect(gone.status == 200, "what was removed can still be read by id")
        #expect(gone["actions"] == [:])
        #expect(gone["removedTS"] == 9)
        let kept: Int64 = Limits.removedPurgeSeconds * 1_000
        #expect(gone["removeTimeTS"] == .int(9 + kept) && gone["transitioning"] == "no")
        #expect(gone["removeTime"]?.string == StoredDate.text(9 + kept))
        let living: Answer = await world.get("\(World.home)/stacks/\(try await world.stack("living"))", as: .ann)
        #expect(living["removeTime"] == .null && living["removeTimeTS"] == nil)
        #expect(await world.put(path, ["description": "x"], as: .ann).status == 409)
    }

    @Test func `DELETE in a state that forbids removal is 405, except for containers`() async throws {
        let world = World()
        world.host(50)
        #expect(await world.delete("\(World.home)/hosts/1h50", as: .ann).status == 405)
        let off: Answer = await world.post("\(World.home)/hosts/1h50?action=deactivate", as: .ann)
        #expect(off.status == 202)
        #expect(off["state"] == "deactivating")
        #expect(await world.delete("\(World.home)/hosts/1h50", as: .ann)["state"] == "removing")
        let container: String = try await world.container()
        let removed: Answer = await world.delete("\(World.home)/containers/\(container)", as: .ann)
        #expect(removed.status == 200)
        #expect(removed["state"] == "removing")
        #expect(try world.stored(.instance, container)["goal"] == "removed")
    }

    @Test func `whoever may not remove an environment is refused, whatever its state`() async throws {
        let world = World()
        // Somebody with one of its own has the method in its schemas.
        #expect(await world.post("/v2-beta/projects", ["name": "Mine"], as: .bob).status == 201)
        for state in ["active", "inactive"] {
            try world.change(.account, 5, ["state": .string(state)])
            let answer: Answer = await world.delete("/v2-beta/projects/1a5", as: .bob)
            // An inactive one is there for its owners only.
            #expect(answer.status == (state == "active" ? 403 : 404), "\(state): \(answer)")
        }
    }

    @Test func `the action update runs the process and sets nothing`() async throws {
        let world = World()
        let stack: String = try await world.stack()
        let service: String = try await world.service(stack: stack)
        let container: String = try await world.container()
        try world.change(.stack, try #require(ResourceID(stack)?.number), ["state": "active"])
        try world.change(.service, try #require(ResourceID(service)?.number), ["state": "active"])
        _ = await world.post("\(World.home)/containers/\(container)?action=stop", as: .ann)
        func updated(_ path: String) async -> Answer {
            await world.post("\(World.home)/\(path)/?action=update", ["name": "other", "description": "new"], as: .ann)
        }
        let started: Answer = await updated("services/\(service)")
        #expect(started.status == 202 && started["state"] == "updating-active" && started["name"] == "app")
        let count: Int = world.node.changes.count
        for (path, state) in [("stacks/\(stack)", "active"), ("containers/\(container)", "stopped")] {
            let answer: Answer = await updated(path)
            #expect(answer.status == 202 && answer["state"] == .string(state), "\(answer)")
            #expect(answer["description"] == .null && answer["actions"]?["update"] != nil, "\(answer)")
        }
        #expect(world.node.changes.count == count, "nothing of the others changes")
        try world.change(.stack, try #require(ResourceID(stack)?.number), ["state": "activating"])
        #expect(await updated("stacks/\(stack)").code == "ActionNotAvailable")
    }

    @Test func `actions need a name that the type has and a state that allows them`() async throws {
        let world = World()
        let service: String = try await world.service(stack: try await world.stack())
        let path: String = "\(World.home)/services/\(service)"
        let unknown: Answer = await world.post("\(path)/?action=explode", as: .ann)
        #expect(unknown.status == 422)
        #expect(unknown.code == "InvalidAction")
        #expect(unknown.field == "action")
        #expect(await world.post("\(World.home)/services/1s999?action=explode", as: .ann).code == "InvalidAction")
        #expect(await world.post("\(World.home)/services/1s999?action=activate", as: .ann).status == 404)
        let early: Answer = await world.post("\(path)?action=activate", as: .ann)
        #expect(early.status == 422)
        #expect(early.code == "ActionNotAvailable")
        #expect(early["message"]?.string?.contains("registering") == true)
        #expect(await world.post(path, as: .ann).status == 405)
        #expect(await world.post("\(World.home)/services?action=activate", as: .ann).code == "InvalidAction")
        try world.change(.service, try #require(ResourceID(service)?.number), ["state": "inactive"])
        let answer: Answer = await world.post("\(path)?action=ACTIVATE", as: .ann)
        #expect(answer.status == 202)
        #expect(answer["state"] == "activating")
    }

    @Test func `containers are stopped, started and restarted by what is wanted of them`() async throws {
        let world = World()
        let container: String = try await world.container()
        let path: String = "\(World.home)/containers/\(container)"
        let stopped: Answer = await world.post("\(path)?action=stop", as: .ann)
        #expect(stopped.status == 202)
        #expect(stopped["state"] == "stopped", "it never ran")
        let started: Answer = await world.post("\(path)?action=start", as: .ann)
        #expect(started["state"] == "creating")
        #expect(try world.stored(.instance, container)["generation"] == 2)
        #expect(await world.post("\(path)?action=restart", as: .ann).code == "ActionNotAvailable")
        let wrong: Answer = await world.post("\(path)?action=stop", ["remove": "perhaps"], as: .ann)
        #expect(wrong.code == "InvalidFormat")
        #expect(wrong.field == "remove")
        #expect(await world.post("\(path)?action=stop&remove=true", as: .ann)["state"] == "removing")
    }

    @Test func `a stack's services are activated together, and the answer is 200`() async throws {
        let world = World()
        let stack: String = try await world.stack()
        var services: [String] = []
        for name in ["a", "b"] { services.append(try await world.service(name, stack: stack)) }
        for service in services {
            try world.change(.service, try #require(ResourceID(service)?.number), ["state": "inactive"])
        }
        let answer: Answer = await world.post("\(World.home)/stacks/\(stack)?action=activateservices", as: .ann)
        #expect(answer.status == 200)
        for service in services { #expect(try world.stored(.service, service)["state"] == "activating") }
    }

    @Test func `what is too large for a resource is 413 before it is proposed`() async throws {
        let world = World()
        let stack: String = try await world.stack()
        let before: Int = world.node.changes.count
        let answer: Answer = await world.post(
            "\(World.home)/services",
            [
                "name": "a", "stackId": .string(stack),
                "launchConfig": [
                    "imageUuid": "i", "big": .string(String(repeating: "x", count: Limits.resourceBytes)),
                ],
            ],
            as: .ann
        )
        #expect(answer.status == 413)
        #expect(answer.code == "Request Entity Too Long")
        #expect(world.node.changes.count == before)
    }
}
