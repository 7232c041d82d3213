import JSON
import Model

/// Schema documents (contract A5), as far as the caller's rights reach.
enum SchemaDocument {
    static func make(_ definition: ResourceDefinition, links: Links, rights: Rights) -> JSONValue {
        var linkObject: JSONObject = ["self": .string(links.schema(definition))]
        if definition.isListable { linkObject["collection"] = .string(links.collection(definition)) }
        var fields = JSONObject()
        var filters = JSONObject()
        for field in rights.visibleFields(of: definition) {
            fields[field.name] = self.field(field, definition, rights)
            if !field.filterModifiers.isEmpty {
                filters[field.name] = ["modifiers": JSONValue(field.filterModifiers)]
            }
        }
        var actions = JSONObject()
        for action in definition.actions where rights.mayAct(action.name, on: definition) {
            actions[action.name] = ["input": JSONValue(action.input), "output": JSONValue(action.output)]
        }
        return .object([
            "id": .string(definition.name), "type": "schema", "baseType": "schema", "links": .object(linkObject),
            "actions": [:], "pluralName": .string(definition.plural),
            "resourceMethods": JSONValue(rights.resourceMethods(of: definition).map(\.rawValue)),
            "collectionMethods": JSONValue(rights.collectionMethods(of: definition).map(\.rawValue)),
            "resourceFields": .object(fields), "resourceActions": .object(actions), "collectionActions": [:],
            "collectionFields": [:], "collectionFilters": .object(filters),
            "includeableLinks": JSONValue(definition.links.filter { leads($0, rights) }.map(\.name)),
        ])
    }

    /// Whether the caller sees what is at the other end.
    private static func leads(_ link: LinkDefinition, _ rights: Rights) -> Bool {
        Schemas.definition(link.type).map { rights.sees($0) } ?? false
    }

    private static func field(
        _ field: FieldDefinition,
        _ definition: ResourceDefinition,
        _ rights: Rights
    ) -> JSONValue {
        .object([
            "type": .string(field.type.description), "default": field.defaultValue ?? .null,
            "unique": .bool(field.isUnique), "nullable": .bool(field.isNullable),
            "create": .bool(field.isCreatable && rights.mayCreate(field, of: definition)),
            "update": .bool(field.isUpdatable && rights.mayUpdate(field, of: definition)),
            "required": .bool(field.isRequired), "readOnCreateOnly": .bool(field.isReadOnCreateOnly),
            "minLength": JSONValue(field.minLength.map { Int64($0) }),
            "maxLength": JSONValue(field.maxLength.map { Int64($0) }), "min": JSONValue(field.min),
            "max": JSONValue(field.max), "options": field.options.map { JSONValue($0) } ?? .null,
            "validChars": JSONValue(field.validChars), "invalidChars": JSONValue(field.invalidChars),
            "description": JSONValue(field.description),
        ])
    }
}
