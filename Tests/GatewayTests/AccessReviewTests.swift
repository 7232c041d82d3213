import JSON
import Model
import RBAC
import Store
import StoreFormat
import Testing

@testable import Gateway

/// Why, what if, and what it costs.
struct AccessReviewTests {
    private static let home: String = World.home

    private static func review(_ world: World, _ who: String, _ question: JSONObject) async -> Answer {
        await world.ask(who, "POST", "\(home)/accessreviews", .object(question))
    }

    private static func subject(_ id: String) -> JSONValue {
        [["externalIdType": "rancher_id", "externalId": .string(id)]]
    }

    @Test func `an answer names the binding and the rule that decided`() async throws {
        let world = World()
        world.add("dora", 50)
        let stack: String = try await world.stack("web")
        let role: String = try await world.made(
            "ann",
            "\(Self.home)/accessroles",
            [
                "name": "keepers",
                "rules": [
                    ["verbs": ["list", "get"], "resourceTypes": ["stack"]],
                    ["effect": "deny", "verbs": ["get"], "resourceTypes": ["stack"], "selector": "name=secret*"],
                ],
            ]
        )
        let binding: String = try await world.made(
            "ann",
            "\(Self.home)/accessrolebindings",
            ["accessRoleId": .string(role), "subjects": Self.subject("1a50")]
        )
        let yes: Answer = await Self.review(
            world,
            "dora",
            ["verb": "get", "resourceType": "stack", "resourceId": .string(stack)]
        )
        #expect(yes.status == 201 && yes["allowed"] == true && yes["ruleIndex"] == 0, "\(yes)")
        #expect(yes["accessRoleId"] == .string(role) && yes["accessRoleBindingId"] == .string(binding))
        let secret: String = try await world.stack("secret-1")
        let no: Answer = await Self.review(
            world,
            "ann",
            ["verb": "get", "resourceType": "stack", "resourceId": .string(secret), "subject": "1a50"]
        )
        #expect(no["allowed"] == false && no["ruleIndex"] == 1 && no["reason"]?.string?.hasPrefix("denied by") == true)
        // Her own question about it is answered like one about nothing.
        let hidden: Answer = await Self.review(
            world,
            "dora",
            ["verb": "get", "resourceType": "stack", "resourceId": .string(secret)]
        )
        #expect(hidden.status == 422 && hidden.field == "resourceId", "\(hidden)")
        let near: Answer = await Self.review(
            world,
            "dora",
            ["verb": "delete", "resourceType": "stack", "resourceId": .string(stack)]
        )
        #expect(near["allowed"] == false && near["nearest"]?.array?.first?["lack"] == "verb", "\(near)")
        #expect(near["nearest"]?.array?.first?["remedy"]?.string?.contains("delete on stack") == true)
    }

