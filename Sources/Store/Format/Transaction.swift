/// The only kind of change: preconditions and writes, all or nothing.
///
/// Everything that differs between nodes or moments (time, random values, names) is chosen by the
/// proposer and travels inside, so that apply is the same function on every node. Apply knows tables,
/// keys, terms and holes, but no resource types: nodes of different versions cannot disagree.
///
/// Limits: `Limits.transactionBytes` encoded, `Limits.transactionWrites` writes, `Limits.recordBytes` a document.
package struct Transaction: Hashable, Sendable {
    /// Which answer this is a retry of, if any; nil for a proposer that never retries.
    package var ticket: SessionTicket?
    /// Milliseconds since 1970, by the proposer's clock.
    package var time: Int64
    /// Who asked: a rendered account id such as `1a1`, or `system` for a controller.
    package var actor: String
    /// The request that led here; on every log line about it.
    package var requestID: String
    /// What the audit log will say; nil for changes by controllers.
    package var audit: AuditRecord?
    package var preconditions: [Precondition]
    package var writes: [Write]
    /// How many numbers apply allocates: `$0` up to `$(created - 1)`.
    package var created: Int
    /// Content outside the log that the writes name; its bytes are on a majority before this is proposed.
    package var blobs: [BlobReference]

    package init(
        ticket: SessionTicket? = nil,
        time: Int64,
        actor: String,
        requestID: String,
        audit: AuditRecord? = nil,
        preconditions: [Precondition] = [],
        writes: [Write] = [],
        created: Int = 0,
        blobs: [BlobReference] = []
    ) {
        self.ticket = ticket
        self.time = time
        self.actor = actor
        self.requestID = requestID
        self.audit = audit
        self.preconditions = preconditions
        self.writes = writes
        self.created = created
        self.blobs = blobs
    }
}

/// Makes a request exactly-once: a second transaction with the same ticket gets the first one's answer.
package struct SessionTicket: Hashable, Sendable {
    /// Opened before by ``Write/openSession(nonce:)``.
    package var session: SessionID
    /// From 1, counting the requests of the session; they may arrive in any order.
    package var sequence: UInt64
    /// Every request below this one has got its answer, so its reply may be forgotten.
    package var answeredBelow: UInt64

    package init(session: SessionID, sequence: UInt64, answeredBelow: UInt64) {
        self.session = session
        self.sequence = sequence
        self.answeredBelow = answeredBelow
    }
}

/// Names a session for good: where it was opened, and a random number.
///
/// `high` is the revision of the entry that opened it. An entry is applied once, so a session that was
/// evicted can never come to life again, and a late retry of its requests never runs (Raft
/// dissertation, section 6.3). `low` is the opener's nonce: after a restore, where revisions repeat, it
/// keeps sessions of the two incarnations apart.
package struct SessionID: Hashable, Comparable, Sendable {
    package var high: UInt64
    package var low: UInt64

    /// The session that ``Write/openSession(nonce:)`` made when it committed at `revision`.
    package init(opened revision: Revision, nonce: UInt64) {
        self.init(high: revision, low: nonce)
    }

    package init(high: UInt64, low: UInt64) {
        self.high = high
        self.low = low
    }

    package static func < (left: SessionID, right: SessionID) -> Bool {
        left.high == right.high ? left.low < right.low : left.high < right.high
    }
}

/// A key's number: known, or allocated by this very transaction.
package enum NumberReference: Hashable, Sendable {
    case known(UInt64)
    /// `$n`.
    case created(Int)
}

package enum Write: Hashable, Sendable {
    /// Creates the record or replaces it whole, with its terms and unique keys.
    case put(RecordWrite)
    /// Deletes the record; deleting what is absent changes nothing.
    case delete(Table, NumberReference)
    /// Makes `node` the owner of a scope and raises the scope's epoch by one.
    case assignScope(scope: NumberReference, node: String)
    /// The rights of `subject` changed: transactions planned under the old ones are refused.
    case touchPolicy(subject: Template)
    /// Sets a pool's capacity; creates the pool when there is none.
    case definePool(name: Template, capacity: UInt64)
    /// Takes `amount` (positive) from a pool or gives it back (negative).
    ///
    /// Refused when less is left; giving back more than was taken leaves the pool full.
    case takeFromPool(name: Template, amount: Int64)
    /// Opens the session `SessionID(opened: <revision of this entry>, nonce: nonce)`; at most one a transaction.
    ///
    /// Proposed without a ticket; when its fate is unknown, propose another: a session that nobody
    /// uses is evicted in time.
    case openSession(nonce: UInt64)
    /// Forgets when the rights of `subject` last changed: there will be nobody of that name any more.
    ///
    /// Read by nodes of level 2 and later: proposed only when the cluster has that level.
    case forgetPolicy(subject: Template)
}

package struct RecordWrite: Hashable, Sendable {
    package var table: Table
    package var number: NumberReference
    /// The environment that owns the record; 0 for the cluster.
    package var scope: NumberReference
    /// A JSON object, references as plain numbers.
    package var document: Template
    /// What the record is found by besides its key, such as `stackId=42`.
    package var terms: [Template]
    /// What no other record of the cluster may claim at the same time, such as `stack/5/web`.
    package var uniqueKeys: [Template]

    package init(
        table: Table,
        number: NumberReference,
        scope: NumberReference,
        document: Template,
        terms: [Template] = [],
        uniqueKeys: [Template] = []
    ) {
        self.table = table
        self.number = number
        self.scope = scope
        self.document = document
        self.terms = terms
        self.uniqueKeys = uniqueKeys
    }
}

package enum Precondition: Hashable, Sendable {
    /// The record exists and was last changed at exactly this revision.
    case revision(RecordKey, Revision)
    case absent(RecordKey)
    /// No record holds this unique key.
    case uniqueKeyFree([UInt8])
    /// A controller may act only under the epoch that it holds; 0 for a scope never assigned.
    case epoch(scope: UInt64, UInt64)
    /// Nothing changed the rights of `subject` after `since`.
    case policyUnchanged(subject: [UInt8], since: Revision)
    /// The pool exists and at least `amount` is left in it.
    case poolHolds(name: [UInt8], amount: UInt64)
}

/// Content too large for a record: named by hash, kept beside the log.
package struct BlobReference: Hashable, Sendable {
    /// SHA-256, 32 bytes.
    package var hash: [UInt8]
    package var byteCount: UInt64

    package init(hash: [UInt8], byteCount: UInt64) {
        self.hash = hash
        self.byteCount = byteCount
    }
}
