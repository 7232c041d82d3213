@testable import Gateway
import HTTP
import JSON
import Testing

/// The older version of the API: the same resources, where a stack is an environment.
@Suite struct VersionOneTests {
    static let home: String = "/v1/projects/1a5"
    static let base: String = "http://drover.test:8080/v1/projects/1a5"

    @Test func `its front page and schemas name what it has`() async {
        let world = World()
        let front: Answer = await world.get("/v1", as: .bob)
        #expect(front["id"] == "v1" && front["links"]?["projects"] == "http://drover.test:8080/v1/projects")
        #expect(front.headers["x-api-schemas"] == "http://drover.test:8080/v1/schemas")
        let schemas: Answer = await world.get("\(Self.home)/schemas", as: .bob)
        let names: [String] = schemas.data.compactMap { $0["id"]?.string }
        #expect(names.contains("environment") && !names.contains("stack"))
        let environment: Answer = await world.get("\(Self.home)/schemas/environments", as: .bob)
        #expect(environment["id"] == "environment" && environment["pluralName"] == "environments")
        #expect(environment["links"]?["self"]?.string == "\(Self.base)/schemas/environment")
        #expect(environment["links"]?["collection"]?.string == "\(Self.base)/environments")
        #expect(environment["resourceActions"]?["remove"] == ["input": nil, "output": "environment"])
        let service: Answer = await world.get("\(Self.home)/schemas/service", as: .bob)
        #expect(service["resourceFields"]?["environmentId"]?["type"] == "reference[environment]")
        #expect(service["resourceFields"]?["stackId"] == nil)
        #expect(service["collectionFilters"]?["environmentId"] != nil)
        #expect(service["includeableLinks"]?.array?.contains("environment") == true)
        #expect(await world.get("\(Self.home)/schemas/schemas", as: .bob)["id"] == "schema")
    }

    @Test func `an environment is a stack, made, found, filtered by, included and removed`() async throws {
        let world = World()
        let made: Answer = await world.post("\(Self.home)/environments", ["name": "web"], as: .ann)
        let id: String = try #require(made.status == 201 ? made["id"]?.string : nil, "\(made)")
        #expect(made["type"] == "environment" && made["baseType"] == "environment" && made["kind"] == "environment")
        #expect(made["links"]?["self"]?.string == "\(Self.base)/environments/\(id)")
        let config: JSONValue = ["imageUuid": "docker:x", "labels": ["stackId": "mine", "stack": "mine"]]
        let service: Answer = await world.post(
            "\(Self.home)/services",
            ["name": "app", "environmentId": .string(id), "launchConfig": config],
            as: .ann
        )
        #expect(service.status == 201 && service["environmentId"]?.string == id, "\(service)")
        #expect(service["stackId"] == nil)
        #expect(service["links"]?["environment"]?.string?.hasSuffix("/environment") == true)
        #expect(
            service["launchConfig"]?["labels"] == ["stackId": "mine", "stack": "mine"],
            "what users wrote keeps its names"
        )
        let path: String = "\(Self.home)/services/\(service["id"]?.string ?? "")"
        #expect(await world.get("\(path)/environment", as: .ann)["id"]?.string == id)
        #expect(await world.get("\(path)?include=environment", as: .ann)["environment"]?["type"] == "environment")
        let list: Answer = await world.get(
            "\(Self.home)/services?environmentId=\(id)&environmentId_ne=1st9&sort=environmentId&limit=1",
            as: .ann
        )
        #expect(list.names == ["app"])
        #expect(list["filters"]?["environmentId"]?.array?.count == 2 && list["filters"]?["stackId"] == nil)
        #expect(list["sort"]?["name"] == "environmentId")
        #expect(list["sort"]?["reverse"]?.string?.contains("sort=environmentId&order=desc") == true)
        #expect(list["sortLinks"]?["environmentId"]?.string?.hasSuffix("sort=environmentId") == true)
        #expect(await world.get("\(Self.home)/services?environmentId=1st99", as: .ann).data.isEmpty)
        let below: Answer = await world.get("\(Self.home)/environments/\(id)/services", as: .ann)
        #expect(below.names == ["app"] && below["createDefaults"]?["environmentId"]?.string == id)
        let missing: Answer = await world.post(
            "\(Self.home)/services",
            ["name": "b", "launchConfig": config],
            as: .ann
        )
        #expect(missing.code == "MissingRequired" && missing.field == "environmentId", "\(missing)")
        let both: Answer = await world.get("\(World.home)/stacks/\(id)", as: .ann)
        #expect(both["type"] == "stack", "and it is the same thing")
        #expect(await world.delete("\(Self.home)/environments/\(id)", as: .ann)["state"] == "removing")
    }

    @Test func `next pages go on asking in its names`() async throws {
        let world = World()
        for name in ["a", "b", "c"] { _ = try await world.stack(name) }
        let stack: String = try await world.stack("d")
        for name in ["a", "b"] { _ = try await world.service(name, stack: stack) }
        let first: Answer = await world.get("\(Self.home)/services?environmentId=\(stack)&limit=1", as: .ann)
        let next: String = try #require(first["pagination"]?["next"]?.string)
        #expect(next == "\(Self.base)/services?environmentId=\(stack)&limit=1&marker=m1")
        let second: Answer = await world.get(String(next.dropFirst("http://drover.test:8080".count)), as: .ann)
        #expect(second.names == ["b"])
    }

    @Test func `both versions are listed at the front door, and the older one is where nothing is said`() async {
        let root: Answer = await World().get("/", as: .nobody)
        #expect(root.data.compactMap { $0["id"] } == ["v1", "v2-beta"])
        #expect(root["links"]?["latest"] == "http://drover.test:8080/v2-beta")
        #expect(root.headers["x-api-schemas"] == "http://drover.test:8080/v1/schemas")
        #expect(await World().get("/v1", as: .nobody).status == 401)
    }
}
