import JSON
import Model

/// JSON Schemas (2020-12) of what the API's types are in documents and in bodies.
enum OpenAPISchemas {
    static func reference(_ name: String) -> JSONValue { ["$ref": .string("#/components/schemas/\(name)")] }

    // MARK: What goes out

    /// A resource, or an object within one, as documents show it.
    ///
    /// - Parameter fields: those that the caller sees.
    static func shown(_ definition: ResourceDefinition, _ fields: [FieldDefinition]) -> JSONValue {
        var properties: JSONObject = ["type": ["type": "string"]]
        var required: [String] = ["type"]
        if !definition.isSchemaOnly {
            properties["id"] = ["type": "string"]
            properties["baseType"] = ["type": "string"]
            properties["links"] = addresses
            properties["actions"] = addresses
            properties["actionLinks"] = addresses
            required = ["id", "type", "baseType", "links"]
        }
        for field in fields where field.name != "id" {
            properties[field.name] = described(shown(field.type, field, isNullable: true), field)
            if field.type == .date {
                properties["\(field.name)TS"] = ["type": ["integer", "null"], "format": "int64"]
            }
        }
        return ["type": "object", "required": JSONValue(required), "properties": .object(properties)]
    }

    private static let addresses: JSONValue = ["type": "object", "additionalProperties": ["type": "string"]]

    static let error: JSONValue = [
        "type": "object", "required": ["id", "type", "status", "code"],
        "properties": [
            "id": ["type": "string"], "type": ["const": "error"], "status": ["type": "integer"],
            "code": ["type": "string", "description": "For programs; does not change"],
            "message": ["type": ["string", "null"], "description": "For people"],
            "detail": ["type": ["string", "null"]], "fieldName": ["type": ["string", "null"]],
        ],
    ]

    /// Pages of a type's resources.
    static func collection(of name: String) -> JSONValue {
        [
            "type": "object", "required": ["type", "resourceType", "links", "data"],
            "properties": [
                "type": ["const": "collection"], "resourceType": ["type": "string"], "links": addresses,
                "actions": addresses, "createTypes": addresses, "sortLinks": addresses,
                "createDefaults": ["type": "object"], "data": ["type": "array", "items": reference(name)],
                "filters": [
                    "type": "object",
                    "additionalProperties": [
                        "type": ["array", "null"],
                        "items": [
                            "type": "object", "required": ["value", "modifier"],
                            "properties": ["value": ["type": "string"], "modifier": ["type": "string"]],
                        ],
                    ],
                ],
                "sort": [
                    "type": ["object", "null"],
                    "properties": ["name": ["type": "string"], "order": ["enum": ["asc", "desc"]]],
                ],
                "pagination": [
                    "type": "object",
                    "properties": [
                        "limit": ["type": "integer"], "partial": ["type": "boolean"],
                        "next": ["type": ["string", "null"]],
                    ],
                ],
            ],
        ]
    }

    private static func shown(_ type: FieldType, _ field: FieldDefinition, isNullable: Bool) -> JSONValue {
        let null: [JSONValue] = isNullable ? ["null"] : []
        func typed(_ name: JSONValue, _ more: JSONObject = [:]) -> JSONValue {
            var schema: JSONObject = ["type": .array([name] + null)]
            for (key, value) in more { schema[key] = value }
            return .object(schema)
        }
        switch type {
        case .string, .password, .blob: return typed("string")
        case .enum:
            guard let options: [String] = field.options, isExact(field) else { return typed("string") }
            return ["enum": .array(options.map { .string($0) } + (isNullable ? [.null] : []))]
        case .int: return typed("integer", ["format": "int64"])
        case .float: return typed("number")
        case .boolean: return typed("boolean")
        case .date: return typed("string", ["format": "date-time"])
        case .reference: return typed("string", ["description": "An id such as 1s42"])
        case .json: return [:]
        case .nothing: return ["type": "null"]
        case .array(let element):
            return typed("array", ["items": shown(element, field, isNullable: false)])
        case .map(let element):
            return typed("object", ["additionalProperties": shown(element, field, isNullable: true)])
        case .embedded(let name):
            let object: JSONValue = Schemas.definition(name) == nil ? ["type": "object"] : reference(name)
            return isNullable ? ["anyOf": [object, ["type": "null"]]] : object
        }
    }

    /// Whether a field never shows anything but its options: those of one that can be set say what may be set, and the
    /// server itself may have written something else, such as the kind of an account of its own.
    private static func isExact(_ field: FieldDefinition) -> Bool { !field.isCreatable && !field.isUpdatable }

    // MARK: What comes in

    /// A body: the fields that may be set.
    static func body(_ definition: ResourceDefinition, _ fields: [FieldDefinition], isCreate: Bool) -> JSONValue {
        var properties = JSONObject()
        var required: [String] = []
        for field in fields {
            properties[field.name] = described(taken(field.type, field, isNullable: field.isNullable), field)
            if isCreate, field.isRequired, field.defaultValue == nil { required.append(field.name) }
        }
        var schema: JSONObject = ["type": "object", "properties": .object(properties)]
        if !required.isEmpty { schema["required"] = JSONValue(required) }
        return .object(schema)
    }

    /// The name of the schema of a type inside a body.
    static func input(_ name: String) -> String { "\(name)Input" }

    private static func taken(_ type: FieldType, _ field: FieldDefinition, isNullable: Bool) -> JSONValue {
        let null: [JSONValue] = isNullable ? ["null"] : []
        func typed(_ name: JSONValue, _ more: JSONObject = [:]) -> JSONValue {
            var schema: JSONObject = ["type": .array([name] + null)]
            for (key, value) in more { schema[key] = value }
            return .object(schema)
        }
        switch type {
        case .string, .password, .blob: return typed("string", bounds(ofText: field))
        case .int: return typed("integer", bounds(ofNumber: field))
        case .array(let element): return typed("array", ["items": taken(element, field, isNullable: false)])
        case .map(let element):
            return typed("object", ["additionalProperties": taken(element, field, isNullable: true)])
        case .enum:
            guard let options: [String] = field.options else { return typed("string") }
            return ["enum": .array(options.map { .string($0) } + null)]
        case .embedded(let name):
            let object: JSONValue = Schemas.definition(name) == nil ? ["type": "object"] : reference(input(name))
            return isNullable ? ["anyOf": [object, ["type": "null"]]] : object
        default: return shown(type, field, isNullable: isNullable)
        }
    }

    private static func bounds(ofText field: FieldDefinition) -> JSONObject {
        var bounds = JSONObject()
        if let least: Int = field.minLength { bounds["minLength"] = JSONValue(least) }
        if let most: Int = field.maxLength { bounds["maxLength"] = JSONValue(most) }
        if field.rule == .dnsLabel {
            bounds["pattern"] = "^[a-zA-Z0-9]([a-zA-Z0-9-]*[a-zA-Z0-9])?$"
        } else if let valid: String = field.validChars {
            bounds["pattern"] = .string("^[\(valid)]*$")
        }
        return bounds
    }

    private static func bounds(ofNumber field: FieldDefinition) -> JSONObject {
        var bounds: JSONObject = ["format": "int64"]
        bounds["minimum"] = .int(field.min ?? .min)
        bounds["maximum"] = .int(field.max ?? .max)
        return bounds
    }

    private static func described(_ schema: JSONValue, _ field: FieldDefinition) -> JSONValue {
        guard let text: String = field.description, var object: JSONObject = schema.object else { return schema }
        object["description"] = .string(text)
        return .object(object)
    }
}
