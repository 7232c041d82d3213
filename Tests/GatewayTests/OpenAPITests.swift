@testable import Gateway
import HTTP
import JSON
import Model
import Testing

/// The OpenAPI document.
@Suite struct OpenAPITests {
    static let places: [(String, World.Who)] = [
        ("/openapi.json", .admin), ("/v2-beta/openapi.json", .eve), ("\(World.home)/openapi.json", .ann),
        ("\(World.home)/openapi.json", .bob), ("\(World.home)/openapi.json", .project),
    ]

    @Test(arguments: places)
    func `everything that it refers to is in it, and everything in it is the caller's`(
        place: String,
        who: World.Who
    ) async throws {
        let world = World()
        let answer: Answer = await world.get(place, as: who)
        #expect(answer.status == 200)
        #expect(answer["openapi"] == "3.1.0")
        let scope: String = place.contains("1a5") ? "/projects/1a5" : ""
        #expect(answer["servers"] == [["url": .string("http://drover.test:8080/v2-beta\(scope)")]])
        let schemas: JSONObject = try #require(answer["components"]?["schemas"]?.object)
        let paths: JSONObject = try #require(answer["paths"]?.object)
        var references: Set<String> = []
        Self.collect(answer.json, &references)
        for reference in references {
            let name: String = try #require(reference.split(separator: "/").last.map { String($0) })
            #expect(schemas[name] != nil, "\(reference)")
        }
        let base: String = "/v2-beta\(scope)"
        let listed: Answer = await world.get("\(base)/schemas", as: who)
        var operations: Set<String> = []
        for schema in listed.data {
            let id: String = schema["id"]?.string ?? ""
            let methods: [String] = schema["collectionMethods"]?.array?.compactMap(\.string) ?? []
            // The members of an environment are at the root only.
            guard id != "projectMember" || scope.isEmpty, let plural = schema["pluralName"]?.string?.lowercased() else {
                continue
            }
            for method in methods {
                #expect(paths["/\(plural)"]?[method.lowercased()] != nil, "\(method) \(plural)")
            }
            for method in schema["resourceMethods"]?.array?.compactMap(\.string) ?? [] {
                #expect(paths["/\(plural)/{id}"]?[method.lowercased()] != nil, "\(method) of a \(id)")
            }
            let actions: Set<String> = Set(schema["resourceActions"]?.object?.keys ?? [])
            let described: [JSONValue] =
                paths["/\(plural)/{id}"]?["post"]?["parameters"]?[0]?["schema"]?["enum"]?.array ?? []
            if paths["/\(plural)/{id}"] != nil { #expect(Set(described.compactMap(\.string)) == actions, "\(id)") }
        }
        for (_, path) in paths {
            for (method, operation) in path.object ?? [:] where method != "parameters" {
                let id: String = try #require(operation["operationId"]?.string)
                #expect(operations.insert(id).inserted, "\(id) stands twice")
            }
        }
    }

    private static func collect(_ value: JSONValue, _ references: inout Set<String>) {
        switch value {
        case .object(let object):
            for (key, member) in object {
                if key == "$ref", let text: String = member.string { references.insert(text) }
                collect(member, &references)
            }
        case .array(let elements): for element in elements { collect(element, &references) }
        default: break
        }
    }

    @Test func `what the caller may not set is in no body, and what it may not see in no document`() async {
        let world = World()
        func members(_ schema: String, as who: World.Who) async -> [String] {
            let answer: Answer = await world.get("\(World.home)/openapi.json", as: who)
            return answer["components"]?["schemas"]?[schema]?["properties"]?.object?.keys ?? []
        }
        #expect(await members("stackCreate", as: .ann).contains("system"))
        #expect(!(await members("stackCreate", as: .bob)).contains("system"))
        #expect(await members("stackCreate", as: .bob).contains("name"))
        #expect(await members("localAuthConfig", as: .bob).isEmpty, "a type that a member does not see")
        let stack: Answer = await world.get("\(World.home)/openapi.json", as: .bob)
        #expect(stack["components"]?["schemas"]?["stackCreate"]?["required"] == ["name"])
        let name: JSONValue? = stack["components"]?["schemas"]?["stackCreate"]?["properties"]?["name"]
        #expect(name?["maxLength"] == 63 && name?["type"] == ["string"])
    }

    @Test func `it needs a key, and is there in one version only`() async {
        let world = World()
        #expect(await world.get("/openapi.json", as: .nobody).status == 401)
        #expect(await world.get("\(World.home)/openapi.json", as: .eve).status == 403)
        #expect(await world.get("/v1/openapi.json").status == 404)
        #expect(await world.post("/openapi.json").status == 405)
        #expect(await world.get("/v2-beta/openapi.json/x").status == 404)
    }
}

extension JSONValue {
    fileprivate subscript(index: Int) -> JSONValue? {
        array.flatMap { $0.indices.contains(index) ? $0[index] : nil }
    }
}
