import JSON
import Services
import Store
import StoreFormat
import Synchronization

/// A view of the store as controllers read it.
struct StateReader: StateReading {
    let view: StoreView
    private let parsed: ParsedDocuments

    init(_ view: StoreView, _ parsed: ParsedDocuments) {
        self.view = view
        self.parsed = parsed
    }

    func document(_ key: RecordKey) -> (fields: JSONObject, revision: Revision)? {
        guard let record: Record = view.get(key) else { return nil }
        return parsed.fields(of: record).map { (fields: $0, revision: record.revision) }
    }

    func numbers(_ table: Table, term: [UInt8]) -> [UInt64] { view.numbers(table, term) }
}

/// Documents that were parsed already.
///
/// Controllers look at the same few records again and again.
final class ParsedDocuments: Sendable {
    private struct Entry {
        var revision: Revision
        var fields: JSONObject
    }

    private let entries = Mutex<[RecordKey: Entry]>([:])
    /// Starts over when it is full: what is in use is soon there again.
    private static let limit: Int = 65_536

    init() {}

    /// nil for bytes that are no document, which nobody ever writes.
    func fields(of record: Record) -> JSONObject? {
        if let known: JSONObject = entries.withLock({ entries in
            entries[record.key].flatMap { $0.revision == record.revision ? $0.fields : nil }
        }) {
            return known
        }
        guard let fields: JSONObject = try? JSONReader.parse(record.document).object else { return nil }
        entries.withLock { entries in
            if entries.count >= Self.limit { entries.removeAll() }
            entries[record.key] = Entry(revision: record.revision, fields: fields)
        }
        return fields
    }
}
