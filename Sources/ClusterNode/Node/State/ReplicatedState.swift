import Gateway
import RaftGroup
import Store
import StoreFormat

/// The replicated state as the rest of the node uses it: proposals through Raft, views of the store.
struct ReplicatedState: Proposing, StateProviding {
    let store: Store
    let group: RaftGroup<StoreMachine>

    init(store: Store, group: RaftGroup<StoreMachine>) {
        self.store = store
        self.group = group
    }

    func propose(_ transaction: Transaction) async throws(ProposalFault) -> TransactionOutcome {
        let bytes: [UInt8]
        do throws(InvalidTransaction) {
            // Checked before it is in the log: an entry that cannot be read halts every member.
            bytes = try transaction.proposal()
        } catch {
            return .refused(.invalid("\(error)"))
        }
        do throws(ProposeError) {
            return try await group.propose(bytes).outcome
        } catch {
            switch error {
            case .notLeader, .transferring, .superseded: throw .noLeader
            case .busy: throw .busy
            case .tooLarge(let bytes, _): throw .tooLarge(byteCount: bytes)
            case .unknown: throw .unknown("no answer from the cluster in time")
            }
        }
    }

    func currentView() async throws(ProposalFault) -> StoreView {
        do throws(ReadError) {
            try await group.readIndex()
        } catch {
            throw .noLeader
        }
        return store.view
    }
}
