package import JSON
package import Model
package import StoreFormat

/// The replicated state at one revision, as controllers see it.
package protocol StateReading {
    /// The record as stored; nil when there is none.
    func document(_ key: RecordKey) -> (fields: JSONObject, revision: Revision)?
    /// The numbers of a table's records that carry an index term, ascending.
    func numbers(_ table: Table, term: [UInt8]) -> [UInt64]
}

/// A record and the revision that a transaction names when it builds on it.
package struct Stored<Record: RecordDocument>: Hashable, Sendable {
    package var key: RecordKey
    package var record: Record
    package var revision: Revision

    package var number: UInt64 { key.number }
}

extension StateReading {
    /// The record of a table; the caller knows which type the table holds.
    package func read<Record: RecordDocument>(
        _ table: Table,
        _ number: UInt64,
        as type: Record.Type = Record.self
    ) -> Stored<Record>? {
        let key = RecordKey(table, number)
        guard let found: (fields: JSONObject, revision: Revision) = document(key) else { return nil }
        return Stored(key: key, record: Record(fields: found.fields), revision: found.revision)
    }

    /// All records of a table whose member `member` refers to `number`, ascending by number.
    package func all<Record: RecordDocument>(
        _ table: Table,
        _ member: String,
        _ number: UInt64,
        as type: Record.Type = Record.self
    ) -> [Stored<Record>] {
        numbers(table, term: RecordWriting.term(member, number)).compactMap { read(table, $0) }
    }
}
