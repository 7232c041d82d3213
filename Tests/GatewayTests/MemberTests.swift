@testable import Gateway
import HTTP
import JSON
import Model
import Store
import StoreFormat
import TestSupport
import Testing

@Suite(.timeLimit(.minutes(2))) struct MemberTests {
    private static let target: String = "/v2-beta/projects/1a5/?action=setmembers"

    private static func member(_ id: String, _ role: String, type: String = "rancher_id") -> JSONValue {
        ["externalId": .string(id), "externalIdType": .string(type), "role": .string(role)]
    }

    private static func list(_ world: World) async -> [String] {
        await world.get("/v2-beta/projects/1a5/projectmembers").data.map {
            "\($0["externalId"]?.string ?? "") \($0["role"]?.string ?? "")"
        }.sorted()
    }

    @Test func `the whole list is replaced, and rights with it`() async throws {
        let world = World()
        #expect(await world.get("\(World.home)/stacks", as: .bob).status == 200)
        let answer: Answer = await world.post(
            Self.target,
            ["members": [Self.member("1a20", "member"), Self.member("22", "owner")]],
            as: .ann
        )
        #expect(answer.status == 200 && answer["members"]?.array?.count == 2, "\(answer)")
        #expect(answer["type"] == "setProjectMembersInput" && answer["baseType"] == "setProjectMembersInput")
        #expect(await Self.list(world) == ["1a20 member", "1a22 owner"])
        #expect(await world.get("\(World.home)/stacks", as: .bob).status == 403)
        #expect(await world.get("\(World.home)/stacks", as: .eve).status == 200)
        #expect(await world.post(Self.target, ["members": [Self.member("1a20", "owner")]], as: .ann).status == 422)
        let back: Answer = await world.post(Self.target, ["members": [Self.member("1a21", "owner")]], as: .eve)
        #expect(back.status == 200, "\(back)")
        #expect(await Self.list(world) == ["1a21 owner"])
    }

    private static let malformed: [(JSONValue, String)] = [
        ([["externalId": "1a20", "role": "owner"]], "InvalidFormat"),
        ([["externalId": "1a20", "externalIdType": "rancher_id"]], "InvalidFormat"),
        ([member("1a20", "emperor")], "InvalidFormat"),
        (["1a20"], "InvalidFormat"),
        ([member("1a20", "member")], "Bad Request"),
        ([member("1a999", "owner")], "Bad Request"),
        ([member("1a5", "owner")], "Bad Request"),
        ([member("x", "owner", type: "github_user")], "Bad Request"),
    ]

    @Test(arguments: MemberTests.malformed)
    func `a list that cannot be is refused, and nothing changes`(members: JSONValue, code: String) async {
        let world = World()
        let answer: Answer = await world.post(Self.target, ["members": members], as: .ann)
        #expect(answer.status == 400 && answer.code == code, "\(answer)")
        #expect(await Self.list(world) == ["1a20 owner", "1a21 member"])
    }

    private static let missing: [(JSONValue, String)] = [
        ([:], "MissingRequired"), (["members": []], "MissingRequired"), (["members": nil], "NotNullable"),
    ]

    @Test(arguments: MemberTests.missing)
    func `the list is required`(body: JSONValue, code: String) async {
        let world = World()
        let answer: Answer = await world.post(Self.target, body, as: .ann)
        #expect(answer.status == 422 && answer.code == code && answer.field == "members", "\(answer)")
        #expect(await world.post(Self.target, body, as: .bob).code == "ActionNotAvailable", "rights come first")
        #expect(await Self.list(world) == ["1a20 owner", "1a21 member"])
    }

    @Test func `whoever may set members by the setting may not touch the owners`() async {
        let world = World(settings: [("project.set.member.roles", "owner,member")])
        // Clients take no action that the environment does not list.
        #expect(await world.get("/v2-beta/projects/1a5", as: .bob)["actions"]?.object?.keys == ["setmembers"])
        #expect(await World().get("/v2-beta/projects/1a5", as: .bob)["actions"] == [:])
        let same: JSONValue = [
            Self.member("1a20", "owner"), Self.member("1a21", "member"), Self.member("1a22", "member"),
        ]
        #expect(await world.post(Self.target, ["members": same], as: .bob).status == 200)
        for members: JSONValue in [
            [Self.member("1a20", "owner"), Self.member("1a21", "owner")], [Self.member("1a21", "owner")],
        ] {
            let answer: Answer = await world.post(Self.target, ["members": members], as: .bob)
            #expect(answer.status == 400 && answer["message"] == "Cannot change project owners", "\(answer)")
        }
        #expect(await world.post(Self.target, ["members": [Self.member("1a1", "owner")]]).status == 200)
    }

    @Test func `strangers do not even learn that there is an environment`() async {
        let world = World()
        #expect(await world.post(Self.target, ["members": [Self.member("1a22", "owner")]], as: .eve).status == 404)
        #expect(await Self.list(world) == ["1a20 owner", "1a21 member"])
    }

    @Test func `two who replace the list at once are one after the other`() async throws {
        let world = World()
        world.node.beforeNext { _ in try? world.change(.projectMember, 201, ["role": "owner"]) }
        let answer: Answer = await world.post(Self.target, ["members": [Self.member("1a20", "owner")]], as: .ann)
        #expect(answer.status == 200)
        #expect(await Self.list(world) == ["1a20 owner"])
    }

    @Test func `a new environment has the members that were named, and its maker where none were`() async throws {
        let world = World()
        let named: Answer = await world.post(
            "/v2-beta/projects",
            ["name": "named", "members": [Self.member("1a21", "owner"), Self.member("1a22", "member")]],
            as: .ann
        )
        let members: Answer = await world.get("/v2-beta/projects/\(named["id"]?.string ?? "")/projectmembers")
        #expect(members.data.compactMap { $0["externalId"]?.string }.sorted() == ["1a21", "1a22"])
        let plain: Answer = await world.post("/v2-beta/projects", ["name": "plain"], as: .ann)
        let own: Answer = await world.get("/v2-beta/projects/\(plain["id"]?.string ?? "")/projectmembers")
        #expect(own.data.compactMap { $0["externalId"]?.string } == ["1a20"])
    }

    // MARK: Who sees what

    @Test func `an inactive environment is there for its owners only`() async {
        let world = World()
        #expect(await world.post("/v2-beta/projects/1a5/?action=deactivate", as: .ann).status == 202)
        #expect(await world.get("/v2-beta/projects", as: .ann).names == ["Default"])
        #expect(await world.get("/v2-beta/projects", as: .bob).names.isEmpty)
        let hidden: Answer = await world.get("/v2-beta/projects/1a5", as: .bob)
        let absent: Answer = await world.get("/v2-beta/projects/1a999", as: .bob)
        #expect(hidden.status == absent.status && hidden.status >= 400)
        for who: World.Who in [.admin, .ann, .bob] {
            #expect(await world.get("\(World.home)/stacks", as: who).status == 403)
        }
        #expect(await world.post("/v2-beta/projects/1a5/?action=activate", as: .ann).status == 202)
        #expect(await world.get("/v2-beta/projects", as: .bob).names == ["Default"])
    }

    // MARK: Identities

    @Test func `identities are one's own, found by name, and by id in both forms`() async throws {
        let world = World()
        try await world.password("Annie", "ann's secret", of: "1a20")
        let own: Answer = await world.get("/v2-beta/identities", as: .ann)
        #expect(own.data.compactMap { $0["id"]?.string } == ["1i!rancher_id:1a20"])
        #expect(
            own.data.first?["login"] == "Annie" && own.data.first?["name"] == "ann" && own.data.first?["user"] == true
        )
        func found(_ query: String) async -> [String] {
            await world.get("/v2-beta/identities?\(query)", as: .bob).data.compactMap { $0["externalId"]?.string }
        }
        #expect(await found("name=Annie") == ["1a20"])
        #expect(await found("name=ann") == ["1a20"])
        #expect(await found("name=an").isEmpty)
        #expect(await found("all=AN") == ["1a20"])
        #expect(await found("name=Default").isEmpty)
        for id in ["rancher_id:1a20", "1i!rancher_id:1a20", "1i%21rancher_id%3A1a20", "rancher_id:20"] {
            #expect(await world.get("/v2-beta/identities/\(id)", as: .bob)["externalId"] == "1a20", "\(id)")
        }
        for id in ["1a20", "rancher_id:1a5", "rancher_id:1a999", "github_user:7", "rancher_id:", ":", "1i!"] {
            #expect(await world.get("/v2-beta/identities/\(id)", as: .bob).status == 404, "\(id)")
        }
    }

    // MARK: Streams

    @Test func `streams end as soon as the rights behind them do`() async throws {
        let ends: [(String, (World) async -> Int)] = [
            ("account", { await $0.post("/v2-beta/accounts/1a20?action=deactivate").status }),
            ("key", { await $0.post("/v2-beta/apikeys/1c120?action=deactivate").status }),
            (
                "members",
                {
                    await $0.post(Self.target, ["members": [Self.member("1a21", "owner")]]).status - 200 + 202
                }
            ),
            ("environment", { await $0.post("/v2-beta/projects/1a5?action=deactivate").status }),
        ]
        // Nobody looks by the clock here: it is the change that ends them.
        var timing: GatewayTiming = World.timing
        timing.rightsMilliseconds = 600_000
        for (name, end) in ends {
            try await Served.run(World(timing: timing)) { served in
                let listener: Listener = try await served.open("\(World.home)/subscribe", as: .ann)
                let other: Listener = try await served.open("\(World.home)/subscribe", as: .project)
                for each in [listener, other] { #expect(await eventually { await !each.frames.isEmpty }) }
                #expect(await end(served.world) == 202, "\(name)")
                #expect(await eventually(seconds: 30) { await listener.isOver }, "\(name)")
                #expect(await listener.events.contains { $0["name"] == "logout" }, "\(name)")
                if name != "environment" { #expect(await !other.isOver, "\(name)") }
            }
        }
    }

    @Test func `the stream of a login ends with it`() async throws {
        var timing: GatewayTiming = World.timing
        timing.rightsMilliseconds = 600_000
        let world = World(timing: timing)
        try await world.enableLogins()
        try await world.password("ann", "ann's secret", of: "1a20")
        let tokens: [String] = [try await world.token("ann:ann's secret"), try await world.token("ann:ann's secret")]
        try await Served.run(world) { served in
            var listeners: [Listener] = []
            for token in tokens {
                listeners.append(try await served.open("\(World.home)/subscribe", key: "Bearer \(token)"))
            }
            for each in listeners { #expect(await eventually { await !each.frames.isEmpty }) }
            #expect(await world.bearing(tokens[0], "/v2-beta/token/current", method: "DELETE").status == 204)
            #expect(await eventually(seconds: 30) { await listeners[0].isOver })
            #expect(await !listeners[1].isOver)
        }
        #expect(await eventually { world.gateway.rightsChanges.count == 0 })
    }
}
