/// One thing that the leader's driver is to do.
///
/// Every step may be done twice, late, or not at all: the next decision looks at what is there then.
package enum OwnershipStep: Hashable, Sendable {
    /// Propose `assignScope(scope, to)` with `epoch(scope) == expecting` as its precondition, so that of two leaders who
    /// decide at once one is refused.
    ///
    /// The new owner hears of it by `Store.scopeChanges()` and runs everything of the scope once; the old one stops when
    /// it hears of it, or at its first refused transaction. A move of the same scope is over with it.
    case assign(scope: UInt64, to: String, expecting: UInt64, reason: Reason)
    /// Begin a planned move: remember it as ``OwnershipView/Move`` (in memory: a new leader does not know it, see below),
    /// and ask `from` to release the scope at this epoch.
    ///
    /// `from` lets its workers finish the item that they are at, takes no new one, ends the scope's host streams last, and
    /// answers; then the driver sets ``OwnershipView/Move/isReleased``. If the answer is late the drain is cut
    /// (``OwnershipTiming/drain``). An owner that released a scope and sees no other epoch within twice that time takes it up
    /// again by ``OwnershipPlan/reclaim(_:_:)``: the leader that asked may be gone, and its successor knows of no move.
    case drain(scope: UInt64, from: String, to: String, epoch: UInt64)
    /// Forget the move of this scope: it is done, or there is nothing left of it.
    case forget(scope: UInt64)

    /// Why a scope gets another owner, or another epoch: for the log.
    package enum Reason: String, Hashable, Sendable {
        case neverOwned = "it had no owner"
        case leads = "the leader owns the cluster's own scope"
        case ownerLost = "its owner fell silent"
        case ownerLeft = "its owner is no member"
        case released = "its owner released it"
        case drainCut = "its owner did not release it in time"
        case targetLost = "the node that it was to move to cannot take it"
        case restarted = "its owner started again, or was left waiting"
    }
}
