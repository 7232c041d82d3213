package import StoreFormat

/// The whole state at one revision: a value that stays as it is while apply goes on.
///
/// Taking one is O(1); holding one costs the nodes that changed since. Any thread may read it.
package struct StoreView: Sendable {
    /// The last entry that was applied, whether it changed a record or not.
    package internal(set) var revision: Revision = 0
    /// What `$0` of the next transaction will be.
    package internal(set) var nextNumber: UInt64 = 1

    private var trees = Trees()
    private var tableChanges = TableChanges()

    init() {}

    /// Nothing: what takes the place of a view that must not be held any longer.
    package static let empty = StoreView()
}

/// The trees of a view behind one reference: views are taken and dropped all the time, by all threads.
///
/// @unchecked: changed only by a view that alone refers to it (``StoreView/alone()``), as the buffer of an array is.
private final class Trees: @unchecked Sendable {
    var records: OrderedTree<RecordKey, StoredRecord> = OrderedTree()
    var terms: OrderedTree<TermKey, Present> = OrderedTree()
    var uniqueKeys: OrderedTree<ByteKey, RecordKey> = OrderedTree()
    var scopes: OrderedTree<UInt64, ScopeOwner> = OrderedTree()
    var policies: OrderedTree<ByteKey, Revision> = OrderedTree()
    var pools: OrderedTree<ByteKey, Pool> = OrderedTree()
    var sessions: OrderedTree<SessionID, Session> = OrderedTree()
    var replies: OrderedTree<ReplyKey, TransactionOutcome> = OrderedTree()

    init() {}

    init(like other: Trees) {
        records = other.records
        terms = other.terms
        uniqueKeys = other.uniqueKeys
        scopes = other.scopes
        policies = other.policies
        pools = other.pools
        sessions = other.sessions
        replies = other.replies
    }
}

extension StoreView {
    /// Trees that no other view refers to.
    private mutating func alone() -> Trees {
        if !isKnownUniquelyReferenced(&trees) { trees = Trees(like: trees) }
        return trees
    }

    var records: OrderedTree<RecordKey, StoredRecord> {
        get { trees.records }
        _modify { yield &alone().records }
    }
    var terms: OrderedTree<TermKey, Present> {
        get { trees.terms }
        _modify { yield &alone().terms }
    }
    var uniqueKeys: OrderedTree<ByteKey, RecordKey> {
        get { trees.uniqueKeys }
        _modify { yield &alone().uniqueKeys }
    }
    var scopes: OrderedTree<UInt64, ScopeOwner> {
        get { trees.scopes }
        _modify { yield &alone().scopes }
    }
    var policies: OrderedTree<ByteKey, Revision> {
        get { trees.policies }
        _modify { yield &alone().policies }
    }
    var pools: OrderedTree<ByteKey, Pool> {
        get { trees.pools }
        _modify { yield &alone().pools }
    }
    var sessions: OrderedTree<SessionID, Session> {
        get { trees.sessions }
        _modify { yield &alone().sessions }
    }
    var replies: OrderedTree<ReplyKey, TransactionOutcome> {
        get { trees.replies }
        _modify { yield &alone().replies }
    }
}

/// Who runs a scope's controllers, and for the how-manieth time the owner was named.
package struct ScopeOwner: Hashable, Sendable {
    package var node: String
    package var epoch: UInt64
}

/// Something countable that transactions take from and give back to.
package struct Pool: Hashable, Sendable {
    package var capacity: UInt64
    package var used: UInt64
    package var left: UInt64 { capacity > used ? capacity - used : 0 }
}

/// What the state keeps of a gateway's session besides its replies.
package struct Session: Hashable, Sendable {
    /// Replies below this are forgotten.
    package var answeredBelow: UInt64
    /// The last entry that carried one of its tickets; the least is evicted first.
    package var lastUsed: Revision
    /// How many replies are kept.
    package var replies: Int
}