    @Test func `about others only whoever may see their bindings is told`() async {
        let world = World()
        let about: JSONObject = ["verb": "get", "resourceType": "stack", "subject": "1a20"]
        #expect(await Self.review(world, "bob", about).status == 403)
        #expect(
            await Self.review(world, "ann", ["verb": "get", "resourceType": "stack", "subject": "1a21"]).status == 201
        )
        #expect(await Self.review(world, "admin", about)["allowed"] == true)
        for (question, field) in [
            (["verb": "fly", "resourceType": "stack"], "verb"),
            (["verb": "get", "resourceType": "king"], "resourceType"),
            (["verb": "get", "resourceType": "stack", "field": "colour"], "field"),
            (["verb": "get", "resourceType": "stack", "projectId": "1a30"], "projectId"),
            (["verb": "get"], "resourceType"),
        ] as [(JSONObject, String)] {
            let answer: Answer = await Self.review(world, "bob", question)
            #expect(answer.status == 422 && answer.field == field, "\(answer)")
        }
    }

    @Test func `the answer is what the request meets`() async throws {
        let world = World()
        for (index, role) in MembershipRoles.names.enumerated() { world.add(role, 70 + UInt64(index), role: role) }
        let stack: String = try await world.made("stackowner", "\(Self.home)/stacks", ["name": "own"])
        let system: String = try await world.made("ann", "\(Self.home)/stacks", ["name": "sys", "system": true])
        for who in MembershipRoles.names + ["project"] {
            for id in [stack, system] {
                let path: String = "\(Self.home)/stacks/\(id)"
                guard await world.ask(who, "GET", path).status == 200 else { continue }
                for (verb, method, body) in [
                    ("get", "GET", nil), ("update", "PUT", ["description": .string(who)]),
                ] as [(String, String, JSONValue?)] {
                    let said: Answer = await Self.review(
                        world,
                        who,
                        ["verb": .string(verb), "resourceType": "stack", "resourceId": .string(id)]
                    )
                    let status: Int = await world.ask(who, method, path, body).status
                    #expect((said["allowed"] == true) == (status == 200), "\(who) \(verb) \(id): \(said) \(status)")
                }
            }
        }
    }

    @Test func `a preview says who gains and who loses, and changes nothing`() async throws {
        let world = World()
        world.add("dora", 50)
        let role: String = try await world.made(
            "ann",
            "\(Self.home)/accessroles",
            ["name": "r", "rules": [["verbs": ["list", "get"], "resourceTypes": ["stack"]]]]
        )
        let body: JSONValue = ["accessRoleId": .string(role), "subjects": Self.subject("1a50")]
        let before: Int = world.node.changes.count
        let given: Answer = await world.ask("ann", "POST", "\(Self.home)/accessrolebindings?preview=true", body)
        func about(_ answer: Answer, _ member: String) -> Set<String> {
            Set(
                (answer[member]?.array ?? []).filter { $0["resourceType"] == "stack" }.map {
                    "\($0["subject"]?.string ?? "") \($0["verb"]?.string ?? "") \($0["before"]?.string ?? "")"
                        + ">\($0["after"]?.string ?? "")"
                }
            )
        }
        #expect(
            given.status == 200 && about(given, "gains") == ["1a50 list none>all", "1a50 get none>all"],
            "\(given)"
        )
        #expect(about(given, "losses").isEmpty && world.node.changes.count == before)
        #expect(await world.ask("dora", "GET", "\(Self.home)/stacks").status == 403)
        let binding: String = try await world.made("ann", "\(Self.home)/accessrolebindings", body)
        let changed: Answer = await world.ask(
            "ann",
            "PUT",
            "\(Self.home)/accessroles/\(role)?preview=true",
            ["rules": [["verbs": ["get", "update"], "resourceTypes": ["stack"], "selector": "name=web*"]]]
        )
        #expect(about(changed, "gains") == ["1a50 update none>some"], "\(changed)")
        #expect(about(changed, "losses") == ["1a50 list all>none", "1a50 get all>some"], "\(changed)")
        // Other objects than before, no more and no fewer.
        _ = await world.ask(
            "ann",
            "PUT",
            "\(Self.home)/accessroles/\(role)",
            ["rules": [["verbs": ["get"], "resourceTypes": ["stack"], "selector": "name=web*"]]]
        )
        let other: Answer = await world.ask(
            "ann",
            "PUT",
            "\(Self.home)/accessroles/\(role)?preview=true",
            ["rules": [["verbs": ["get"], "resourceTypes": ["stack"], "selector": "name=db*"]]]
        )
        #expect(about(other, "gains") == ["1a50 get some>some"] && about(other, "losses") == ["1a50 get some>some"])
        let gone: Answer = await world.ask("ann", "DELETE", "\(Self.home)/accessrolebindings/\(binding)?preview=true")
        #expect(about(gone, "losses") == ["1a50 get some>none"], "\(gone)")
        // What would be refused is refused.
        let refused: Answer = await world.ask(
            "ann",
            "PUT",
            "\(Self.home)/accessroles/\(role)?preview=true",
            ["rules": [["verbs": ["create"], "resourceTypes": ["account"]]]]
        )
        #expect(refused.status == 403)
    }

    @Test func `the rights of one are made of its own bindings, whatever others have`() async throws {
        let world = World()
        world.add("dora", 50)
        let role: String = try await world.made(
            "ann",
            "\(Self.home)/accessroles",
            ["name": "r", "rules": [["verbs": ["list", "get"], "resourceTypes": ["stack"]]]]
        )
        let number: UInt64 = try #require(ResourceID(role)?.number)
        func binding(_ index: UInt64, of account: UInt64) -> Write {
            RecordWriting.put(
                .accessRoleBinding,
                .known(1_000_000 + index),
                [
                    "kind": "accessRoleBinding", "state": "active", "created": 1, "removed": nil,
                    "uuid": .string("b\(index)"), "accessRoleId": JSONValue(number), "projectId": 5,
                    "scopeType": "environment", "scopeId": "1a5",
                    "subjects": Self.subject(ResourceID(number: account).rendered("a")),
                ],
                scope: .known(5)
            )
        }
        var subject = Subject(.user, accountID: 50)
        func look() -> Int {
            GrantedRoles(world.node.store.view, at: World.started).complete(&subject)
            return subject.granted.count
        }
        world.node.write([binding(0, of: 50)])
        let alone: Int = look()
        for start in stride(from: UInt64(1), to: 20_000, by: 500) {
            world.node.write((start..<start + 500).map { binding($0, of: 100_000 + $0) })
        }
        #expect(look() == alone)
        #expect(subject.granted.filter { $0.number != nil }.count == 1)
        #expect(await world.ask("dora", "GET", "\(Self.home)/stacks").status == 200)
    }
}
