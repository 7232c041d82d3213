import EventLoop
import JSON
import RaftCore
import RaftGroup
import Store

/// Answers what other nodes ask over the calls lane.
struct PeerCalls: Sendable {
    let state: ReplicatedState
    let ownership: Ownership
    /// A node is about to stop.
    let leaves: @Sendable (MemberID) async -> Void
    let health: NodeHealth
    /// The sealing key of this name, if this node has it.
    let sealingKey: @Sendable (String) -> [UInt8]?
    /// Makes a learner a voter; returns why not.
    let promote: @Sendable (UInt64) async -> String?
    let hashing: StateHashing
    let loop: EventLoop
    /// This node's state is not that of the others, and it must end; see ``DataFolder/quarantine(_:)``.
    let quarantine: @Sendable (Quarantine) -> Void

    func answer(_ bytes: [UInt8], from member: MemberID) async -> [UInt8] {
        guard let call = try? PeerCall(decoding: bytes) else { return PeerReply.unreadable.encoded }
        switch call {
        case .propose(let bytes): return await state.propose(handed: bytes).encoded
        case .release(let scope, let epoch):
            await ownership.release(scope, epoch: epoch)
            return PeerReply.released.encoded
        case .leaving:
            await leaves(member)
            return PeerReply.released.encoded
        case .health: return PeerReply.document(JSONWriter.bytes(.object(health.document))).encoded
        case .sealingKey(let name):
            guard let key: [UInt8] = sealingKey(name) else { return PeerReply.refused("it is not here").encoded }
            return PeerReply.document(key).encoded
        case .promote(let number):
            if let reason: String = await promote(number) { return PeerReply.refused(reason).encoded }
            return PeerReply.released.encoded
        case .handOver(let member):
            let status: GroupStatus = state.group.status
            guard status.role == .leader, member != 0 else {
                return PeerReply.notLeader(status.leader?.number).encoded
            }
            state.group.transferLeadership(to: MemberID(member))
            return PeerReply.released.encoded
        case .stateHash(let index):
            switch await hashing.report(at: index, on: loop) {
            case .hash(let hash): return PeerReply.stateHash(hash).encoded
            case .notThere(let applied): return PeerReply.notThere(applied: applied).encoded
            }
        case .quarantine(let order):
            let status: GroupStatus = state.group.status
            // Believed only as far as it can be seen here: what this member itself said, against a majority of the voters.
            if order.holds(against: hashing.told(at: order.index), of: status.id, status.configuration) {
                quarantine(order)
            }
            return PeerReply.released.encoded
        }
    }
}
