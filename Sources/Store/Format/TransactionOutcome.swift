/// What apply made of a transaction: the same on every node.
package enum TransactionOutcome: Hashable, Sendable {
    /// Everything was written at `revision`; `numbers` are `$0`, `$1`, ….
    case committed(revision: Revision, numbers: [UInt64])
    /// Nothing was written.
    case refused(Refusal)
}

/// Why a transaction changed nothing.
///
/// Each case tells the proposer something different to do.
package enum Refusal: Hashable, Sendable {
    /// Somebody changed the record since it was read (`actual` 0: it is gone): read again and plan again.
    case revisionChanged(RecordKey, expected: Revision, actual: Revision)
    case present(RecordKey)
    /// `holder` has the unique key: the name is taken.
    case uniqueKeyTaken(key: [UInt8], holder: RecordKey)
    /// The proposer no longer owns the scope, and must stop acting for it.
    case epochChanged(scope: UInt64, expected: UInt64, actual: UInt64)
    /// The subject's rights changed after the decision was made: decide again.
    case policyChanged(subject: [UInt8], since: Revision, actual: Revision)
    /// `left` is 0 also when the pool does not exist.
    case poolExhausted(name: [UInt8], wanted: UInt64, left: UInt64)
    /// The session was evicted, or the reply to this sequence was already confirmed: whether the request
    /// ran is unknown here, and it does not run (again).
    case sessionExpired(sequence: UInt64)
    /// The transaction breaks a rule of its own format (a bug of the proposer); nothing to retry.
    case invalid(String)
}
