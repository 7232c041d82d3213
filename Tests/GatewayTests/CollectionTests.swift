@testable import Gateway
import HTTP
import JSON
import Model
import StoreFormat
import Testing

@Suite struct CollectionTests {
    /// Stacks `a1` to `a5`, one of them removed, in Default.
    static func world() async throws -> World {
        let world = World()
        for name in ["a3", "A1", "b-4", "a2", "gone"] {
            world.clock.advance(1_000)
            _ = try await world.stack(name)
        }
        let gone: Answer = await world.get("\(World.home)/stacks?name=gone", as: .ann)
        let number: UInt64 = try #require(gone.data.first?["id"]?.string.flatMap { ResourceID($0)?.number })
        try world.change(.stack, number, ["removed": 7, "state": "removed"])
        let active: Answer = await world.get("\(World.home)/stacks?name=a3", as: .ann)
        try world.change(
            .stack,
            try #require(active.data.first?["id"]?.string.flatMap { ResourceID($0)?.number }),
            ["state": "active", "externalId": "catalog://a", "system": true]
        )
        return world
    }

    static let table: [(String, [String])] = [
        ("", ["a3", "A1", "b-4", "a2"]),
        ("name=a1", ["A1"]),
        ("NAME=a1", ["A1"]),
        ("name_ne=a1", ["a3", "b-4", "a2"]),
        ("name_prefix=A", ["a3", "A1", "a2"]),
        ("name_like=%253", ["a3"]),
        ("name_like=a_", ["a3", "A1", "a2"]),
        ("name_like=%25_%25", ["a3", "A1", "b-4", "a2"]),
        ("name_notlike=a%25", ["b-4"]),
        ("name_like=\(String(repeating: "%25", count: 1_025))", []),
        ("externalId_null=", ["A1", "b-4", "a2"]),
        ("externalId_notnull=no", ["a3"]),
        ("state=active", ["a3"]),
        ("state_ne=active", ["A1", "b-4", "a2"]),
        ("state_ne=active&state_ne=activating", []),
        ("system=false", ["A1", "b-4", "a2"]),
        ("system=0", ["A1", "b-4", "a2"]),
        ("system=1", ["a3"]),
        ("system=maybe", []),
        ("removed_null=1", ["a3", "A1", "b-4", "a2"]),
        ("removed_null=", ["a3", "A1", "b-4", "a2"]),
        ("removed_notnull=1", ["gone"]),
        ("_removed=1&name=gone", ["gone"]),
        ("accountId=1a5", ["a3", "A1", "b-4", "a2"]),
        ("accountId=1x5", ["a3", "A1", "b-4", "a2"]),
        ("accountId=1a5c3", []),
        ("accountId=five", []),
        ("accountId_ne=five", ["a3", "A1", "b-4", "a2"]),
        ("created_gt=2017-04-22T08:00:02Z", ["b-4", "a2"]),
        ("created_gte=1492848002000", ["A1", "b-4", "a2"]),
        ("created_lt=2017-04-22T08:00:02Z", ["a3"]),
        ("created_lt=now", ["a3", "A1", "b-4", "a2"]),
        ("created_gte=now", []),
        ("created_lte=2017-04-22T08:00:02Z", ["a3", "A1"]),
        ("created_gt=soon", []),
        ("id_ne=1st99999999999999999999", ["a3", "A1", "b-4", "a2"]),
        ("nonsense=1&name_between=2&healthstate_like=x&subLog=0&all=true&_x=1", ["a3", "A1", "b-4", "a2"]),
        ("name_lt=b", ["a3", "A1", "b-4", "a2"]),
        ("sort=name", ["A1", "a2", "a3", "b-4"]),
        ("sort=name&order=desc", ["b-4", "a3", "a2", "A1"]),
        ("sort=id&order=desc", ["a2", "b-4", "A1", "a3"]),
        ("sort=ID&order=DESC&limit=2", ["a2", "b-4"]),
        ("sort=nonsense", ["a3", "A1", "b-4", "a2"]),
        ("sort=state", ["A1", "b-4", "a2", "a3"]),
        ("limit=2", ["a3", "A1"]),
        ("limit=2&marker=m2", ["b-4", "a2"]),
        ("limit=2&marker=m99999999999999999999", ["a3", "A1"]),
        ("limit=2&marker=m-1", ["a3", "A1"]),
        ("limit=2&marker=1st7", ["a3", "A1"]),
        ("marker=m9223372036854775807", []),
    ]

    @Test(arguments: table)
    func `a query finds what it asks for, in its order`(query: String, names: [String]) async throws {
        let answer: Answer = try await Self.world().get("\(World.home)/stacks?\(query)", as: .bob)
        #expect(answer.status == 200)
        #expect(answer.names == names)
    }

