import JSON
import Model
import Store
import StoreFormat
import Testing

/// Roles made at run time.
struct AccessRoleTests {
    private static let home: String = World.home

    private static func role(
        _ world: World,
        _ rules: JSONValue,
        by who: String = "ann"
    ) async throws -> String {
        try await world.made(who, "\(home)/accessroles", ["name": "made", "rules": rules])
    }

    private static func subject(_ id: String) -> JSONValue {
        [["externalIdType": "rancher_id", "externalId": .string(id)]]
    }

    private static func bind(
        _ world: World,
        _ role: String,
        to account: String,
        by who: String = "ann",
        at path: String = home,
        _ more: JSONObject = [:]
    ) async throws -> String {
        var body: JSONObject = ["accessRoleId": .string(role), "subjects": subject(account)]
        for (key, value) in more { body[key] = value }
        return try await world.made(who, "\(path)/accessrolebindings", .object(body))
    }

    private static func world() -> World {
        let world = World()
        world.add("dora", 50)
        return world
    }

    private static let readStacks: JSONValue = [["verbs": ["list", "get"], "resourceTypes": ["stack"]]]

    @Test func `a binding lets somebody in, to what its role allows and no further`() async throws {
        let world: World = Self.world()
        let stack: String = try await world.stack("web")
        #expect(await world.ask("dora", "GET", "\(Self.home)/stacks").status == 403)
        let role: String = try await Self.role(world, Self.readStacks)
        let binding: String = try await Self.bind(world, role, to: "1a50")
        #expect(await world.ask("dora", "GET", "\(Self.home)/stacks").names == ["web"])
        #expect(await world.ask("dora", "GET", "\(Self.home)/stacks/\(stack)")["actions"] == [:])
        #expect(await world.ask("dora", "PUT", "\(Self.home)/stacks/\(stack)", ["description": "x"]).status == 405)
        #expect(await world.ask("dora", "GET", "\(Self.home)/services").status == 404)
        let schemas: Answer = await world.ask("dora", "GET", "\(Self.home)/schemas/stack")
        #expect(schemas["collectionMethods"] == ["GET"] && schemas["resourceMethods"] == ["GET"])
        // Other environments stay closed.
        #expect(await world.ask("dora", "GET", "/v2-beta/projects/1a30/stacks").status == 403)
        #expect(await world.ask("ann", "DELETE", "\(Self.home)/accessrolebindings/\(binding)").status == 200)
        #expect(await world.ask("dora", "GET", "\(Self.home)/stacks").status == 403)
        // What is gone stays to be read.
        let gone: Answer = await world.ask("ann", "GET", "\(Self.home)/accessrolebindings/\(binding)")
        #expect(gone.status == 200 && gone["state"] == "removed")
    }

    @Test func `scopes reach as far as they say`() async throws {
        let world: World = Self.world()
        let (one, two): (String, String) = (try await world.stack("one"), try await world.stack("two"))
        let service: String = try await world.service(stack: one)
        let other: String = try await world.service("other", stack: two)
        let role: String = try await world.made(
            "admin",
            "/v2-beta/accessroles",
            ["name": "r", "rules": [["verbs": ["list", "get", "update"], "resourceTypes": ["stack", "service"]]]]
        )
        func reaches() async -> [Bool] {
            var reached: [Bool] = []
            for path in ["stacks/\(one)", "services/\(service)", "stacks/\(two)", "services/\(other)"] {
                reached.append(await world.ask("dora", "GET", "\(Self.home)/\(path)").status == 200)
            }
            return reached
        }
        let table: [(JSONObject, [Bool])] = [
            (["scopeType": "stack", "scopeId": .string(one)], [true, true, false, false]),
            (["scopeType": "object", "scopeId": .string(other)], [false, false, false, true]),
            (["scopeType": "environment", "scopeId": "1a5"], [true, true, true, true]),
            (["scopeType": "cluster"], [true, true, true, true]),
            (["scopeType": "federation"], [true, true, true, true]),
        ]
        for (scope, expected) in table {
            let binding: String = try await Self.bind(world, role, to: "1a50", by: "admin", at: "/v2-beta", scope)
            #expect(await reaches() == expected, "\(scope)")
            #expect(await world.ask("admin", "DELETE", "/v2-beta/accessrolebindings/\(binding)").status == 200)
            #expect(await reaches() == [false, false, false, false], "\(scope)")
        }
    }