/// When records of each table last changed; tables that nobody asks about share one place.
///
/// A few words in the view itself, so that taking a view stays cheap. Not part of the state: after a start it says
/// that everything has just changed.
private struct TableChanges: Sendable {
    private var revisions = SIMD16<UInt64>()

    subscript(table: Table) -> Revision {
        get { revisions[Self.place(of: table)] }
        set { revisions[Self.place(of: table)] = newValue }
    }

    mutating func all(at revision: Revision) { revisions = SIMD16(repeating: revision) }

    /// Tables 0 to 9 and 60 to 64 have places of their own.
    private static func place(of table: Table) -> Int {
        switch table.rawValue {
        case 0...9: Int(table.rawValue)
        case 60...64: Int(table.rawValue) - 50
        default: SIMD16<UInt64>.scalarCount - 1
        }
    }
}

extension StoreView {
    /// When a record of the table was last written or deleted, or later: while this stays the same, so do they all.
    ///
    /// Exact for the tables 0 to 9 and 60 to 64; the others share one answer. What was made of the records of such a
    /// table can be kept until it grows.
    package func lastChange(in table: Table) -> Revision { tableChanges[table] }

    mutating func noteChange(in table: Table, at revision: Revision) { tableChanges[table] = revision }

    /// The state was not built here entry by entry: nothing that was made of another is true of it.
    mutating func noteChangeOfEverything() { tableChanges.all(at: revision) }

    package var recordCount: Int { records.count }

    package func get(_ key: RecordKey) -> Record? { records[key]?.record }

    /// The records of a table with numbers above `after`, ascending, until `body` returns false.
    package func forEachRecord(in table: Table, after: UInt64? = nil, _ body: (Record) -> Bool) {
        guard after != UInt64.max else { return }
        let start = RecordKey(table, after.map { $0 + 1 } ?? 0)
        records.forEach(from: start) { key, stored in
            key.table == table && body(stored.record)
        }
    }

    package func records(in table: Table, after: UInt64? = nil, limit: Int = .max) -> [Record] {
        var found: [Record] = []
        guard limit > 0 else { return found }
        forEachRecord(in: table, after: after) { record in
            found.append(record)
            return found.count < limit
        }
        return found
    }

    /// The numbers of the table's records that carry `term`, ascending, above `after`.
    package func numbers(_ table: Table, _ term: [UInt8], after: UInt64? = nil, limit: Int = .max) -> [UInt64] {
        var found: [UInt64] = []
        guard limit > 0, after != UInt64.max else { return found }
        let start = TermKey(table: table, term: term, number: after.map { $0 + 1 } ?? 0)
        terms.forEach(from: start) { key, _ in
            guard key.table == table, key.term == term else { return false }
            found.append(key.number)
            return found.count < limit
        }
        return found
    }

    /// The table's records that carry `term`, ascending by number, above `after`.
    package func records(_ table: Table, _ term: [UInt8], after: UInt64? = nil, limit: Int = .max) -> [Record] {
        numbers(table, term, after: after, limit: limit).compactMap { get(RecordKey(table, $0)) }
    }

    package func holder(_ uniqueKey: [UInt8]) -> RecordKey? { uniqueKeys[ByteKey(uniqueKey)] }

    /// Nil for a scope that was never assigned; its epoch counts as 0.
    package func epoch(_ scope: UInt64) -> ScopeOwner? { scopes[scope] }

    /// Every scope that was ever assigned, ascending.
    package func forEachScope(_ body: (UInt64, ScopeOwner) -> Bool) { scopes.forEach(body) }

    /// When the rights of `subject` last changed; 0 for never.
    package func policyRevision(_ subject: [UInt8]) -> Revision { policies[ByteKey(subject)] ?? 0 }

    package func pool(_ name: [UInt8]) -> Pool? { pools[ByteKey(name)] }

    /// Nil for a session that was never opened or was evicted.
    package func session(_ id: SessionID) -> Session? { sessions[id] }

    package var sessionCount: Int { sessions.count }
}

extension StoreView: RecordReading {
    package func numbers(_ table: Table, term: [UInt8]) -> [UInt64] { numbers(table, term) }
}
