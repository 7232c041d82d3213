package import EventLoop
package import Store
package import StoreFormat

/// Proposes transactions; the node implements it over Raft.
package protocol Proposing: Sendable {
    /// Returns once the transaction is applied on this node.
    ///
    /// - Throws: ``ProposalFault``; then it is unknown whether it will be applied, unless the case says otherwise.
    func propose(_ transaction: Transaction) async throws(ProposalFault) -> TransactionOutcome
}

/// Gives the state of this node; the node implements it over Raft and Store.
package protocol StateProviding: Sendable {
    /// What has been applied here, however old.
    var store: Store { get }
    /// A view that has everything that was acknowledged anywhere before the call (ReadIndex).
    func currentView() async throws(ProposalFault) -> StoreView
    /// Waits until this node has applied `revision`; false when it has not before `deadline`.
    func awaitRevision(_ revision: Revision, on loop: EventLoop, before deadline: Deadline) async -> Bool
}

/// Why a proposal, or a consistent read, came to nothing.
package enum ProposalFault: Error, Equatable, Sendable {
    /// There is no leader now; nothing was proposed. Try again.
    case noLeader
    /// Too much is under way; nothing was proposed. Try again later.
    case busy
    /// It may still be applied or not: nobody knows yet.
    case unknown(String)
    /// The transaction cannot be proposed at all.
    case tooLarge(byteCount: Int)
    /// The node stops.
    case stopping
}
