import HTTP
import JSON
import Limits
import Model
import Store
import StoreFormat
import Testing

@testable import Gateway

/// What a user interface remembers for an account.
@Suite struct UserPreferenceTests {
    static let path: String = "/v2-beta/userpreferences"

    private func made(_ world: World, _ name: String, _ value: String, as who: World.Who) async throws -> String {
        let answer: Answer = await world.post(Self.path, ["name": .string(name), "value": .string(value)], as: who)
        return try #require(answer.status == 201 ? answer["id"]?.string : nil, "\(answer)")
    }

    @Test func `a preference is made, read, changed and removed by its owner`() async throws {
        let world = World()
        let made: Answer = await world.post(
            Self.path,
            ["name": "theme", "value": "\"dark\"", "accountId": "1a22", "uuid": "mine", "state": "removed"],
            as: .ann
        )
        #expect(made.status == 201, "\(made)")
        #expect(made["id"]?.string?.hasPrefix("1up") == true && made["type"] == "userPreference")
        #expect(made["accountId"] == "1a20" && made["state"] == "active" && made["value"] == "\"dark\"")
        #expect(made["kind"] == "userPreference" && made["uuid"] != "mine" && made["transitioning"] == "no")
        let item: String = "\(Self.path)/\(made["id"]?.string ?? "")"
        #expect(await world.get(item, as: .ann)["name"] == "theme")
        let count: Int = world.node.changes.count
        #expect(await world.put(item, ["value": "\"dark\"", "accountId": "1a22"], as: .ann)["accountId"] == "1a20")
        #expect(world.node.changes.count == count, "nothing was to be changed")
        #expect(await world.put(item, ["value": "\"light\""], as: .ann)["value"] == "\"light\"")
        #expect(await world.delete(item, as: .ann).status == 405, "an active one is deactivated first")
        #expect(await world.post("\(item)?action=deactivate", as: .ann)["state"] == "inactive")
        let removed: Answer = await world.delete(item, as: .ann)
        #expect(removed.status == 200 && removed["state"] == "removed", "\(removed)")
        #expect(await world.get(Self.path, as: .ann).data.isEmpty)
        #expect(await world.get("\(Self.path)?_removed=1", as: .ann).names == ["theme"])
        _ = try await self.made(world, "theme", "1", as: .ann)
    }

    @Test func `everybody has their own and nobody else's`() async throws {
        let world = World()
        let anns: String = try await made(world, "theme", "a", as: .ann)
        let bobs: String = try await made(world, "theme", "b", as: .bob)
        _ = try await made(world, "lang", "de", as: .admin)
        func listed(_ who: World.Who, _ query: String = "") async -> [String] {
            await world.get("\(Self.path)?\(query)", as: who).data.compactMap { $0["value"]?.string }
        }
        #expect(await listed(.ann) == ["a"])
        #expect(await listed(.bob) == ["b"])
        #expect(await listed(.eve).isEmpty)
        #expect(await listed(.bob, "all=true&name=theme&accountId=1a20").isEmpty)
        #expect(await listed(.bob, "id=\(anns)").isEmpty)
        #expect(await listed(.admin) == ["de"])
        #expect(await listed(.admin, "all=true") == ["a", "b", "de"])
        let item: String = "\(Self.path)/\(anns)"
        #expect(await world.get(item, as: .bob).status == 404)
        #expect(await world.put(item, ["value": "x"], as: .bob).status == 404)
        #expect(await world.delete(item, as: .bob).status == 404)
        #expect(await world.post("\(item)?action=deactivate", as: .bob).status == 404)
        #expect(await world.get("\(Self.path)/\(bobs)", as: .bob).status == 200)
        #expect(await world.get(Self.path, as: .nobody).status == 401)
        // A key of an environment is nobody who looks at a user interface, and neither is anybody within one.
        for who in [World.Who.project, .ann, .admin] {
            #expect(await world.get("\(World.home)/userpreferences", as: who).status == 404)
        }
        #expect(await world.get(Self.path, as: .project).status == 404)
        #expect(await world.get("/v2-beta/schemas/userpreference", as: .ann)["collectionMethods"] == ["GET", "POST"])
    }