    @Test func `selectors, fields and constraints are about single objects`() async throws {
        let world: World = Self.world()
        let (web, db): (String, String) = (try await world.stack("web-1"), try await world.stack("db"))
        let rules: JSONValue = [
            [
                "verbs": ["list", "get", "update"], "resourceTypes": ["stack"], "selector": "name=web*",
                "fields": ["group": "r", "environment": ""],
            ],
            [
                "verbs": ["create", "get", "list"], "resourceTypes": ["container"],
                "constraints": ["privileged": "false", "imagePrefix": "reg.example/"],
            ],
        ]
        _ = try await Self.bind(world, try await Self.role(world, rules), to: "1a50")
        #expect(await world.ask("dora", "GET", "\(Self.home)/stacks").names == ["web-1"])
        #expect(await world.ask("dora", "GET", "\(Self.home)/stacks/\(db)").status == 404)
        let put: Answer = await world.ask(
            "dora",
            "PUT",
            "\(Self.home)/stacks/\(web)",
            ["description": "d", "group": "g"]
        )
        #expect(put.status == 200 && put["description"] == "d" && put["group"] == .null, "\(put)")
        #expect(put.json["environment"] == nil)
        // Not out of what one may change.
        #expect(await world.ask("dora", "PUT", "\(Self.home)/stacks/\(web)", ["name": "other"]).status == 403)
        func container(_ more: JSONObject) async -> Answer {
            var body: JSONObject = ["name": "c", "imageUuid": "docker:reg.example/app"]
            for (key, value) in more { body[key] = value }
            return await world.ask("dora", "POST", "\(Self.home)/containers", .object(body))
        }
        let privileged: Answer = await container(["privileged": true])
        #expect(privileged.status == 403 && privileged.field == "privileged", "\(privileged)")
        let foreign: Answer = await container(["imageUuid": "docker:nginx"])
        #expect(foreign.status == 403 && foreign.field == "imageUuid")
        #expect(await container([:]).status == 201)
    }

    @Test func `a denial beats a membership`() async throws {
        let world: World = Self.world()
        let stack: String = try await world.stack("web")
        let deny: JSONValue = [["effect": "deny", "verbs": ["delete", "action:remove"], "resourceTypes": ["stack"]]]
        _ = try await Self.bind(world, try await Self.role(world, deny), to: "1a21")
        let answer: Answer = await world.ask("bob", "DELETE", "\(Self.home)/stacks/\(stack)")
        #expect(answer.status == 405)
        #expect(await world.ask("bob", "GET", "\(Self.home)/stacks/\(stack)")["actions"]?["remove"] == nil)
        #expect(await world.ask("ann", "DELETE", "\(Self.home)/stacks/\(stack)").status == 200)
    }

    @Test func `subjects can be keys and groups, and bindings end`() async throws {
        let world: World = Self.world()
        _ = try await world.stack("web")
        let role: String = try await Self.role(world, Self.readStacks)
        let body: JSONValue = [
            "accessRoleId": .string(role), "projectId": "1a5", "subjects": [["credentialId": "1c1050"]],
        ]
        _ = try await world.made("admin", "/v2-beta/accessrolebindings", body)
        #expect(await world.ask("dora", "GET", "\(Self.home)/stacks").names == ["web"])
        // The account itself has nothing: another key of it is not let in.
        world.node.write([world.key("dora2", 1_999, of: 50)])
        #expect(await world.ask("dora2", "GET", "\(Self.home)/stacks").status == 403)

        world.add("erna", 51)
        let hour: Int64 = 3_600_000
        _ = try await Self.bind(world, role, to: "1a51", ["expires": .int(World.started + hour)])
        #expect(await world.ask("erna", "GET", "\(Self.home)/stacks").status == 200)
        world.clock.advance(hour + 1)
        #expect(await world.ask("erna", "GET", "\(Self.home)/stacks").status == 403)
    }

