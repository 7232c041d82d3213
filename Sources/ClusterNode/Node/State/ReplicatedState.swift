import EventLoop
import Gateway
import Limits
import RaftCore
import RaftGroup
import RaftTransport
import Store
import StoreFormat

/// The replicated state as the rest of the node uses it: proposals through Raft, views of the store.
///
/// A node that does not lead hands its proposals to the leader over the calls lane, and returns when they are applied here.
struct ReplicatedState: Proposing, StateProviding {
    let store: Store
    let group: RaftGroup<StoreMachine>
    /// nil in a process that is alone, such as the one that founds a cluster.
    var transport: RaftTransport?
    /// The room on this node's disk.
    let disk = DiskReport()

    func propose(_ transaction: Transaction) async throws(ProposalFault) -> TransactionOutcome {
        let bytes: [UInt8]
        do throws(InvalidTransaction) {
            // Checked before it is in the log: an entry that cannot be read halts every member.
            bytes = try transaction.proposal()
        } catch {
            return .refused(.invalid("\(error)"))
        }
        guard bytes.count <= Limits.raftCommandBytes else { throw .tooLarge(byteCount: bytes.count) }
        let status: GroupStatus = group.status
        // Clients are told at the door; this holds back what controllers would make.
        if disk.isMajorityLow, transaction.actor == "system", WriteAdmission.grows(transaction) { throw .busy }
        if let leader: MemberID = status.leader, leader != status.id, transport != nil {
            return try await hand(bytes, to: leader)
        }
        switch await propose(encoded: bytes) {
        case .decided(_, let outcome): return outcome
        case .notLeader(let leader?) where transport != nil && leader != status.id.number:
            return try await hand(bytes, to: MemberID(leader))
        case let reply: throw fault(of: reply)
        }
    }

    /// Proposes on this member alone what another one hands over.
    ///
    /// It is read first, as that one has read it: what this version cannot read must not get into the log of all.
    func propose(handed bytes: [UInt8]) async -> PeerReply {
        guard (try? Transaction(decoding: bytes)) != nil else { return .unreadable }
        return await propose(encoded: bytes)
    }

    private func propose(encoded bytes: [UInt8]) async -> PeerReply {
        do throws(ProposeError) {
            let applied = try await group.propose(bytes)
            return .decided(index: applied.index, applied.outcome)
        } catch {
            switch error {
            case .notLeader(let leader), .transferring(let leader as MemberID?): return .notLeader(leader?.number)
            case .superseded: return .superseded
            case .busy: return .busy
            case .tooLarge, .unknown: return .unknown
            }
        }
    }

    private func hand(_ bytes: [UInt8], to leader: MemberID) async throws(ProposalFault) -> TransactionOutcome {
        guard let transport else { throw .noLeader }
        let reply: PeerReply
        do throws(CallFault) {
            let answer: [UInt8] = try await transport.call(
                leader,
                PeerCall.propose(bytes).encoded,
                before: .after(milliseconds: Limits.handedProposalMilliseconds)
            )
            reply = (try? PeerReply(decoding: answer)) ?? .unknown
        } catch {
            switch error {
            case .notSent(.busy): throw .busy
            case .notSent: throw .noLeader
            default: throw .unknown("the leader, member \(leader), gave no answer: \(error)")
            }
        }
        guard case .decided(let index, let outcome) = reply else { throw fault(of: reply) }
        do throws(ReadError) {
            // Whoever asks here finds here what was decided.
            try await group.awaitApplied(index)
        } catch {
            throw .unknown("it was decided at entry \(index), which has not reached this node yet")
        }
        return outcome
    }

    private func fault(of reply: PeerReply) -> ProposalFault {
        switch reply {
        // One that was superseded is never applied: it may be proposed again as if it had not been.
        case .notLeader, .superseded: .noLeader
        case .busy: .busy
        case .decided, .unknown, .released, .unreadable, .document, .refused, .stateHash, .notThere:
            .unknown("no answer from the cluster in time")
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
