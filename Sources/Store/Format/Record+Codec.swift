package import Bytes
import Limits

extension RecordKey {
    func encode(into writer: inout ByteWriter) {
        writer.u16(table.rawValue)
        writer.varint(number)
    }

    init(from reader: inout ByteReader) throws(DecodingFault) {
        self.init(Table(rawValue: try reader.u16()), try reader.exactVarint())
    }
}

extension Record {
    private static let version: UInt8 = 1

    /// Shape: version, table, number, revision, created, scope, time, document, terms, unique keys.
    package func encoded() -> [UInt8] {
        var writer = ByteWriter(reservingCapacity: document.count + 64)
        writer.u8(Self.version)
        key.encode(into: &writer)
        writer.varint(revision)
        writer.varint(created)
        writer.varint(scope)
        writer.i64(time)
        writer.byteString(document)
        writer.list(terms) { $0.byteString($1) }
        writer.list(uniqueKeys) { $0.byteString($1) }
        return writer.bytes
    }

    /// - Throws: ``DecodingFault`` for anything that ``encoded()`` cannot have made.
    package init(decoding bytes: [UInt8]) throws(DecodingFault) {
        var reader = ByteReader(bytes)
        try reader.version(Self.version, of: "record")
        let key: RecordKey = try RecordKey(from: &reader)
        let revision: Revision = try reader.exactVarint()
        let created: Revision = try reader.exactVarint()
        let scope: UInt64 = try reader.exactVarint()
        let time: Int64 = try reader.i64()
        let document: [UInt8] = try reader.exactBytes(limit: Limits.recordBytes, of: "a document")
        let terms: [[UInt8]] = try Self.keys(from: &reader, limit: Limits.recordTerms, of: "terms")
        let unique: [[UInt8]] = try Self.keys(from: &reader, limit: Limits.recordUniqueKeys, of: "unique keys")
        try reader.end()
        self.init(
            key: key,
            revision: revision,
            created: created,
            scope: scope,
            time: time,
            document: document,
            terms: terms,
            uniqueKeys: unique
        )
    }

    private static func keys(
        from reader: inout ByteReader,
        limit: Int,
        of what: String
    ) throws(DecodingFault) -> [[UInt8]] {
        let start: Int = reader.offset
        let keys: [[UInt8]] = try reader.list(limit: limit, of: what) { (item) throws(DecodingFault) in
            try item.exactBytes(limit: Limits.storeKeyBytes, of: what)
        }
        for (left, right) in zip(keys, keys.dropFirst()) {
            guard left.lexicographicallyPrecedes(right) else {
                throw .malformed(offset: start, expected: "\(what) in ascending order")
            }
        }
        return keys
    }
}
