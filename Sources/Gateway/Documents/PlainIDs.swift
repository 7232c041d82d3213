import HTTP
import JSON
import Model

/// Documents with bare numbers for ids (`_plainId=true`), for administrators' tools that compare them with other records.
///
/// Links keep the ids that they can be followed with.
enum PlainIDs {
    static func areWanted(_ exchange: Exchange) -> Bool {
        exchange.query["_plainId"]?.lowercased() == "true" && exchange.rights.administersAccounts
    }

    static func document(_ value: JSONValue) -> JSONValue {
        guard let document: JSONObject = value.object else { return value }
        var result = JSONObject()
        let definition: ResourceDefinition? = document["type"]?.string.flatMap { Schemas.definition($0) }
        for (key, member) in document {
            switch key {
            case "id": result.append(key, plain(member))
            case "data" where definition?.name == "collection":
                result.append(key, .array((member.array ?? []).map { Self.document($0) }))
            default:
                let type: FieldType? = definition?.field(key)?.type
                result.append(key, type.map { shown(member, $0) } ?? included(member))
            }
        }
        return .object(result)
    }

    /// What `include` embeds is a document of its own.
    private static func included(_ value: JSONValue) -> JSONValue {
        switch value {
        case .object(let object) where object["links"]?["self"] != nil: document(value)
        case .array(let elements) where elements.first?["links"]?["self"] != nil: .array(elements.map { document($0) })
        default: value
        }
    }

    private static func shown(_ value: JSONValue, _ type: FieldType) -> JSONValue {
        switch (value, type) {
        case (.string, .reference): return plain(value)
        case (.array(let elements), .array(let inner)): return .array(elements.map { shown($0, inner) })
        case (.object(let object), .map(let inner)):
            var result = JSONObject()
            for (key, member) in object { result.append(key, shown(member, inner)) }
            return .object(result)
        case (.object, .embedded): return document(value)
        default: return value
        }
    }

    private static func plain(_ value: JSONValue) -> JSONValue {
        value.string.flatMap { ResourceID($0) }.map { .string(String($0.number)) } ?? value
    }
}
