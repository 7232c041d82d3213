package import StoreFormat

/// What a controller wants done: proposed, not yet made.
///
/// Each transaction stands for itself: it names the revisions that it builds on, so any of them may be refused
/// while the others commit. After a refusal, and after each change that it made, the item runs again.
package struct Plan: Hashable, Sendable {
    /// In the order in which they are to be proposed; empty when nothing changes.
    package var transactions: [Transaction] = []
    /// When to run the item again though nothing changed, in milliseconds since 1970; nil for never.
    package var wakeAt: Int64?
    /// What was decided and why, for the log.
    package var notes: [String] = []

    package init() {}

    /// Runs the item again at `time`, or earlier where that was asked for already.
    mutating func wake(at time: Int64) {
        wakeAt = min(wakeAt ?? time, time)
    }

    /// Adds a transaction that writes something; one that does not is nothing to propose.
    mutating func propose(_ draft: Draft) {
        if let transaction: Transaction = draft.transaction { transactions.append(transaction) }
    }
}
