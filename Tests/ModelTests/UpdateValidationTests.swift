import JSON
import Model
import Testing

struct UpdateValidationTests {
    static let stored: JSONObject = [
        "name": "web", "scale": 2, "stackId": 3, "state": "active", "metadata": ["a": 1, "b": 2], "launchConfig": [:],
    ]

    static func update(_ body: JSONObject) throws -> ValidatedUpdate {
        try Validation.update(
            #require(Schemas.definition("service")),
            stored: stored,
            body: body,
            context: ValidationTests.context
        )
    }

    @Test func `only what differs is a change`() throws {
        let update: ValidatedUpdate = try Self.update([
            "name": "web", "scale": "2", "metadata": ["b": 2, "a": 1], "description": nil,
        ])
        #expect(update.changed.isEmpty)
        #expect(!update.schedulesUpdate)
    }

    @Test func `a field with a process schedules it`() throws {
        let update: ValidatedUpdate = try Self.update(["scale": 3, "description": "x"])
        #expect(update.changed == ["scale": 3, "description": "x"])
        #expect(update.schedulesUpdate)
        #expect(try !Self.update(["description": "x"]).schedulesUpdate)
    }

    @Test func `what cannot be updated is dropped`() throws {
        let update: ValidatedUpdate = try Self.update([
            "id": "1s5", "stackId": "1st4", "state": "removed", "launchConfig": ["imageUuid": "x"], "nonsense": 1,
            "creatorId": "1a9",
        ])
        #expect(update.changed.isEmpty)
    }

    @Test func `an update is checked like a create, but needs nothing`() throws {
        let problem: ValidationProblem? = #expect(throws: ValidationProblem.self) { try Self.update(["scale": -1]) }
        #expect(problem?.code == .minLimitExceeded)
        let null: ValidationProblem? = #expect(throws: ValidationProblem.self) { try Self.update(["name": nil]) }
        #expect(null?.code == .notNullable)
        #expect(try Self.update([:]).changed.isEmpty)
    }

    @Test func `unsupported members are refused in updates, too`() {
        let problem: ValidationProblem? = #expect(throws: ValidationProblem.self) {
            try Self.update(["scalePolicy": ["min": 1]])
        }
        #expect(problem?.code == .notSupported)
    }
}
