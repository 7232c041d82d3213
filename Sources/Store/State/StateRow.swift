import Bytes
import Crypto
import Limits
import StoreFormat

/// One fact of the logical state as bytes: what is hashed, checkpointed and loaded.
///
/// Indexes are not among them: they follow from the records.
struct StateRow: Sendable {
    enum Kind: UInt8, Sendable {
        case record = 1
        case scope = 2
        case policy = 3
        case pool = 4
        case session = 5
        case reply = 6
    }

    var kind: Kind
    /// Unique within its kind, and in its order.
    var key: [UInt8]
    var value: [UInt8]

    static func key(of record: RecordKey) -> [UInt8] {
        bigEndian(UInt64(record.table.rawValue)).suffix(2) + bigEndian(record.number)
    }

    static func bigEndian(_ value: UInt64) -> [UInt8] {
        (0..<8).map { UInt8(truncatingIfNeeded: value >> UInt64(56 - 8 * $0)) }
    }

    static func key(of session: SessionID) -> [UInt8] { bigEndian(session.high) + bigEndian(session.low) }
}

extension StoreView {
    /// Every row in ascending order, until `body` returns false.
    func forEachRow(_ body: (StateRow) -> Bool) {
        records.forEach { key, stored in
            body(StateRow(kind: .record, key: StateRow.key(of: key), value: stored.record.encoded()))
        }
        forEachSmallRow(body)
    }

    /// The rows that are not records.
    func forEachSmallRow(_ body: (StateRow) -> Bool) {
        scopes.forEach { scope, owner in
            body(
                StateRow(
                    kind: .scope,
                    key: StateRow.bigEndian(scope),
                    value: Self.bytes {
                        $0.string(owner.node)
                        $0.u64(owner.epoch)
                    }
                )
            )
        }
        policies.forEach { subject, revision in
            body(StateRow(kind: .policy, key: subject.bytes, value: Self.bytes { $0.u64(revision) }))
        }
        pools.forEach { name, pool in
            body(
                StateRow(
                    kind: .pool,
                    key: name.bytes,
                    value: Self.bytes {
                        $0.u64(pool.capacity)
                        $0.u64(pool.used)
                    }
                )
            )
        }
        sessions.forEach { id, session in
            body(
                StateRow(
                    kind: .session,
                    key: StateRow.key(of: id),
                    value: Self.bytes {
                        $0.u64(session.answeredBelow)
                        $0.u64(session.lastUsed)
                    }
                )
            )
        }
        replies.forEach { key, outcome in
            let row: [UInt8] = StateRow.key(of: key.session) + StateRow.bigEndian(key.sequence)
            return body(StateRow(kind: .reply, key: row, value: outcome.encoded()))
        }
    }

    private static func bytes(_ write: (inout ByteWriter) -> Void) -> [UInt8] {
        var writer = ByteWriter()
        write(&writer)
        return writer.bytes
    }

    /// Takes a row in when a checkpoint is loaded; sessions come before their replies.
    mutating func load(_ kind: StateRow.Kind, key: [UInt8], value: [UInt8]) throws(DecodingFault) {
        var reader = ByteReader(value)
        switch kind {
        case .record:
            let record: Record = try Record(decoding: value)
            guard StateRow.key(of: record.key) == key else {
                throw .malformed(offset: 0, expected: "the record that its key names")
            }
            records.set(record.key, StoredRecord(record))
            for term in record.terms {
                terms.set(TermKey(table: record.key.table, term: term, number: record.key.number), Present())
            }
            for unique in record.uniqueKeys { uniqueKeys.set(ByteKey(unique), record.key) }
            return
        case .scope:
            scopes.set(try StateRow.numbers(key, 1)[0], ScopeOwner(node: try reader.string(), epoch: try reader.u64()))
        case .policy: policies.set(ByteKey(key), try reader.u64())
        case .pool: pools.set(ByteKey(key), Pool(capacity: try reader.u64(), used: try reader.u64()))
        case .session:
            let parts: [UInt64] = try StateRow.numbers(key, 2)
            let session = Session(answeredBelow: try reader.u64(), lastUsed: try reader.u64(), replies: 0)
            sessions.set(SessionID(high: parts[0], low: parts[1]), session)
        case .reply:
            let parts: [UInt64] = try StateRow.numbers(key, 3)
            let id = SessionID(high: parts[0], low: parts[1])
            guard var session = sessions[id] else {
                throw .malformed(offset: 0, expected: "a reply of a session that is open")
            }
            session.replies += 1
            sessions.set(id, session)
            replies.set(ReplyKey(session: id, sequence: parts[2]), try TransactionOutcome(decoding: value))
            return
        }
        try reader.end()
    }
}

extension StateRow {
    fileprivate static func numbers(_ key: [UInt8], _ count: Int) throws(DecodingFault) -> [UInt64] {
        guard key.count == count * 8 else { throw .malformed(offset: 0, expected: "a key of \(count * 8) bytes") }
        return (0..<count).map { part in key[part * 8..<part * 8 + 8].reduce(0) { $0 << 8 | UInt64($1) } }
    }
}

/// A hash over a set of rows that does not depend on their order: the sum of the rows' SHA-256 digests.
///
/// It finds accidents (a damaged disk, a member that went its own way); against somebody who chooses
/// rows to collide it is not meant to hold.
struct StateDigest: Equatable, Sendable {
    private var sums: [UInt64] = [0, 0, 0, 0]

    mutating func add(kind: UInt8, key: [UInt8], value: [UInt8]) {
        var writer = ByteWriter(reservingCapacity: key.count + value.count + 8)
        writer.u8(kind)
        writer.byteString(key)
        writer.raw(value)
        let digest: [UInt8] = SHA256.hash(writer.bytes)
        for part in 0..<4 {
            sums[part] &+= digest[part * 8..<part * 8 + 8].reduce(0) { $0 << 8 | UInt64($1) }
        }
    }

    /// 32 bytes; the counter belongs to the state as much as its rows do.
    func finished(nextNumber: UInt64) -> [UInt8] {
        var writer = ByteWriter(reservingCapacity: 40)
        for sum in sums { writer.u64(sum) }
        writer.u64(nextNumber)
        return SHA256.hash(writer.bytes)
    }
}

extension StoreView {
    /// 32 bytes that are equal on two members when their logical states are; members compare them at one applied
    /// index.
    ///
    /// Reads everything: half a microsecond a record and more, so not on a request's path.
    package func stateHash() -> [UInt8] {
        var digest = StateDigest()
        forEachRow { row in
            digest.add(kind: row.kind.rawValue, key: row.key, value: row.value)
            return true
        }
        return digest.finished(nextNumber: nextNumber)
    }
}
