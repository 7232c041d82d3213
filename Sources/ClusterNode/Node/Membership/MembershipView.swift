import Limits
import RaftCore

/// What the leader knows of the members at one moment: what operators want, what Raft has, how each of them is.
struct MembershipView: Hashable, Sendable {
    /// A node as its record has it.
    struct Node: Hashable, Sendable {
        enum State: Hashable, Sendable { case joining, active, removing }

        var number: UInt64
        var name: String
        var state: State
        /// The program that it last said it runs.
        var version: String?

        init(number: UInt64, name: String, state: State, version: String? = nil) {
            self.number = number
            self.name = name
            self.state = state
            self.version = version
        }

        var member: MemberID { MemberID(number) }
    }

    /// How another member is, as the leader sees it.
    struct Peer: Hashable, Sendable {
        /// The last entry that it has confirmed.
        var match: UInt64
        /// Entries of the log behind that.
        var lag: UInt64
        /// Since it was heard last; nil when it never was.
        var silentMilliseconds: Int?

        init(match: UInt64, lag: UInt64, silentMilliseconds: Int?) {
            self.match = match
            self.lag = lag
            self.silentMilliseconds = silentMilliseconds
        }
    }

    /// The leader itself.
    var leader: MemberID
    var configuration: Configuration
    /// Records with a number from 1 that are not removed, ascending.
    var nodes: [Node]
    var peers: [MemberID: Peer]
    /// In how many looks in a row a learner has been close behind.
    var steadyLooks: [MemberID: Int]
    var silenceMilliseconds: Int
    var promotionLag: UInt64
    var promotionLooks: Int
    /// A voter that is silent for so long is removed; nil for never.
    var deadMilliseconds: Int?

    init(
        leader: MemberID,
        configuration: Configuration,
        nodes: [Node],
        peers: [MemberID: Peer],
        steadyLooks: [MemberID: Int] = [:],
        silenceMilliseconds: Int,
        promotionLag: UInt64,
        promotionLooks: Int,
        deadMilliseconds: Int? = nil
    ) {
        self.deadMilliseconds = deadMilliseconds
        self.leader = leader
        self.configuration = configuration
        self.nodes = nodes
        self.peers = peers
        self.steadyLooks = steadyLooks
        self.silenceMilliseconds = silenceMilliseconds
        self.promotionLag = promotionLag
        self.promotionLooks = promotionLooks
    }

    /// What the leader sees, under the bounds of the product.
    init(_ look: GroupLook, nodes: [Node]) {
        self.init(
            leader: look.id,
            configuration: look.configuration,
            nodes: nodes,
            peers: look.peers,
            silenceMilliseconds: Limits.memberSilenceMilliseconds,
            promotionLag: Limits.promotionLagEntries,
            promotionLooks: Limits.promotionLooks
        )
    }

    func isHeard(_ member: MemberID) -> Bool {
        if member == leader { return true }
        guard let silent: Int = peers[member]?.silentMilliseconds else { return false }
        return silent <= silenceMilliseconds
    }

    func isClose(_ member: MemberID) -> Bool {
        guard isHeard(member), let peer: Peer = peers[member] else { return false }
        return peer.lag <= promotionLag
    }

    func name(of member: MemberID) -> String {
        nodes.first { $0.member == member }?.name ?? "member \(member)"
    }
}
