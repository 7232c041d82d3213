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
    /// Makes a learner a voter; returns why not.
    let promote: @Sendable (UInt64) async -> String?

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
        }
    }
}