    @Test(
        arguments: [
            (nil, 100), ("5", 5), ("-2", 3_000), ("0", 3_000), ("99999", 3_000), ("x", 100),
            ("9999999999999999999999", 100),
        ] as [(String?, Int)]
    )
    func `a limit is 100 unless it says otherwise, and never above 3000`(limit: String?, effective: Int) async {
        let answer: Answer = await World().get("\(World.home)/stacks\(limit.map { "?limit=\($0)" } ?? "")", as: .bob)
        #expect(answer["pagination"]?["limit"] == JSONValue(effective))
    }

    @Test func `pages link to the next with all other keys kept`() async throws {
        let world: World = try await Self.world()
        let path: String = "\(World.home)/stacks"
        let first: Answer = await world.get("\(path)?limit=3&name_like=%25&sort=id", as: .bob)
        let next: String = try #require(first["pagination"]?["next"]?.string)
        #expect(next == "http://drover.test:8080\(path)?name_like=%25&sort=id&limit=3&marker=m3")
        #expect(first["pagination"]?["partial"] == true)
        let second: Answer = await world.get(String(next.dropFirst("http://drover.test:8080".count)), as: .bob)
        #expect(second.names == ["a2"])
        #expect(second["pagination"]?["partial"] == false)
        #expect(second["pagination"]?["next"] == .null)
        for page in [first, second] {
            #expect(page["pagination"]?.object?.keys == ["first", "previous", "next", "limit", "total", "partial"])
            #expect(page["pagination"]?["first"] == .null && page["pagination"]?["previous"] == .null)
        }
    }

    @Test(
        arguments: [
            ("", 4), ("limit=2", nil), ("limit=2&marker=m2", 4), ("limit=4", 4), ("marker=m9", 4),
            ("limit=2&sort=name", 4),
            ("limit=2&sort=id", nil), ("name_like=a%25", 3), ("name=nothing", 0), ("_removed=1", 5),
        ] as [(String, Int?)]
    )
    func `a page says how many there are where that is known`(query: String, total: Int?) async throws {
        let answer: Answer = try await Self.world().get("\(World.home)/stacks?\(query)", as: .bob)
        #expect(answer["pagination"]?["total"] == total.map { JSONValue($0) } ?? .null)
    }

