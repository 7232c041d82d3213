import HTTP
import JSON
import Model
import Testing

/// The action `restart` of services; what it leads to is in `ServicesTests`.
@Suite struct ServiceRestartTests {
    private static let strategy: JSONValue = ["rollingRestartStrategy": ["batchSize": 2, "intervalMillis": 500]]

    /// An active service of Default.
    private static func active(_ world: World) async throws -> (path: String, number: UInt64) {
        let service: String = try await world.service(stack: try await world.stack())
        let number: UInt64 = try #require(ResourceID(service)?.number)
        try world.change(.service, number, ["state": "active", "createIndex": 3])
        return ("\(World.home)/services/\(service)", number)
    }

    private static func stored(_ world: World, _ number: UInt64) throws -> ServiceRecord {
        ServiceRecord(fields: try world.stored(.service, "1s\(number)"))
    }

    @Test func `an active service is restarted in batches, and says so`() async throws {
        let world = World()
        let (path, number) = try await Self.active(world)
        #expect(await world.get(path, as: .bob)["actions"]?["restart"] != nil)
        let answer: Answer = await world.post("\(path)/?action=restart", Self.strategy, as: .bob)
        #expect(
            answer.status == 202 && answer["state"] == "restarting" && answer["transitioning"] == "yes",
            "\(answer)"
        )
        #expect(answer["actions"]?["restart"] == nil && answer["actions"]?["deactivate"] != nil)
        let record: ServiceRecord = try Self.stored(world, number)
        var wanted = ServiceRestart(batchSize: 2, intervalMilliseconds: 500, upTo: 3)
        #expect(record.restart == wanted && record.state == "active")
        #expect(await world.get("\(World.home)/services?state=restarting", as: .bob).data.count == 1)
        let again: Answer = await world.post("\(path)/?action=restart", Self.strategy, as: .bob)
        #expect(again.status == 422 && again.code == "ActionNotAvailable", "\(again)")
        // A change of the service goes on beside it.
        #expect(await world.put(path, ["scale": 5], as: .bob)["state"] == "restarting")
        #expect(try Self.stored(world, number).restart == wanted)
        let row: JSONValue? = await world.get("/v2-beta/auditlogs?eventType=api.service.restart").data.first
        #expect(row?["resourceId"]?.string == "1s\(number)" && row?["requestObject"]?.string?.contains("500") == true)
        // What the strategy does not say is what the contract has for it.
        try world.change(.service, number, ["state": "active", "restart": nil])
        #expect(await world.post("\(path)/?action=restart", ["rollingRestartStrategy": [:]], as: .bob).status == 202)
        wanted = ServiceRestart(batchSize: 1, intervalMilliseconds: 2_000, upTo: 3)
        #expect(try Self.stored(world, number).restart == wanted)
    }

    @Test(
        arguments: [
            ([:], "MissingRequired", "rollingRestartStrategy"),
            (["rollingRestartStrategy": nil], "NotNullable", "rollingRestartStrategy"),
            (["rollingRestartStrategy": 3], "InvalidFormat", "rollingRestartStrategy"),
            (["rollingRestartStrategy": ["batchSize": 0]], "MinLimitExceeded", "batchSize"),
            (["rollingRestartStrategy": ["intervalMillis": -1]], "MinLimitExceeded", "intervalMillis"),
            (["rollingRestartStrategy": ["intervalMillis": 3_600_001]], "MaxLimitExceeded", "intervalMillis"),
        ] as [(JSONValue, String, String)]
    )
    func `a restart without a strategy that makes sense is 422`(body: JSONValue, code: String, field: String)
        async throws
    {
        let world = World()
        let (path, number) = try await Self.active(world)
        let answer: Answer = await world.post("\(path)/?action=restart", body, as: .bob)
        #expect(answer.status == 422 && answer.code == code, "\(answer)")
        #expect(answer.field == field)
        #expect(try Self.stored(world, number).restart == nil)
    }

    @Test(arguments: [("activate", "activating"), ("deactivate", "deactivating"), ("remove", "removing")])
    func `whatever else is done to a service ends its restart`(action: String, state: String) async throws {
        let world = World()
        let (path, number) = try await Self.active(world)
        _ = await world.post("\(path)/?action=restart", Self.strategy, as: .bob)
        let answer: Answer = await world.post("\(path)/?action=\(action)", as: .bob)
        #expect(answer.status == 202 && answer["state"]?.string == state, "\(answer)")
        let record: ServiceRecord = try Self.stored(world, number)
        #expect(record.restart == nil && record.state == state)
    }

    @Test func `a stack that rests ends the restarts in it, and who may only look restarts nothing`() async throws {
        let world = World()
        let (path, number) = try await Self.active(world)
        world.add("rita", 60, role: "readonly")
        #expect(await world.ask("rita", "POST", "\(path)/?action=restart", Self.strategy).code == "ActionNotAvailable")
        _ = await world.post("\(path)/?action=restart", Self.strategy, as: .bob)
        let stack: String = try #require(await world.get(path, as: .bob)["stackId"]?.string)
        #expect(await world.post("\(World.home)/stacks/\(stack)?action=deactivateservices", as: .bob).status == 200)
        let record: ServiceRecord = try Self.stored(world, number)
        #expect(record.restart == nil && record.state == "deactivating")
    }

    @Test(arguments: ["inactive", "activating", "deactivating", "registering"])
    func `only an active service can be restarted`(state: String) async throws {
        let world = World()
        let (path, number) = try await Self.active(world)
        try world.change(.service, number, ["state": .string(state)])
        let answer: Answer = await world.post("\(path)/?action=restart", Self.strategy, as: .bob)
        #expect(answer.status == 422 && answer.code == "ActionNotAvailable", "\(answer)")
    }
}
