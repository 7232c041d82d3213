import EventLoop
import Gateway
import HTTP
import Logging
import Metrics
import Store
import StoreFormat
import Synchronization

/// Another node over the same log as a world's, which applies what is there only when it must: when it is asked for the
/// current state, and when it has proposed something itself.
final class LaggingNode: StateProviding, Proposing {
    let store = Store()
    private let leader: MemoryNode
    private let catching = Mutex<(reads: Int, isCutOff: Bool)>((0, false))

    init(behind leader: MemoryNode) {
        self.leader = leader
        catchUp()
    }

    /// How often the current state was asked for.
    var readCount: Int { catching.withLock { $0.reads } }
    /// No leader is in reach any more.
    func cutOff() { catching.withLock { $0.isCutOff = true } }

    func catchUp() {
        catching.withLock { _ in
            for entry in leader.entries.dropFirst(Int(store.appliedIndex)) {
                _ = store.apply(index: store.appliedIndex + 1, entry)
            }
        }
    }

    func currentView() async throws(ProposalFault) -> StoreView {
        let isCutOff: Bool = catching.withLock { state in
            state.reads += 1
            return state.isCutOff
        }
        if isCutOff { throw .noLeader }
        catchUp()
        return store.view
    }

    func propose(_ transaction: Transaction) async throws(ProposalFault) -> TransactionOutcome {
        if catching.withLock({ $0.isCutOff }) { throw .noLeader }
        let outcome: TransactionOutcome = try await leader.propose(transaction)
        catchUp()
        return outcome
    }

    /// A gateway over this node, in the world of the other.
    func gateway(in world: World, timing: GatewayTiming = World.timing) -> Gateway {
        let clock: World.Clock = world.clock
        return Gateway(
            state: self,
            proposer: self,
            hosts: world.node,
            explainer: world.node,
            timing: timing,
            logger: Logger(label: "gateway", level: .debug, sink: world.log),
            metrics: MetricsRegistry(),
            version: "0.1.0",
            now: { clock.now },
            localAuthority: { "127.0.0.1:8080" }
        )
    }
}
