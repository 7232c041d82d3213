import JSON
import Model
import StoreFormat

/// The API as an OpenAPI 3.1 document, made of the same definitions as everything else and for the same caller: what the
/// caller may not see is not in it.
struct OpenAPIDocument {
    let links: Links
    let rights: Rights
    let version: String

    var value: JSONValue {
        let types: [ResourceDefinition] = rights.visibleTypes
        // Resources of their own that bodies of others may hold: the members of a new environment.
        let parts: Set<String> = Set(
            types.flatMap(\.fields).filter(\.isCreatable).compactMap { field in
                if case .embedded(let name) = field.type.innermost { name } else { nil }
            }
        )
        var paths = JSONObject()
        var schemas: JSONObject = ["error": OpenAPISchemas.error]
        for type in types where type.name != "error" && type.name != "collection" {
            let fields: [FieldDefinition] = rights.visibleFields(of: type)
            schemas[type.name] = OpenAPISchemas.shown(type, fields)
            if type.isSchemaOnly || parts.contains(type.name) {
                let settable: [FieldDefinition] = type.fields.filter(\.isCreatable)
                schemas[OpenAPISchemas.input(type.name)] = OpenAPISchemas.body(type, settable, isCreate: true)
            }
            if !type.isSchemaOnly {
                if type.isListable {
                    schemas["\(type.name)Collection"] = OpenAPISchemas.collection(of: type.name)
                }
                // Below an environment this word is a link of the environment itself, which the root's paths have.
                if type.table == .projectMember, links.isScoped { continue }
                OpenAPIPaths(type: type, rights: rights).add(to: &paths, &schemas)
            }
        }
        paths["/scripts/transform"] = [
            "post": [
                "operationId": "transform", "tags": ["scripts"],
                "summary": "What an engine says of a container, as the members of a launch configuration",
                "requestBody": ["content": ["application/json": ["schema": ["type": "object"]]]],
                "responses": OpenAPIPaths.responses([200: ["type": "object"]]),
            ]
        ]
        return [
            "openapi": "3.1.0",
            "info": [
                "title": "Drover", "version": .string(version),
                "description": "The v2-beta API, as far as the caller's rights reach.",
            ],
            "servers": [["url": .string(links.root)]], "security": [["key": []]], "paths": .object(paths),
            "components": [
                "securitySchemes": [
                    "key": [
                        "type": "http", "scheme": "basic",
                        "description": "An API key: the access key is the user, the secret key the password",
                    ]
                ],
                "schemas": .object(schemas),
            ],
        ]
    }
}

/// The paths of one type.
struct OpenAPIPaths {
    let type: ResourceDefinition
    let rights: Rights

    /// Adds the paths, and the schemas of the bodies that they take.
    func add(to paths: inout JSONObject, _ schemas: inout JSONObject) {
        let path: String = "/\(type.pathSegment)"
        var collection = JSONObject()
        for method in rights.collectionMethods(of: type) {
            switch method {
            case .get where type.name == "subscribe":
                collection["get"] = subscription
            case .get: collection["get"] = list
            case .post:
                let fields: [FieldDefinition] = type.fields.filter { $0.isCreatable && rights.mayCreate($0, of: type) }
                schemas["\(type.name)Create"] = OpenAPISchemas.body(type, fields, isCreate: true)
                collection["post"] = change("create", body: "\(type.name)Create", success: [201])
            default: break
            }
        }
        if !collection.isEmpty { paths[path] = .object(collection) }
        var item = JSONObject()
        for method in rights.resourceMethods(of: type) {
            switch method {
            case .get: item["get"] = read
            case .put:
                let fields: [FieldDefinition] = type.fields.filter { $0.isUpdatable && rights.mayUpdate($0, of: type) }
                schemas["\(type.name)Update"] = OpenAPISchemas.body(type, fields, isCreate: false)
                item["put"] = change("update", body: "\(type.name)Update", success: [200])
            case .delete: item["delete"] = change("delete", body: nil, success: [200])
            case .post: break
            }
        }
        if let action: JSONValue = action { item["post"] = action }
        guard !item.isEmpty else { return }
        item["parameters"] = [Self.id]
        paths["\(path)/{id}"] = .object(item)
        for link in type.links { add(link, below: "\(path)/{id}", to: &paths) }
    }

    private func add(_ link: LinkDefinition, below path: String, to paths: inout JSONObject) {
        guard let target: ResourceDefinition = Schemas.definition(link.type), rights.sees(target) else { return }
        let answer: JSONValue
        if case .reference = link.kind {
            answer = OpenAPISchemas.reference(target.name)
        } else {
            answer = OpenAPISchemas.reference(target.isListable ? "\(target.name)Collection" : target.name)
        }
        paths["\(path)/\(link.pathSegment)"] = [
            "parameters": [Self.id],
            "get": [
                "operationId": .string("\(type.name)_\(link.name)"), "tags": [.string(type.name)],
                "summary": .string("What the link \(link.name) leads to"), "responses": Self.responses([200: answer]),
            ],
        ]
    }

    private static let id: JSONValue = [
        "name": "id", "in": "path", "required": true, "schema": ["type": "string"],
    ]

    // MARK: Operations