    @Test func `an account has one preference of each name`() async throws {
        let world = World()
        _ = try await made(world, "theme", "a", as: .ann)
        let other: String = try await made(world, "lang", "de", as: .ann)
        _ = try await made(world, "theme", "b", as: .bob)
        let twice: Answer = await world.post(Self.path, ["name": "THEME", "value": "c"], as: .ann)
        #expect(twice.status == 422 && twice.code == "NotUnique" && twice.field == "name", "\(twice)")
        let renamed: Answer = await world.put("\(Self.path)/\(other)", ["name": "theme"], as: .ann)
        #expect(renamed.status == 422 && renamed.code == "NotUnique", "\(renamed)")
        #expect(await world.put("\(Self.path)/\(other)", ["name": "Lang"], as: .ann)["name"] == "Lang")
        // Without a name nothing is the same.
        for _ in 0..<2 { #expect(await world.post(Self.path, ["value": "x"], as: .ann).status == 201) }
    }

    @Test func `what an account can have kept is bounded`() async throws {
        let world = World()
        let long = String(repeating: "x", count: Limits.userPreferenceCharacters + 1)
        let answer: Answer = await world.post(Self.path, ["name": "a", "value": .string(long)], as: .ann)
        #expect(answer.code == "MaxLengthExceeded" && answer.field == "value", "\(answer)")
        var writes: [Write] = []
        for number in 0..<Limits.userPreferences {
            writes.append(
                RecordWriting.put(
                    .userPreference,
                    .known(UInt64(5_000 + number)),
                    [
                        "name": .string("p\(number)"), "kind": "userPreference", "state": "active", "accountId": 20,
                        "created": 1, "removed": nil,
                    ],
                    scope: .known(0)
                )
            )
        }
        world.node.write(writes)
        let one: Answer = await world.post(Self.path, ["name": "more"], as: .ann)
        #expect(one.status == 422 && one.code == "MaxLimitExceeded", "\(one)")
        #expect(await world.post(Self.path, ["name": "more"], as: .bob).status == 201)
        #expect(await world.put("\(Self.path)/1up5000", ["value": "y"], as: .ann).status == 200)
    }

    @Test func `preferences are in no audit log, and go with their account`() async throws {
        let world = World()
        let id: String = try await made(world, "theme", "a", as: .ann)
        _ = await world.put("\(Self.path)/\(id)", ["value": "b"], as: .ann)
        _ = await world.post("\(Self.path)/\(id)?action=deactivate", as: .ann)
        let bobs: String = try await made(world, "theme", "b", as: .bob)
        #expect(await world.get("/v2-beta/auditlogs").data.isEmpty)
        #expect(await world.post("/v2-beta/accounts/1a20?action=deactivate").status == 202)
        #expect(await world.get("\(Self.path)/\(id)").status == 200)
        #expect(await world.delete("/v2-beta/accounts/1a20").status == 200)
        #expect(await world.get("\(Self.path)/\(id)").status == 404)
        #expect(await world.get("\(Self.path)/\(bobs)").status == 200)
    }

    @Test func `a preference that others took the name of meanwhile is refused`() async throws {
        let world = World()
        let node: MemoryNode = world.node
        node.beforeNext { _ in
            node.write([
                RecordWriting.put(
                    .userPreference,
                    .known(5_000),
                    [
                        "name": "theme", "kind": "userPreference", "state": "active", "accountId": 20, "created": 1,
                        "removed": nil,
                    ],
                    scope: .known(0)
                )
            ])
        }
        let answer: Answer = await world.post(Self.path, ["name": "theme"], as: .ann)
        #expect(answer.status == 422 && answer.code == "NotUnique", "\(answer)")
    }
}
