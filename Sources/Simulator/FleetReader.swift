internal import JSON
internal import Model
internal import Services
internal import Store
internal import StoreFormat

/// Documents that were parsed already; the world is used by one thread.
final class FleetDocuments {
    private var entries: [RecordKey: (revision: Revision, fields: JSONObject)] = [:]

    func fields(of record: Record) -> JSONObject? {
        if let known = entries[record.key], known.revision == record.revision { return known.fields }
        guard let fields: JSONObject = try? JSONReader.parse(record.document).object else { return nil }
        entries[record.key] = (record.revision, fields)
        return fields
    }
}

/// A view of the store as controllers and checkers read it.
struct FleetReader: StateReading {
    let view: StoreView
    let documents: FleetDocuments

    func document(_ key: RecordKey) -> (fields: JSONObject, revision: Revision)? {
        guard let record: Record = view.get(key) else { return nil }
        return documents.fields(of: record).map { (fields: $0, revision: record.revision) }
    }

    func numbers(_ table: Table, term: [UInt8]) -> [UInt64] { view.numbers(table, term: term) }

    func instance(_ number: UInt64) -> InstanceRecord? { read(.instance, number)?.record }
}
