import EventLoop
@testable import Gateway
@testable import HTTP
import JSON
import Model
import Store
import StoreFormat
import Testing

/// Which records a collection looks at.
@Suite struct CollectionSourceTests {
    @Test func `a page by ids decodes no more than it shows`() throws {
        let world = World()
        let query = try CollectionQuery([.init("limit", "2"), .init("marker", "m3")], fields: [], now: 0)
        var looked: [UInt64] = []
        let page = CollectionPage(Array(1...1_000), query) { number in
            looked.append(number)
            return Self.row(number, world)
        }
        #expect(page.rows.map(\.number) == [4, 5])
        #expect(page.isPartial)
        #expect(looked == [1, 2, 3, 4, 5, 6], "one more tells whether there are more")
    }

    @Test func `from the end it begins at the end, and rows that are not shown do not count`() throws {
        let world = World()
        let stack: ResourceDefinition = try #require(Schemas.definition("stack"))
        let items: [QueryItems.Item] = [.init("limit", "2"), .init("sort", "id"), .init("order", "desc")]
        let query = try CollectionQuery(items, fields: stack.fields.filter(\.isFilterable), now: 0)
        var looked: Int = 0
        let page = CollectionPage(Array(1...100), query) { number in
            looked += 1
            return number % 10 == 0 ? Self.row(number, world) : nil
        }
        #expect(page.rows.map(\.number) == [100, 90])
        #expect(page.isPartial)
        #expect(looked == 21)
        let last = CollectionPage([7], query) { Self.row($0, world) }
        #expect(!last.isPartial)
    }

    private static func row(_ number: UInt64, _ world: World) -> Resource? {
        Schemas.definition("stack").map { definition in
            Resource(
                definition: definition,
                number: number,
                values: ["name": "x"],
                stored: [:],
                record: Record(
                    key: RecordKey(.stack, number),
                    revision: 1,
                    created: 1,
                    scope: 5,
                    time: 1,
                    document: []
                )
            )
        }
    }

    static let sources: [(String, String, [UInt64])] = [
        ("stacks", "name=WEB-7", [1_007]), ("stacks", "name=nothing", []), ("stacks", "id=1st1003", [1_003]),
        ("services", "stackId=1st1002", [2_004, 2_005]), ("services", "stackId=1st1002&name=b", [2_005]),
        ("services", "stackId=none", []), ("instances", "hostId=1h9", []),
    ]

    @Test(arguments: sources)
    func `a lookup finds its few records by an index`(type: String, query: String, numbers: [UInt64]) async throws {
        let world = World()
        Self.fill(world)
        var exchange: Exchange = Self.exchange(world, "\(World.home)/\(type)?\(query)")
        try Identify.refresh(&exchange)
        exchange.projectNumber = 5
        let definition: ResourceDefinition = try #require(Schemas.find(type))
        let asked: CollectionQuery = try Reading.query(definition, exchange)
        #expect(CollectionSource.numbers(definition, asked, exchange) == numbers)
    }

    @Test func `whatever is asked, an index finds what a look at everything finds`() async throws {
        let world = World()
        Self.fill(world)
        let conditions: [String] = [
            "name=web-3", "name=a", "name_ne=a", "stackId=1st1001", "stackId=1st1002", "stackId_ne=1st1002",
            "id=1s2003",
            "accountId=1a5", "accountId=1a30", "removed_null=1", "_removed=1", "state=active", "system=false",
            "sort=name", "sort=id&order=desc", "limit=2", "limit=2&marker=m1",
        ]
        var random = SystemRandomNumberGenerator()
        for _ in 0..<150 {
            let chosen: [String] = (0..<Int.random(in: 0...4, using: &random)).compactMap { _ in
                conditions.randomElement(using: &random)
            }
            let type: String = ["stacks", "services"].randomElement(using: &random) ?? "stacks"
            var exchange: Exchange = Self.exchange(world, "\(World.home)/\(type)?\(chosen.joined(separator: "&"))")
            try Identify.refresh(&exchange)
            exchange.projectNumber = 5
            let definition: ResourceDefinition = try #require(Schemas.find(type))
            let query: CollectionQuery = try Reading.query(definition, exchange)
            let everything: [UInt64] = exchange.view.records(in: definition.table ?? .stack).map(\.key.number)
            func found(_ numbers: [UInt64]) -> [UInt64] {
                CollectionPage(numbers, query) { number in
                    guard let row = Resource.find(definition, number, in: exchange.view), row.accountID == 5 else {
                        return nil
                    }
                    return row
                }.rows.map(\.number)
            }
            #expect(
                found(CollectionSource.numbers(definition, query, exchange)) == found(everything),
                "\(type)?\(chosen)"
            )
        }
    }

    /// Ten stacks in each of two environments, two services in each stack, some of them gone.
    private static func fill(_ world: World) {
        var writes: [Write] = []
        for index in 0..<20 {
            let (number, project): (UInt64, UInt64) = (UInt64(1_000 + index), index < 10 ? 5 : 30)
            let isGone: Bool = index == 5
            writes.append(
                RecordWriting.put(
                    .stack,
                    .known(number),
                    [
                        "name": .string("Web-\(index % 10)"), "kind": "stack", "state": isGone ? "removed" : "active",
                        "accountId": JSONValue(project), "created": 1, "removed": isGone ? 7 : nil,
                    ],
                    scope: .known(project)
                )
            )
            guard index < 10 else { continue }
            for (offset, name) in ["a", "b"].enumerated() {
                writes.append(
                    RecordWriting.put(
                        .service,
                        .known(UInt64(2_000 + index * 2 + offset)),
                        [
                            "name": .string(name), "kind": "service", "state": "active",
                            "accountId": JSONValue(project),
                            "stackId": JSONValue(number), "created": 1, "removed": nil,
                            "launchConfig": ["imageUuid": "docker:x"],
                        ],
                        scope: .known(project)
                    )
                )
            }
        }
        world.node.write(writes)
    }

    private static func exchange(_ world: World, _ target: String) -> Exchange {
        let request = HTTPRequest(
            method: "GET",
            target: target,
            headers: ["Host": "drover.test", "Authorization": World.credentials(.ann)]
        )
        let connection = ConnectionInfo(
            peer: .tcp(host: "192.0.2.7", port: 1),
            local: .tcp(host: "127.0.0.1", port: 8080),
            stream: MemoryStream(loop: world.loop, peer: "192.0.2.7")
        )
        let policy: PolicySnapshot = world.gateway.policies.snapshot(of: world.node.store.view)
        let reception = Reception(request, connection, policy, local: "127.0.0.1:8080")
        let arrival = Arrival(reception, request, connection, id: "r")
        guard let path = APIPath(segments: request.segments ?? []) else { fatalError("\(target) is no path") }
        return arrival.exchange(
            path,
            request.queryItems ?? QueryItems(),
            world.node.store.view,
            world.gateway
        )
    }
}
