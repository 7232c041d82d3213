import JSON
import Model
import Store
import StoreFormat
import Synchronization

/// What is judged in place of a resource that does not exist, so that asking for it takes the work that one takes that is
/// there and not to be seen.
enum StandIn {
    private static let documents = Mutex<[Place: [UInt8]]>([:])
    private static let limit: Int = 512

    private struct Place: Hashable {
        var type: String
        var project: UInt64
    }

    /// A resource of the type that nobody made; nil for a type without records.
    static func resource(_ definition: ResourceDefinition, _ exchange: Exchange) -> Resource? {
        guard let table: Table = definition.table else { return nil }
        let place = Place(type: definition.name, project: exchange.projectNumber ?? 0)
        let document: [UInt8] =
            documents.withLock { $0[place] }
            ?? keep(JSONWriter.bytes(.object(fields(definition, place.project))), place)
        let record = Record(
            key: RecordKey(table, .max),
            revision: 0,
            created: 0,
            scope: place.project,
            time: 0,
            document: document
        )
        return Resource(record, in: exchange.view)
    }

    private static func keep(_ document: [UInt8], _ place: Place) -> [UInt8] {
        documents.withLock { documents in
            if documents.count >= limit { documents.removeAll() }
            documents[place] = document
        }
        return document
    }

    /// As long as a stored one: every field has a value.
    private static func fields(_ definition: ResourceDefinition, _ project: UInt64) -> JSONObject {
        var fields = JSONObject()
        for field in definition.fields where field.source == .desired && field.name != "id" {
            fields[field.name] = field.defaultValue ?? .null
        }
        fields["kind"] = .string(definition.kind ?? definition.name)
        fields["state"] = "active"
        fields["name"] = "none"
        fields["uuid"] = "00000000-0000-0000-0000-000000000000"
        fields[definition.environmentMember] = JSONValue(project)
        return fields
    }
}