    @Test func `templates are built in or made, and inherit`() async throws {
        let world: World = Self.world()
        _ = try await world.stack("web")
        let templates: Answer = await world.ask("dora", "GET", "/v2-beta/roletemplates")
        #expect(templates.names == ["owner", "member", "restricted", "stackowner", "stackuser", "readonly"])
        #expect(await world.ask("admin", "PUT", "/v2-beta/roletemplates/1rt1", ["description": "x"]).status == 405)
        let own: String = try await world.made(
            "admin",
            "/v2-beta/roletemplates",
            [
                "name": "viewer", "inherits": ["1rt6"],
                "rules": [["effect": "deny", "verbs": ["*"], "resourceTypes": ["host"]]],
            ]
        )
        world.host()
        let role: String = try await world.made(
            "ann",
            "\(Self.home)/accessroles",
            ["name": "viewers", "roleTemplateId": .string(own)]
        )
        _ = try await Self.bind(world, role, to: "1a50")
        let stacks: Answer = await world.ask("dora", "GET", "\(Self.home)/stacks")
        #expect(stacks.names == ["web"], "\(stacks)")
        let hosts: Answer = await world.ask("dora", "GET", "\(Self.home)/hosts")
        #expect(hosts.status == 404, "\(hosts)")
        let loop: Answer = await world.ask(
            "admin",
            "PUT",
            "/v2-beta/roletemplates/\(own)",
            ["inherits": [.string(own)]]
        )
        #expect(loop.status == 422 && loop.field == "inherits", "\(loop)")
    }

    // MARK: At the door

    static let wrongRules: [(JSONValue, String, String)] = [
        ([["verbs": ["fly"], "resourceTypes": ["stack"]]], "verbs", "InvalidOption"),
        ([["verbs": ["action:fly"], "resourceTypes": ["stack"]]], "verbs", "InvalidOption"),
        ([["verbs": [], "resourceTypes": ["stack"]]], "verbs", "MissingRequired"),
        ([["verbs": ["get"]]], "resourceTypes", "MissingRequired"),
        ([["verbs": ["get"], "resourceTypes": ["king"]]], "resourceTypes", "InvalidReference"),
        ([["verbs": ["create"], "resourceTypes": ["register"]]], "resourceTypes", "InvalidReference"),
        ([["verbs": ["create"], "resourceTypes": ["stack"], "ids": ["1st7"]]], "ids", "InvalidOption"),
        ([["verbs": ["get"], "resourceTypes": ["stack"], "ids": ["web"]]], "ids", "InvalidReference"),
        ([["verbs": ["get"], "resourceTypes": ["stack"], "selector": "colour=red"]], "selector", "InvalidFormat"),
        ([["verbs": ["get"], "resourceTypes": ["stack"], "selector": "name"]], "selector", "InvalidFormat"),
        ([["verbs": ["get"], "resourceTypes": ["stack"], "selector": "name in (a,b"]], "selector", "InvalidFormat"),
        ([["verbs": ["get"], "resourceTypes": ["host"], "selector": "creator=self"]], "selector", "InvalidFormat"),
        ([["verbs": ["get"], "resourceTypes": ["stack"], "selector": "system=maybe"]], "selector", "InvalidFormat"),
        ([["verbs": ["get"], "resourceTypes": ["stack"], "fields": ["colour": "r"]]], "fields", "InvalidReference"),
        ([["verbs": ["get"], "resourceTypes": ["stack"], "fields": ["name": "rx"]]], "fields", "InvalidCharacters"),
        (
            [["verbs": ["create"], "resourceTypes": ["container"], "constraints": ["root": "no"]]], "constraints",
            "InvalidOption"
        ),
        (
            [
                [
                    "effect": "deny", "verbs": ["create"], "resourceTypes": ["container"],
                    "constraints": ["privileged": "false"],
                ]
            ],
            "constraints", "InvalidOption"
        ),
        ([["effect": "perhaps", "verbs": ["get"], "resourceTypes": ["stack"]]], "effect", "InvalidOption"),
        ([], "rules", "MissingRequired"),
    ]

    @Test(arguments: wrongRules)
    func `what is wrong with a rule is said at the door`(_ rules: JSONValue, _ field: String, _ code: String) async {
        let world: World = Self.world()
        let answer: Answer = await world.ask("ann", "POST", "\(Self.home)/accessroles", ["name": "r", "rules": rules])
        #expect(answer.status == 422 && answer.field == field && answer.code == code, "\(answer)")
    }

