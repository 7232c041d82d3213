import Gateway
import JSON
import Logging
import Model
import Store
import StoreFormat
import Synchronization

/// Which scopes this node owns, and under which epochs.
///
/// The only node owns every scope. It takes each under a new epoch whenever it starts, so that nothing which an earlier
/// process of it left under way can act any more.
final class Ownership: Sendable {
    private let state: ReplicatedState
    private let node: String
    private let logger: Logger
    private let now: @Sendable () -> Int64
    private let held = Mutex<[UInt64: UInt64]>([:])

    init(state: ReplicatedState, node: String, logger: Logger, now: @escaping @Sendable () -> Int64) {
        self.state = state
        self.node = node
        self.logger = logger
        self.now = now
    }

    /// The epoch under which this node may act for the scope; nil when it may not.
    func epoch(of scope: UInt64) -> UInt64? { held.withLock { $0[scope] } }

    var scopes: [UInt64] { held.withLock { $0.keys.sorted() } }

    /// The scopes of a state: the cluster, and every environment that is not removed.
    static func scopes(in view: StoreView) -> [UInt64] {
        [0]
            + view.numbers(.account, Array("kind=project".utf8)).filter { number in
                guard let record: Record = view.get(RecordKey(.account, number)),
                    let account = try? AccountRecord(document: record.document)
                else { return false }
                return account.removed == nil
            }
    }

    /// Takes every scope that this node does not hold; returns those that are new.
    func takeAll() async throws(ProposalFault) -> [UInt64] {
        var taken: [UInt64] = []
        for scope in Self.scopes(in: state.store.view) where epoch(of: scope) == nil {
            let before: UInt64 = state.store.view.epoch(scope)?.epoch ?? 0
            let outcome: TransactionOutcome = try await state.propose(
                Transaction(
                    time: now(),
                    actor: "system",
                    requestID: "ownership",
                    preconditions: [.epoch(scope: scope, before)],
                    writes: [.assignScope(scope: .known(scope), node: node)]
                )
            )
            guard case .committed = outcome, let owner: ScopeOwner = state.store.view.epoch(scope), owner.node == node
            else {
                logger.error("scope not taken", ["scope": .init(scope), "outcome": "\(outcome)"])
                continue
            }
            held.withLock { $0[scope] = owner.epoch }
            taken.append(scope)
            logger.notice("scope taken", ["scope": .init(scope), "scope.epoch": .init(owner.epoch)])
        }
        return taken
    }
}
