package import Bytes
import Limits

extension Transaction {
    private static let version: UInt8 = 1

    /// The bytes that travel through the log.
    ///
    /// Shape: version, ticket?, time, actor, request id, audit?, preconditions, writes, created, blobs.
    /// A proposer calls ``proposal()``, which checks first.
    package func encoded() -> [UInt8] {
        var writer = ByteWriter(reservingCapacity: 512)
        writer.u8(Self.version)
        writer.optional(ticket) { $1.encode(into: &$0) }
        writer.i64(time)
        writer.string(actor)
        writer.string(requestID)
        writer.optional(audit) { $1.encode(into: &$0) }
        writer.list(preconditions) { $1.encode(into: &$0) }
        writer.list(writes) { $1.encode(into: &$0) }
        writer.count(created)
        writer.list(blobs) {
            $0.byteString($1.hash)
            $0.varint($1.byteCount)
        }
        return writer.bytes
    }

    /// Reads what ``encoded()`` wrote; what comes out obeys every rule of ``validate()``.
    ///
    /// - Throws: ``DecodingFault``: `.unknown` for a version or kind of a later build. Whoever applies the
    ///   log must stop then: skipping the entry would fork the state.
    package init(decoding bytes: [UInt8]) throws(DecodingFault) {
        guard bytes.count <= Limits.transactionBytes else {
            throw .malformed(offset: 0, expected: "at most \(Limits.transactionBytes) bytes of a transaction")
        }
        var reader = ByteReader(bytes)
        try reader.version(Self.version, of: "transaction")
        let text: Int = Limits.transactionTextBytes
        let ticket: SessionTicket? = try reader.optional { (field) throws(DecodingFault) in
            try SessionTicket(from: &field)
        }
        let time: Int64 = try reader.i64()
        let actor: String = try reader.exactText(limit: text, of: "an actor")
        let requestID: String = try reader.exactText(limit: text, of: "a request id")
        let audit: AuditRecord? = try reader.optional { (field) throws(DecodingFault) in
            try AuditRecord(from: &field)
        }
        let preconditions: [Precondition] = try reader.list(
            limit: Limits.transactionPreconditions,
            of: "preconditions"
        ) { (item) throws(DecodingFault) in try Precondition(from: &item) }
        let writes: [Write] = try reader.list(limit: Limits.transactionWrites, of: "writes") {
            (item) throws(DecodingFault) in try Write(from: &item)
        }
        let createdAt: Int = reader.offset
        let created: UInt64 = try reader.exactVarint()
        guard created <= UInt64(Limits.transactionWrites) else {
            throw .malformed(offset: createdAt, expected: "at most \(Limits.transactionWrites) created numbers")
        }
        let blobs: [BlobReference] = try reader.list(limit: Limits.transactionWrites, of: "blobs") {
            (item) throws(DecodingFault) in try BlobReference(from: &item)
        }
        try reader.end()
        self.init(
            ticket: ticket,
            time: time,
            actor: actor,
            requestID: requestID,
            audit: audit,
            preconditions: preconditions,
            writes: writes,
            created: Int(created),
            blobs: blobs
        )
        if case .failure(let problem) = validated() {
            throw .malformed(offset: bytes.count, expected: "a valid transaction: \(problem.reason)")
        }
    }

    /// Checked and encoded: what a proposer hands to Raft.
    ///
    /// - Throws: ``InvalidTransaction`` for what no node would accept; such bytes in the log would stop
    ///   every member, so they must not get there.
    package func proposal() throws(InvalidTransaction) -> [UInt8] {
        try validate()
        let bytes: [UInt8] = encoded()
        guard bytes.count <= Limits.transactionBytes else {
            throw InvalidTransaction(
                reason: "\(bytes.count) bytes, \(Limits.transactionBytes) at most; split it into smaller ones"
            )
        }
        return bytes
    }
}

extension SessionTicket {
    func encode(into writer: inout ByteWriter) {
        writer.u64(session.high)
        writer.u64(session.low)
        writer.varint(sequence)
        writer.varint(answeredBelow)
    }

    init(from reader: inout ByteReader) throws(DecodingFault) {
        let session = SessionID(high: try reader.u64(), low: try reader.u64())
        self.init(session: session, sequence: try reader.exactVarint(), answeredBelow: try reader.exactVarint())
    }
}

extension BlobReference {
    init(from reader: inout ByteReader) throws(DecodingFault) {
        self.init(hash: try reader.exactBytes(limit: 32, of: "a hash"), byteCount: try reader.exactVarint())
    }
}
