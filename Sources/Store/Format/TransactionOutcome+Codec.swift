package import Bytes
import Limits

extension TransactionOutcome {
    private static let version: UInt8 = 1

    package func encoded() -> [UInt8] {
        var writer = ByteWriter(reservingCapacity: 32)
        writer.u8(Self.version)
        switch self {
        case .committed(let revision, let numbers):
            writer.u8(1)
            writer.varint(revision)
            writer.list(numbers) { $0.varint($1) }
        case .refused(let refusal):
            writer.u8(2)
            refusal.encode(into: &writer)
        }
        return writer.bytes
    }

    /// - Throws: ``DecodingFault`` for anything that ``encoded()`` cannot have made.
    package init(decoding bytes: [UInt8]) throws(DecodingFault) {
        var reader = ByteReader(bytes)
        try reader.version(Self.version, of: "outcome")
        switch try reader.u8() {
        case 1:
            let revision: Revision = try reader.exactVarint()
            let numbers: [UInt64] = try reader.list(limit: Limits.transactionWrites, of: "created numbers") {
                (item) throws(DecodingFault) in try item.exactVarint()
            }
            self = .committed(revision: revision, numbers: numbers)
        case 2: self = .refused(try Refusal(from: &reader))
        case let tag: throw .unknown(what: "outcome kind", value: UInt64(tag))
        }
        try reader.end()
    }
}

extension Refusal {
    func encode(into writer: inout ByteWriter) {
        switch self {
        case .revisionChanged(let key, let expected, let actual):
            writer.u8(1)
            key.encode(into: &writer)
            writer.varint(expected)
            writer.varint(actual)
        case .present(let key):
            writer.u8(2)
            key.encode(into: &writer)
        case .uniqueKeyTaken(let key, let holder):
            writer.u8(3)
            writer.byteString(key)
            holder.encode(into: &writer)
        case .epochChanged(let scope, let expected, let actual):
            writer.u8(4)
            writer.varint(scope)
            writer.varint(expected)
            writer.varint(actual)
        case .policyChanged(let subject, let since, let actual):
            writer.u8(5)
            writer.byteString(subject)
            writer.varint(since)
            writer.varint(actual)
        case .poolExhausted(let name, let wanted, let left):
            writer.u8(6)
            writer.byteString(name)
            writer.varint(wanted)
            writer.varint(left)
        case .sessionExpired(let sequence):
            writer.u8(7)
            writer.varint(sequence)
        case .invalid(let reason):
            writer.u8(8)
            writer.string(reason)
        }
    }

    init(from reader: inout ByteReader) throws(DecodingFault) {
        let key: Int = Limits.storeKeyBytes
        switch try reader.u8() {
        case 1:
            let record: RecordKey = try RecordKey(from: &reader)
            self = .revisionChanged(record, expected: try reader.exactVarint(), actual: try reader.exactVarint())
        case 2: self = .present(try RecordKey(from: &reader))
        case 3:
            let unique: [UInt8] = try reader.exactBytes(limit: key, of: "a unique key")
            self = .uniqueKeyTaken(key: unique, holder: try RecordKey(from: &reader))
        case 4:
            let scope: UInt64 = try reader.exactVarint()
            self = .epochChanged(
                scope: scope,
                expected: try reader.exactVarint(),
                actual: try reader.exactVarint()
            )
        case 5:
            let subject: [UInt8] = try reader.exactBytes(limit: key, of: "a policy subject")
            self = .policyChanged(
                subject: subject,
                since: try reader.exactVarint(),
                actual: try reader.exactVarint()
            )
        case 6:
            let name: [UInt8] = try reader.exactBytes(limit: key, of: "a pool name")
            self = .poolExhausted(name: name, wanted: try reader.exactVarint(), left: try reader.exactVarint())
        case 7: self = .sessionExpired(sequence: try reader.exactVarint())
        case 8: self = .invalid(try reader.exactText(limit: Limits.transactionTextBytes, of: "a reason"))
        case let tag: throw .unknown(what: "refusal kind", value: UInt64(tag))
        }
    }
}
