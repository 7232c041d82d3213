import EventLoop
import Foundation
import JSON
import Model
import Store
import StoreFormat
import Testing

@testable import Gateway
@testable import HTTP

/// Every route, as everybody, with the id of something in another environment and with one that does not exist: nobody may
/// be able to tell one from the other.
@Suite(.serialized) struct EveryRouteTests {
    enum Caller: String, CaseIterable, Sendable {
        case nobody, member, owner, restricted, stackowner, stackuser, readonly, stranger, project, readAdmin, admin
        case foreignOwner
    }

    private static let isThorough: Bool = ProcessInfo.processInfo.environment["DROVER_ALL_TESTS"] == "1"

    private static func world(_ caller: Caller) -> (world: World, name: String) {
        let world = World()
        switch caller {
        case .nobody: return (world, "nobody-at-all")
        case .member: return (world, "bob")
        case .owner: return (world, "ann")
        case .project: return (world, "project")
        case .admin: return (world, "admin")
        case .foreignOwner: return (world, "eve")
        case .stranger: world.add("me", 60)
        case .readAdmin: world.add("me", 60, kind: "readAdmin")
        default: world.add("me", 60, role: caller.rawValue)
        }
        return (world, "me")
    }

    private static func ask(_ world: World, _ name: String, _ method: String, _ path: String, _ body: JSONValue?) async
        -> Answer
    {
        guard name != "nobody-at-all" else {
            return await world.send(method, path, as: .nobody, body: body.map { JSONWriter.bytes($0) } ?? [])
        }
        return await world.ask(name, method, path, body)
    }

    /// Something of each type that has records, in the environment of `eve`, which nobody else is in.
    private static func foreign(_ world: World) async throws -> [String: String] {
        let home: String = "/v2-beta/projects/1a30"
        let stack: String = try await world.stack("theirs", as: .eve, in: "1a30")
        var ids: [String: String] = ["stack": stack, "project": "1a30", "projectMember": "1pm202", "account": "1a22"]
        let service: JSONValue = [
            "name": "s", "stackId": .string(stack), "launchConfig": ["imageUuid": "docker:nginx"],
        ]
        ids["service"] = try await world.made("eve", "\(home)/services", service)
        ids["container"] = try await world.made(
            "eve",
            "\(home)/containers",
            ["name": "c", "imageUuid": "docker:nginx"]
        )
        ids["instance"] = ids["container"]
        ids["volume"] = try await world.made("eve", "\(home)/volumes", ["name": "v", "driver": "local"])
        ids["apiKey"] = try await world.made("eve", "\(home)/apikeys", ["name": "k"])
        ids["credential"] = ids["apiKey"]
        ids["registrationToken"] = try await world.made("eve", "\(home)/registrationtokens", [:])
        let role: String = try await world.made(
            "eve",
            "\(home)/accessroles",
            ["name": "r", "rules": [["verbs": ["get"], "resourceTypes": ["stack"]]]]
        )
        ids["accessRole"] = role
        ids["accessRoleBinding"] = try await world.made(
            "eve",
            "\(home)/accessrolebindings",
            ["accessRoleId": .string(role), "subjects": [["externalIdType": "rancher_id", "externalId": "1a22"]]]
        )
        world.node.write([
            RecordWriting.put(
                .host,
                .known(77),
                [
                    "name": nil, "hostname": "node", "kind": "host", "uuid": "host-77", "state": "active",
                    "accountId": 30,
                    "created": 1, "removed": nil,
                ],
                scope: .known(30)
            )
        ])
        ids["host"] = "1h77"
        ids["userPreference"] = try await world.made("eve", "/v2-beta/userpreferences", ["name": "p", "value": "v"])
        return ids
    }

    struct Route {
        var method: String
        /// With `ID` in it.
        var path: String
        var body: JSONValue?
    }

