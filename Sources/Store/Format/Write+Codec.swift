import Bytes
import Limits

extension NumberReference {
    func encode(into writer: inout ByteWriter) {
        switch self {
        case .known(let number):
            writer.u8(0)
            writer.varint(number)
        case .created(let index):
            writer.u8(1)
            writer.count(index)
        }
    }

    init(from reader: inout ByteReader) throws(DecodingFault) {
        switch try reader.u8() {
        case 0: self = .known(try reader.exactVarint())
        case 1: self = .created(try reader.createdIndex())
        case let tag: throw .unknown(what: "number reference", value: UInt64(tag))
        }
    }
}

extension Template {
    func encode(into writer: inout ByteWriter) {
        writer.byteString(bytes)
        writer.list(holes) {
            $0.count($1.offset)
            $0.count($1.created)
        }
    }

    init(from reader: inout ByteReader, limit: Int, of what: String) throws(DecodingFault) {
        let bytes: [UInt8] = try reader.exactBytes(limit: limit, of: what)
        let holes: [Hole] = try reader.list(limit: limit, of: "holes of \(what)") {
            (item) throws(DecodingFault) -> Hole in
            let start: Int = item.offset
            let offset: UInt64 = try item.exactVarint()
            guard offset <= UInt64(bytes.count) else {
                throw .malformed(offset: start, expected: "a hole within its template")
            }
            return Hole(offset: Int(offset), created: try item.createdIndex())
        }
        self.init(bytes: bytes, holes: holes)
    }
}

extension Write {
    func encode(into writer: inout ByteWriter) {
        switch self {
        case .put(let record):
            writer.u8(1)
            record.encode(into: &writer)
        case .delete(let table, let number):
            writer.u8(2)
            writer.u16(table.rawValue)
            number.encode(into: &writer)
        case .assignScope(let scope, let node):
            writer.u8(3)
            scope.encode(into: &writer)
            writer.string(node)
        case .touchPolicy(let subject):
            writer.u8(4)
            subject.encode(into: &writer)
        case .definePool(let name, let capacity):
            writer.u8(5)
            name.encode(into: &writer)
            writer.varint(capacity)
        case .takeFromPool(let name, let amount):
            writer.u8(6)
            name.encode(into: &writer)
            writer.i64(amount)
        case .openSession(let nonce):
            writer.u8(7)
            writer.u64(nonce)
        case .forgetPolicy(let subject):
            writer.u8(8)
            subject.encode(into: &writer)
        }
    }

    init(from reader: inout ByteReader) throws(DecodingFault) {
        let key: Int = Limits.storeKeyBytes
        switch try reader.u8() {
        case 1: self = .put(try RecordWrite(from: &reader))
        case 2:
            let table = Table(rawValue: try reader.u16())
            self = .delete(table, try NumberReference(from: &reader))
        case 3:
            let scope: NumberReference = try NumberReference(from: &reader)
            let node: String = try reader.exactText(limit: Limits.transactionTextBytes, of: "a node")
            self = .assignScope(scope: scope, node: node)
        case 4: self = .touchPolicy(subject: try Template(from: &reader, limit: key, of: "a policy subject"))
        case 5:
            let name: Template = try Template(from: &reader, limit: key, of: "a pool name")
            self = .definePool(name: name, capacity: try reader.exactVarint())
        case 6:
            let name: Template = try Template(from: &reader, limit: key, of: "a pool name")
            self = .takeFromPool(name: name, amount: try reader.i64())
        case 7: self = .openSession(nonce: try reader.u64())
        case 8: self = .forgetPolicy(subject: try Template(from: &reader, limit: key, of: "a policy subject"))
        case let tag: throw .unknown(what: "write kind", value: UInt64(tag))
        }
    }
}

extension RecordWrite {
    func encode(into writer: inout ByteWriter) {
        writer.u16(table.rawValue)
        number.encode(into: &writer)
        scope.encode(into: &writer)
        document.encode(into: &writer)
        writer.list(terms) { $1.encode(into: &$0) }
        writer.list(uniqueKeys) { $1.encode(into: &$0) }
    }

    init(from reader: inout ByteReader) throws(DecodingFault) {
        let key: Int = Limits.storeKeyBytes
        let table = Table(rawValue: try reader.u16())
        let number: NumberReference = try NumberReference(from: &reader)
        let scope: NumberReference = try NumberReference(from: &reader)
        let document: Template = try Template(from: &reader, limit: Limits.recordBytes, of: "a document")
        let terms: [Template] = try reader.list(limit: Limits.recordTerms, of: "terms") {
            (item) throws(DecodingFault) in try Template(from: &item, limit: key, of: "a term")
        }
        let unique: [Template] = try reader.list(limit: Limits.recordUniqueKeys, of: "unique keys") {
            (item) throws(DecodingFault) in try Template(from: &item, limit: key, of: "a unique key")
        }
        self.init(
            table: table,
            number: number,
            scope: scope,
            document: document,
            terms: terms,
            uniqueKeys: unique
        )
    }
}

extension ByteReader {
    /// The `n` of `$n`; whether the transaction creates that many is checked when it is whole.
    fileprivate mutating func createdIndex() throws(DecodingFault) -> Int {
        let start: Int = offset
        let value: UInt64 = try exactVarint()
        guard value < UInt64(Limits.transactionWrites) else {
            throw .malformed(offset: start, expected: "a created number below \(Limits.transactionWrites)")
        }
        return Int(value)
    }
}