    @Test func `a collection says how it was sorted and filtered and how it could be`() async throws {
        let world: World = try await Self.world()
        let answer: Answer = await world.get(
            "\(World.home)/stacks?name_like=a%25&sort=created&order=desc&state_ne=x&state_ne=y",
            as: .bob
        )
        #expect(
            answer.json.object?.keys == [
                "type", "resourceType", "links", "actions", "data", "sortLinks", "pagination", "sort", "filters",
            ]
        )
        #expect(answer["type"] == "collection")
        #expect(answer["sort"]?["name"] == "created")
        #expect(answer["sort"]?["order"] == "desc")
        #expect(answer["sort"]?["reverse"]?.string?.contains("sort=created&order=asc") == true)
        #expect(answer["filters"]?["name"] == [["value": "a%", "modifier": "like"]])
        #expect(answer["filters"]?["state"] == [["value": "x", "modifier": "ne"], ["value": "y", "modifier": "ne"]])
        #expect(answer["filters"]?["uuid"] == .null)
        #expect(answer["filters"]?["environment"] == nil, "not filterable")
        let link: String? = answer["sortLinks"]?["name"]?.string
        #expect(link?.contains("order=") == false)
        #expect(link?.hasSuffix("sort=name") == true)
        #expect(await world.get("\(World.home)/stacks", as: .bob)["sort"] == .null)
    }

    @Test func `include embeds the first link that is named, on collections and on items`() async throws {
        let world = World()
        let stack: String = try await world.stack()
        let service: String = try await world.service(stack: stack)
        let list: Answer = await world.get("\(World.home)/stacks?include=SERVICES&include=account", as: .bob)
        let embedded: [JSONValue] = try #require(list.data.first?["services"]?.array)
        #expect(embedded.first?["id"]?.string == service)
        #expect(embedded.first?["links"]?["self"] != nil && embedded.first?["actions"] != nil)
        #expect(list.data.first?["account"] == nil)
        let item: Answer = await world.get("\(World.home)/services/\(service)?include=stack", as: .bob)
        #expect(item["stack"]?["id"]?.string == stack)
        let unknown: Answer = await world.get("\(World.home)/stacks?include=secrets", as: .bob)
        #expect(unknown.status == 200)
    }

    @Test func `a reference to what was removed is embedded, as its link leads to it; lists have it no more`()
        async throws
    {
        let world = World()
        let stack: String = try await world.stack()
        let service: String = try await world.service(stack: stack)
        try world.change(.stack, try #require(ResourceID(stack)?.number), ["state": "removed", "removed": 9])
        try world.change(.service, try #require(ResourceID(service)?.number), ["state": "removed", "removed": 9])
        let path: String = "\(World.home)/services/\(service)"
        #expect(await world.get("\(path)/stack", as: .ann)["id"] == .string(stack))
        #expect(await world.get("\(path)?include=stack", as: .ann)["stack"]?["state"] == "removed")
        let children: Answer = await world.get("\(World.home)/stacks/\(stack)?include=services", as: .ann)
        #expect(children["services"] == [])
    }

    @Test func `createTypes stand only where a type has others below it`() async {
        let world = World()
        #expect(await world.get("\(World.home)/stacks", as: .ann)["createTypes"] == nil)
        let instances: Answer = await world.get("\(World.home)/instances", as: .ann)
        #expect(instances["createTypes"] == ["container": "http://drover.test:8080/v2-beta/projects/1a5/containers"])
    }

    @Test func `a list below a resource has defaults for what is created there`() async throws {
        let world = World()
        let stack: String = try await world.stack()
        let answer: Answer = await world.get("\(World.home)/stacks/\(stack)/services", as: .ann)
        #expect(answer["createDefaults"] == ["stackId": .string(stack)])
        #expect(answer["links"]?["self"]?.string?.hasSuffix("/stacks/\(stack)/services") == true)
        let made: Answer = await world.post(
            "\(World.home)/stacks/\(stack)/services",
            ["name": "app", "launchConfig": ["imageUuid": "docker:a"]],
            as: .ann
        )
        #expect(made.status == 201, "\(made)")
        #expect(made["stackId"]?.string == stack)
        #expect(await world.get("\(World.home)/stacks/\(stack)/services", as: .ann).names == ["app"])
    }

    @Test func `lists of types show each only its own`() async throws {
        let world = World()
        _ = try await world.container()
        let token: Answer = await world.post("\(World.home)/registrationtokens", as: .ann)
        #expect(await world.get("\(World.home)/registrationtokens", as: .ann).data.count == 1)
        let keys: Answer = await world.get("\(World.home)/apikeys", as: .ann)
        #expect(keys.names == ["project"])
        let all: Answer = await world.get("\(World.home)/credentials", as: .ann)
        #expect(Set(all.data.compactMap { $0["id"]?.string }) == ["1c105", token["id"]?.string ?? ""])
        #expect(await world.get("/v2-beta/projects?name=DEFAULT", as: .ann).names == ["Default"])
        #expect(await world.get("/v2-beta/projects?all=true&limit=-2", as: .eve).names == ["Elsewhere"])
    }

    @Test func `too many filters are refused before they are tried on every row`() async {
        let query: String = Array(repeating: "state_ne=a", count: 65).joined(separator: "&")
        let answer: Answer = await World().get("\(World.home)/stacks?\(query)", as: .bob)
        #expect(answer.status == 400)
    }

    // MARK: Patterns

    static let patterns: [(String, String, Bool)] = [
        ("", "", true), ("%", "", true), ("_", "", false), ("a%c", "abbbc", true), ("a%c", "abbb", false),
        ("%b%b%", "abab", true), ("%b%b%", "ab", false), ("A_c", "aBC", true), ("%%%", "x", true), ("_%_", "x", false),
        ("%ab", "aaab", true), (".*", "abc", false), ("[a]", "a", false), ("ä%", "ÄB", true),
    ]

    @Test(arguments: patterns)
    func `a pattern is that of SQL and nothing else`(pattern: String, text: String, matches: Bool) {
        #expect(LikePattern(pattern).matches(text) == matches)
    }

    @Test func `a pattern agrees with a slow one on random texts`() {
        func slow(_ pattern: Substring, _ text: Substring) -> Bool {
            guard let first = pattern.first else { return text.isEmpty }
            if first == "%" {
                return slow(pattern.dropFirst(), text) || (!text.isEmpty && slow(pattern, text.dropFirst()))
            }
            guard let letter = text.first, first == "_" || first == letter else { return false }
            return slow(pattern.dropFirst(), text.dropFirst())
        }
        var random = SystemRandomNumberGenerator()
        for _ in 0..<3_000 {
            let pattern = String((0..<Int.random(in: 0...6, using: &random)).map { _ in "ab%_".randomElement() ?? "a" })
            let text = String((0..<Int.random(in: 0...8, using: &random)).map { _ in "ab".randomElement() ?? "a" })
            #expect(LikePattern(pattern).matches(text) == slow(pattern[...], text[...]), "\(pattern) \(text)")
        }
    }
}