    private static func routes(_ definition: ResourceDefinition) -> [Route] {
        let base: String = definition.plural.lowercased()
        var routes: [Route] = [
            Route(method: "GET", path: "\(base)/ID"),
            Route(method: "PUT", path: "\(base)/ID", body: ["description": "x"]),
            Route(method: "DELETE", path: "\(base)/ID"), Route(method: "GET", path: "\(base)/ID/history"),
            Route(method: "GET", path: "\(base)/ID?revision=1"), Route(method: "GET", path: "\(base)?id=ID"),
            Route(method: "GET", path: "\(base)/ID/explain"), Route(method: "POST", path: "\(base)/ID", body: [:]),
            Route(method: "POST", path: "\(base)/ID?action=fly", body: [:]),
            Route(
                method: "POST",
                path: "accessreviews",
                body: [
                    "verb": "get", "resourceType": .string(definition.name), "resourceId": "ID",
                ]
            ),
        ]
        for action in definition.actions.prefix(isThorough ? .max : 2) {
            routes.append(Route(method: "POST", path: "\(base)/ID?action=\(action.name)", body: ["command": ["ls"]]))
        }
        for link in definition.links.prefix(isThorough ? .max : 2) {
            routes.append(Route(method: "GET", path: "\(base)/ID/\(link.pathSegment)"))
            routes.append(Route(method: "POST", path: "\(base)/ID/\(link.pathSegment)", body: ["name": "x"]))
        }
        // References to it from whatever can be made.
        for other in Schemas.all where other.isCreatable {
            for field in other.fields where field.isCreatable && field.type == .reference(definition.name) {
                routes.append(
                    Route(
                        method: "POST",
                        path: other.plural.lowercased(),
                        body: [
                            field.name: "ID", "name": "new", "imageUuid": "docker:x",
                            "launchConfig": ["imageUuid": "docker:x"],
                        ]
                    )
                )
            }
        }
        return routes
    }

    /// What the answer says, without what differs by necessity.
    private static func shape(_ answer: Answer, _ id: String) -> String {
        var text: String = answer.text
        // First: a request's id may have the other one in it.
        if let request: String = answer.json["id"]?.string, answer.json["type"] == "error" {
            text = text.replacing(request, with: "REQUEST")
        }
        return "\(answer.status) \(text.replacing(id, with: "ID"))"
    }

    private static func filled(_ body: JSONValue?, _ id: String) throws -> JSONValue? {
        try body.map { body in
            let text = String(decoding: JSONWriter.bytes(body), as: UTF8.self)
            return try JSONReader.parse(Array(text.replacing("\"ID\"", with: "\"\(id)\"").utf8))
        }
    }