    @Test func `what is wrong with a binding is said at the door`() async throws {
        let world: World = Self.world()
        let role: String = try await Self.role(world, Self.readStacks)
        let foreign: String = try await world.stack("secret", as: .eve, in: "1a30")
        let table: [(JSONObject, String)] = [
            (["subjects": Self.subject("1a999")], "externalId"), (["subjects": [["externalId": ""]]], "subjects"),
            (["subjects": []], "subjects"), (["subjects": [["credentialId": "1c9"]]], "credentialId"),
            (["accessRoleId": "1ar999"], "accessRoleId"), (["scopeType": "galaxy"], "scopeType"),
            (["scopeType": "stack"], "scopeId"), (["scopeType": "stack", "scopeId": "1st999"], "scopeId"),
            (["scopeType": "stack", "scopeId": .string(foreign)], "scopeId"),
            (["scopeType": "environment", "scopeId": "1a30"], "scopeId"),
            (["expires": .int(World.started - 1)], "expires"), (["projectId": "1a30"], "projectId"),
        ]
        for (more, field) in table {
            var body: JSONObject = ["accessRoleId": .string(role), "subjects": Self.subject("1a50")]
            for (key, value) in more { body[key] = value }
            let answer: Answer = await world.ask("ann", "POST", "\(Self.home)/accessrolebindings", .object(body))
            #expect(answer.status == 422 && answer.field == field, "\(more): \(answer)")
        }
    }

    // MARK: Escalation

