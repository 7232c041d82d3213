import RaftCore
import RaftGroup

/// What the membership needs of this node's Raft member; ``RaftGroup`` behind a seam, so that tests can be one.
protocol GroupSteering: Sendable {
    var look: GroupLook { get }
    func changeMembers(voters: [MemberID], learners: [MemberID]) async -> ConfigurationRefusal?
    func transferLeadership(to member: MemberID)
}

/// A Raft group at one moment, as this member sees it.
struct GroupLook: Hashable, Sendable {
    /// This member.
    var id: MemberID
    var isLeader: Bool
    var term: Term
    var leader: MemberID?
    var commit: LogIndex
    var applied: LogIndex
    var configuration: Configuration
    /// How the others are; empty on a member that does not lead.
    var peers: [MemberID: MembershipView.Peer]

    init(
        id: MemberID,
        isLeader: Bool,
        term: Term,
        leader: MemberID?,
        commit: LogIndex,
        applied: LogIndex,
        configuration: Configuration,
        peers: [MemberID: MembershipView.Peer]
    ) {
        self.id = id
        self.isLeader = isLeader
        self.term = term
        self.leader = leader
        self.commit = commit
        self.applied = applied
        self.configuration = configuration
        self.peers = peers
    }
}

/// Steers a group through closures: the node gives it the group's status and calls.
struct ClosureSteering: GroupSteering {
    private let status: @Sendable () -> GroupLook
    private let change: @Sendable (_ voters: [MemberID], _ learners: [MemberID]) async -> ConfigurationRefusal?
    private let transfer: @Sendable (MemberID) -> Void

    init(
        status: @escaping @Sendable () -> GroupLook,
        change: @escaping @Sendable (_ voters: [MemberID], _ learners: [MemberID]) async -> ConfigurationRefusal?,
        transfer: @escaping @Sendable (MemberID) -> Void
    ) {
        self.status = status
        self.change = change
        self.transfer = transfer
    }

    /// The group itself.
    init(of group: RaftGroup<StoreMachine>) {
        self.init(
            status: { GroupLook(group.status) },
            change: { await group.changeMembers(voters: $0, learners: $1) },
            transfer: { group.transferLeadership(to: $0) }
        )
    }

    var look: GroupLook { status() }

    func changeMembers(voters: [MemberID], learners: [MemberID]) async -> ConfigurationRefusal? {
        await change(voters, learners)
    }

    func transferLeadership(to member: MemberID) { transfer(member) }
}

extension GroupLook {
    init(_ status: GroupStatus) {
        self.init(
            id: status.id,
            isLeader: status.role == .leader,
            term: status.term,
            leader: status.leader,
            commit: status.commit,
            applied: status.applied,
            configuration: status.configuration,
            peers: Dictionary(
                status.peers.map { peer in
                    let seen = MembershipView.Peer(
                        match: peer.match,
                        lag: peer.lag,
                        silentMilliseconds: peer.silentMilliseconds
                    )
                    return (peer.id, seen)
                },
                uniquingKeysWith: { $1 }
            )
        )
    }
}