    @Test(arguments: Caller.allCases)
    func `what is foreign looks like what is not there`(_ caller: Caller) async throws {
        let (world, name): (World, String) = Self.world(caller)
        let ids: [String: String] = try await Self.foreign(world)
        // Who administers, and whose it is, may know.
        let mayKnow: Bool = [.admin, .readAdmin, .foreignOwner].contains(caller)
        var asked: Int = 0
        // The short form asks each route as every third of them.
        var turn: Int = Caller.allCases.firstIndex(of: caller) ?? 0
        for definition in Schemas.all {
            guard let foreign: String = ids[definition.name] else { continue }
            let letters = String(foreign.dropFirst().prefix { $0.isLetter })
            let absent: String = "1\(letters)999999"
            for (index, scope) in [World.home, "/v2-beta"].enumerated() {
                let routes: [Route] = Self.routes(definition)
                // At the root few types exist for most; the short form asks for objects only.
                for route in index == 0 || Self.isThorough ? routes : Array(routes.prefix(3))
                where !(mayKnow && route.method != "GET") {
                    turn += 1
                    guard Self.isThorough || turn % 3 == 0 else { continue }
                    var shapes: [String] = []
                    for id in [foreign, absent] {
                        let path: String = "\(scope)/\(route.path.replacing("ID", with: id))"
                        let answer: Answer = await Self.ask(
                            world,
                            name,
                            route.method,
                            path,
                            try Self.filled(route.body, id)
                        )
                        asked += 1
                        #expect(answer.status < 500, "\(caller) \(route.method) \(path): \(answer)")
                        if caller == .nobody { #expect(answer.status == 401, "\(route.method) \(path): \(answer)") }
                        shapes.append(Self.shape(answer, id))
                    }
                    // What takes no notice of the id makes something of one's own either way.
                    if !mayKnow, !shapes.allSatisfy({ $0.hasPrefix("201 ") }) {
                        #expect(shapes[0] == shapes[1], "\(caller) \(route.method) \(scope)/\(route.path)")
                    }
                }
            }
        }
        #expect(asked > (mayKnow ? 50 : 130), "\(asked)")
    }

    @Test(arguments: Caller.allCases)
    func `every type and every special path answers everybody in order`(_ caller: Caller) async {
        let isShort: Bool = [.nobody, .member, .stackuser, .stranger, .project, .readAdmin].contains(caller)
        guard isShort || Self.isThorough else { return }
        let (world, name): (World, String) = Self.world(caller)
        let words: [String] =
            Schemas.all.map { $0.plural.lowercased() } + SpecialPaths.names.sorted() + ["nonsense", ""]
        let scopes: [String] =
            Self.isThorough
            ? ["/v2-beta", World.home, "/v2-beta/projects/1a30", "/v2-beta/projects/1a999999"]
            : ["/v2-beta", World.home]
        for scope in scopes {
            for word in words where !(word == "projects" && scope != "/v2-beta") {
                for method in Self.isThorough ? ["GET", "POST", "PUT", "DELETE", "PATCH"] : ["GET", "POST"] {
                    // What would let somebody in or change the settings is asked elsewhere.
                    if caller == .admin, method != "GET" { continue }
                    let answer: Answer = await Self.ask(
                        world,
                        name,
                        method,
                        "\(scope)/\(word)",
                        method == "GET" ? nil : [:]
                    )
                    // The contract answers a login that nobody can make so.
                    let isKnown: Bool = answer.code == "NoAuthProvider"
                    #expect(answer.status < 500 || isKnown, "\(caller) \(method) \(scope)/\(word): \(answer)")
                    let isLogin: Bool = ["token", "tokens", OpenIDLogin.name].contains(word)
                    if caller == .nobody, !isLogin {
                        #expect([401, 404].contains(answer.status), "\(method) \(scope)/\(word): \(answer)")
                    }
                }
            }
        }
    }

    @Test(arguments: Caller.allCases)
    func `a foreign environment looks like one that is not there`(_ caller: Caller) async {
        guard ![.admin, .readAdmin, .foreignOwner].contains(caller) else { return }
        let (world, name): (World, String) = Self.world(caller)
        for definition in Schemas.all where definition.isListable {
            var shapes: [String] = []
            for id in ["1a30", "1a999999"] {
                let path: String = "/v2-beta/projects/\(id)/\(definition.plural.lowercased())"
                shapes.append(Self.shape(await Self.ask(world, name, "GET", path, nil), id))
            }
            #expect(shapes[0] == shapes[1], "\(caller) \(definition.name)")
        }
    }

    @Test func `every path that is answered outside of the schemas is in the matrix`() throws {
        let matrix: URL = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .appendingPathComponent("Golden/permissions.txt")
        let text: String = try String(contentsOf: matrix, encoding: .utf8).lowercased()
        for name in SpecialPaths.names { #expect(text.contains("\n\(name) "), "\(name) has no line in \(matrix.path)") }
        for definition in Schemas.all where !definition.isSchemaOnly {
            #expect(text.contains("\n\(definition.name.lowercased()) "), "\(definition.name)")
        }
    }

    @Test func `what stands in for the absent is judged like what is there`() async throws {
        let world = World()
        let ids: [String: String] = try await Self.foreign(world)
        let view: StoreView = world.node.store.view
        for (type, id) in ids {
            let definition: ResourceDefinition = try #require(Schemas.definition(type))
            let number: UInt64 = try #require(ResourceID(id)?.number)
            let real: Resource = try #require(Resource.find(definition, number, in: view))
            let asked: Exchange = try #require(Self.exchange(world))
            let standIn: Resource = try #require(StandIn.resource(real.definition, asked))
            #expect(standIn.definition === real.definition)
            // Within a factor of what is stored: as much is parsed.
            let (small, large): (Int, Int) = (standIn.record.document.count, real.record.document.count)
            #expect(small * 4 > large && large * 6 > small, "\(type): \(small) of \(large)")
        }
    }

    private static func exchange(_ world: World) -> Exchange? {
        guard let path = APIPath(segments: ["v2-beta"]) else { return nil }
        let request = HTTPRequest(method: "GET", target: "/v2-beta", headers: ["Host": "drover.test"])
        let connection = ConnectionInfo(
            peer: .tcp(host: "192.0.2.7", port: 40_000),
            local: .tcp(host: "127.0.0.1", port: 8080),
            stream: MemoryStream(loop: world.loop, peer: "192.0.2.7")
        )
        let policy: PolicySnapshot = world.gateway.policies.snapshot(of: world.node.store.view)
        let reception = Reception(request, connection, policy, local: "127.0.0.1:8080")
        let arrival = Arrival(reception, request, connection, id: "test")
        return arrival.exchange(path, QueryItems(), world.node.store.view, world.gateway)
    }
}