    private var list: JSONValue {
        var parameters: [JSONValue] = [
            Self.query("limit", ["type": "integer"], "How many at most; 0 and less for the largest page"),
            Self.query("marker", ["type": "string"], "Where a page begins, from pagination.next"),
        ]
        let filters: [FieldDefinition] = rights.visibleFields(of: type).filter(\.isFilterable)
        if !filters.isEmpty {
            let names: [JSONValue] = filters.map { .string($0.name) }
            parameters += [
                Self.query("sort", ["enum": .array(names)], "Ascending by id without"),
                Self.query("order", ["enum": ["asc", "desc"]], "Of sort"),
            ]
        }
        let ends: [String] = type.links.filter { Schemas.definition($0.type).map(rights.sees) ?? false }.map(\.name)
        if !ends.isEmpty {
            parameters.append(Self.query("include", ["enum": JSONValue(ends)], "A link whose resources are embedded"))
        }
        for field in filters {
            for modifier in field.filterModifiers {
                let name: String = modifier == "eq" ? field.name : "\(field.name)_\(modifier)"
                parameters.append(Self.query(name, ["type": "string"], nil))
            }
        }
        return .object([
            "operationId": .string("\(type.name)_list"), "tags": [.string(type.name)],
            "summary": .string("List \(type.plural)"), "parameters": .array(parameters),
            "responses": Self.responses([200: OpenAPISchemas.reference("\(type.name)Collection")]),
        ])
    }

    private var read: JSONValue {
        .object([
            "operationId": .string("\(type.name)_get"), "tags": [.string(type.name)],
            "summary": .string("Read a \(type.name)"),
            "responses": Self.responses([200: OpenAPISchemas.reference(type.name)]),
        ])
    }

    private var subscription: JSONValue {
        let names: JSONValue = Self.query(
            "eventNames",
            ["type": "array", "items": ["type": "string"]],
            "resource.change, for changes"
        )
        var responses: JSONObject = Self.responses([:]).object ?? [:]
        responses["101"] = ["description": "A WebSocket with one event a message"]
        return [
            "operationId": "subscribe", "tags": ["subscribe"], "summary": "Hear of changes, over a WebSocket",
            "parameters": [names], "responses": .object(responses),
        ]
    }

    private func change(_ verb: String, body: String?, success: [Int]) -> JSONValue {
        var answers: [Int: JSONValue] = [:]
        for status in success {
            let resource: JSONValue = OpenAPISchemas.reference(type.name)
            // Several containers can be made at once.
            answers[status] =
                verb == "create" && type.isListable
                ? ["anyOf": [resource, OpenAPISchemas.reference("\(type.name)Collection")]] : resource
        }
        var operation: JSONObject = [
            "operationId": .string("\(type.name)_\(verb)"), "tags": [.string(type.name)],
            "summary": .string("\(verb.prefix(1).uppercased())\(verb.dropFirst()) a \(type.name)"),
        ]
        if let body {
            operation["requestBody"] = ["content": ["application/json": ["schema": OpenAPISchemas.reference(body)]]]
        }
        operation["responses"] = Self.responses(answers)
        return .object(operation)
    }

    /// All actions of the type: they are told apart by a query parameter.
    private var action: JSONValue? {
        let actions: [ActionDefinition] = type.actions.filter { rights.mayAct($0.name, on: type) }
        guard !actions.isEmpty else { return nil }
        var bodies: [JSONValue] = []
        var outputs: [JSONValue] = [OpenAPISchemas.reference(type.name)]
        for action in actions {
            if let input: String = action.input { bodies.append(OpenAPISchemas.reference(OpenAPISchemas.input(input))) }
            if let output: String = action.output, Schemas.definition(output)?.isSchemaOnly == true {
                outputs.append(OpenAPISchemas.reference(output))
            }
        }
        let names: JSONValue = JSONValue(actions.map(\.name))
        let body: JSONValue = bodies.isEmpty ? ["type": "object"] : ["anyOf": .array(bodies + [["type": "object"]])]
        var parameter: JSONObject =
            Self.query("action", ["enum": names], "Offered as the resource's state allows")
            .object ?? [:]
        parameter["required"] = true
        return .object([
            "operationId": .string("\(type.name)_act"), "tags": [.string(type.name)],
            "summary": .string("Take an action on a \(type.name)"), "parameters": [.object(parameter)],
            "requestBody": ["content": ["application/json": ["schema": body]]],
            "responses": Self.responses([200: ["anyOf": .array(outputs)], 202: ["anyOf": .array(outputs)]]),
        ])
    }

    private static func query(_ name: String, _ schema: JSONValue, _ about: String?) -> JSONValue {
        var parameter: JSONObject = ["name": .string(name), "in": "query", "schema": schema]
        if let about { parameter["description"] = .string(about) }
        return .object(parameter)
    }

    /// Successes by status, and the error that everything else is.
    static func responses(_ successes: [Int: JSONValue]) -> JSONValue {
        var object = JSONObject()
        for (status, schema) in successes.sorted(by: { $0.key < $1.key }) {
            object[String(status)] = [
                "description": "Done", "content": ["application/json": ["schema": schema]],
            ]
        }
        object["default"] = [
            "description": "Refused",
            "content": ["application/json": ["schema": OpenAPISchemas.reference("error")]],
        ]
        return .object(object)
    }
}
