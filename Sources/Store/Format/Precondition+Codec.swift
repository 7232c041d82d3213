import Bytes
import Limits

extension Precondition {
    func encode(into writer: inout ByteWriter) {
        switch self {
        case .revision(let key, let revision):
            writer.u8(1)
            key.encode(into: &writer)
            writer.varint(revision)
        case .absent(let key):
            writer.u8(2)
            key.encode(into: &writer)
        case .uniqueKeyFree(let key):
            writer.u8(3)
            writer.byteString(key)
        case .epoch(let scope, let epoch):
            writer.u8(4)
            writer.varint(scope)
            writer.varint(epoch)
        case .policyUnchanged(let subject, let since):
            writer.u8(5)
            writer.byteString(subject)
            writer.varint(since)
        case .poolHolds(let name, let amount):
            writer.u8(6)
            writer.byteString(name)
            writer.varint(amount)
        }
    }

    init(from reader: inout ByteReader) throws(DecodingFault) {
        let key: Int = Limits.storeKeyBytes
        switch try reader.u8() {
        case 1: self = .revision(try RecordKey(from: &reader), try reader.exactVarint())
        case 2: self = .absent(try RecordKey(from: &reader))
        case 3: self = .uniqueKeyFree(try reader.exactBytes(limit: key, of: "a unique key"))
        case 4: self = .epoch(scope: try reader.exactVarint(), try reader.exactVarint())
        case 5:
            let subject: [UInt8] = try reader.exactBytes(limit: key, of: "a policy subject")
            self = .policyUnchanged(subject: subject, since: try reader.exactVarint())
        case 6:
            let name: [UInt8] = try reader.exactBytes(limit: key, of: "a pool name")
            self = .poolHolds(name: name, amount: try reader.exactVarint())
        case let tag: throw .unknown(what: "precondition kind", value: UInt64(tag))
        }
    }
}
