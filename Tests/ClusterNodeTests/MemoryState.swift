import Gateway
import Model
import Store
import StoreFormat
import Synchronization

@testable import ClusterNode

/// A state in memory that takes every proposal at once; what a test sets goes wrong.
final class MemoryState: StateProviding, Proposing {
    let store = Store()
    private let state = Mutex<(proposed: [Transaction], before: [@Sendable () -> Void], faults: [ProposalFault])>(
        ([], [], [])
    )
    /// Applying is in order.
    private let applying = Mutex<Void>(())

    var proposed: [Transaction] { state.withLock { $0.proposed } }
    /// Runs before the next proposal is applied.
    func beforeNext(_ body: @escaping @Sendable () -> Void) { state.withLock { $0.before.append(body) } }
    /// The next proposal is applied, and its answer lost.
    func loseNextAnswer() { state.withLock { $0.faults.append(.unknown("lost")) } }

    @discardableResult
    func write(_ writes: [Write], created: Int = 0) -> TransactionOutcome {
        apply(Transaction(time: 1, actor: "1a1", requestID: "test", writes: writes, created: created))
    }

    private func apply(_ transaction: Transaction) -> TransactionOutcome {
        applying.withLock { _ in store.apply(index: store.appliedIndex + 1, transaction) }
    }

    func propose(_ transaction: Transaction) async throws(ProposalFault) -> TransactionOutcome {
        let (before, fault): ((@Sendable () -> Void)?, ProposalFault?) = state.withLock { state in
            state.proposed.append(transaction)
            return (
                state.before.isEmpty ? nil : state.before.removeFirst(),
                state.faults.isEmpty ? nil : state.faults.removeFirst()
            )
        }
        before?()
        let outcome: TransactionOutcome = apply(transaction)
        if let fault { throw fault }
        return outcome
    }

    func currentView() async throws(ProposalFault) -> StoreView { store.view }

    func node(_ number: UInt64) -> NodeRecord? {
        store.view.get(RecordKey(.node, number)).flatMap { try? NodeRecord(document: $0.document) }
    }

    func node(named name: String) -> (number: UInt64, record: NodeRecord)? {
        guard let key = store.view.holder(NodeRecord.uniqueKey(name)), let record = node(key.number) else { return nil }
        return (key.number, record)
    }
}