    @Test func `nobody gives what they do not have`() async throws {
        let world: World = Self.world()
        // Not even an owner of the environment, in it.
        for rules in [
            [["verbs": ["create"], "resourceTypes": ["account"]]], [["verbs": ["*"], "resourceTypes": ["*"]]],
            [["verbs": ["update"], "resourceTypes": ["setting"]]],
            [["verbs": ["create"], "resourceTypes": ["apiKey"], "fields": ["secretValue": "c"]]],
            [["verbs": ["action:escalate"], "resourceTypes": ["accessRole"]]],
        ] as [JSONValue] {
            let answer: Answer = await world.ask(
                "ann",
                "POST",
                "\(Self.home)/accessroles",
                ["name": "r", "rules": rules]
            )
            #expect(answer.status == 403 && answer.code == "PrivilegeEscalation", "\(rules): \(answer)")
        }
        // Whoever may write roles and bindings, but has no more, can give no more.
        let keeper: JSONValue = [
            ["verbs": ["*"], "resourceTypes": ["accessRole", "accessRoleBinding"]],
            ["verbs": ["list", "get"], "resourceTypes": ["stack"]],
        ]
        _ = try await Self.bind(world, try await Self.role(world, keeper), to: "1a50")
        _ = try await Self.role(world, Self.readStacks, by: "dora")
        let more: Answer = await world.ask(
            "dora",
            "POST",
            "\(Self.home)/accessroles",
            ["name": "r", "rules": [["verbs": ["delete"], "resourceTypes": ["stack"]]]]
        )
        #expect(
            more.status == 403 && more.code == "PrivilegeEscalation" && more.text.contains("delete on stack"),
            "\(more)"
        )
        // Nor by a role that somebody else wrote, nor by a template.
        let strong: String = try await Self.role(world, [["verbs": ["*"], "resourceTypes": ["stack"]]])
        let bound: Answer = await world.ask(
            "dora",
            "POST",
            "\(Self.home)/accessrolebindings",
            ["accessRoleId": .string(strong), "subjects": Self.subject("1a50")]
        )
        #expect(bound.status == 403 && bound.code == "PrivilegeEscalation")
        let template: Answer = await world.ask(
            "dora",
            "POST",
            "\(Self.home)/accessroles",
            ["name": "r", "roleTemplateId": "1rt1"]
        )
        #expect(template.status == 403 && template.code == "PrivilegeEscalation")
        // Nor by changing a role that one has.
        let own: String = try await Self.role(world, Self.readStacks, by: "dora")
        let wider: Answer = await world.ask(
            "dora",
            "PUT",
            "\(Self.home)/accessroles/\(own)",
            ["rules": [["verbs": ["*"], "resourceTypes": ["stack"]]]]
        )
        #expect(wider.status == 403 && wider.code == "PrivilegeEscalation")
        // Nor by a key of the environment, which may do everything in it.
        let keys: JSONValue = [
            [
                "verbs": ["create", "get", "list"], "resourceTypes": ["apiKey"],
                "fields": ["accountId": "r", "publicValue": "r", "secretValue": "r"],
            ]
        ]
        _ = try await Self.bind(world, try await Self.role(world, keys), to: "1a50")
        let key: Answer = await world.ask("dora", "POST", "\(Self.home)/apikeys", ["name": "k"])
        #expect(key.status == 403 && key.code == "PrivilegeEscalation", "\(key)")
    }

    @Test func `whoever is denied something does not take the denial away`() async throws {
        let world: World = Self.world()
        let deny: JSONValue = [["effect": "deny", "verbs": ["delete"], "resourceTypes": ["stack"]]]
        let role: String = try await Self.role(world, deny, by: "admin")
        let binding: String = try await Self.bind(world, role, to: "1a20", by: "admin")
        #expect(await world.ask("ann", "GET", "\(Self.home)/accessrolebindings/\(binding)").status == 200)
        for (method, path, body) in [
            ("DELETE", "accessrolebindings/\(binding)", nil),
            ("POST", "accessrolebindings/\(binding)?action=deactivate", [:]),
            ("PUT", "accessroles/\(role)", ["rules": Self.readStacks]), ("DELETE", "accessroles/\(role)", nil),
        ] as [(String, String, JSONValue?)] {
            let answer: Answer = await world.ask("ann", method, "\(Self.home)/\(path)", body)
            #expect(answer.status == 403 && answer.code == "PrivilegeEscalation", "\(method) \(path): \(answer)")
        }
        #expect(await world.ask("admin", "DELETE", "\(Self.home)/accessrolebindings/\(binding)").status == 200)
        // What is denied to somebody else is theirs to take away who could do it themselves.
        let other: String = try await Self.bind(world, role, to: "1a21", by: "admin")
        #expect(await world.ask("ann", "DELETE", "\(Self.home)/accessrolebindings/\(other)").status == 200)
        #expect(await world.ask("ann", "DELETE", "\(Self.home)/accessroles/\(role)").status == 200)
    }

    @Test func `the last owner is not locked out`() async throws {
        let world: World = Self.world()
        let deny: JSONValue = [["effect": "deny", "verbs": ["*"], "resourceTypes": ["*"]]]
        let role: String = try await Self.role(world, deny)
        let answer: Answer = await world.ask(
            "ann",
            "POST",
            "\(Self.home)/accessrolebindings",
            ["accessRoleId": .string(role), "subjects": Self.subject("1a20")]
        )
        #expect(answer.status == 422 && answer.code == "LastOwner", "\(answer)")
        // With a second one it can be done.
        world.add("otto", 52, role: "owner")
        _ = try await Self.bind(world, role, to: "1a20", by: "otto")
        #expect(await world.ask("ann", "GET", "\(Self.home)/stacks").status != 200)
        let wide: String = try await world.made("admin", "/v2-beta/accessroles", ["name": "r", "rules": deny])
        let all: Answer = await world.ask(
            "admin",
            "POST",
            "/v2-beta/accessrolebindings",
            ["accessRoleId": .string(wide), "subjects": Self.subject("1a1")]
        )
        #expect(all.status == 422 && all.code == "LastOwner", "\(all)")
    }

    @Test func `a change that was planned with other rights is decided again`() async throws {
        let world: World = Self.world()
        let stack: String = try await world.stack("web")
        let rules: JSONValue = [["verbs": ["*"], "resourceTypes": ["stack"]]]
        let binding: String = try await Self.bind(world, try await Self.role(world, rules), to: "1a50")
        let number: UInt64 = try #require(ResourceID(binding)?.number)
        let node: MemoryNode = world.node
        node.beforeNext { _ in
            guard let record: Record = node.store.view.get(RecordKey(.accessRoleBinding, number)),
                var fields: JSONObject = try? JSONReader.parse(record.document).object
            else { return }
            fields["state"] = "inactive"
            node.write([
                RecordWriting.put(.accessRoleBinding, .known(number), fields, scope: .known(5)),
                .touchPolicy(subject: Template(bytes: PolicySubject.account(50))),
            ])
        }
        let answer: Answer = await world.ask("dora", "PUT", "\(Self.home)/stacks/\(stack)", ["description": "late"])
        #expect(answer.status == 403, "\(answer)")
        #expect(try world.stored(.stack, stack)["description"] != "late")
    }
}
