import Metrics
import RaftCore
import RaftGroup
import RaftTransport

/// How this node's Raft member is at one moment, and how it sees the others.
enum RaftFigures {
    /// - Parameter names: the names of nodes, by member.
    static func families(
        _ status: GroupStatus,
        _ load: GroupLoad,
        _ connections: [PeerStatus],
        names: (MemberID) -> String
    ) -> [MetricFamily] {
        own(status) + waiting(load) + connected(connections, names) + followed(status.peers, names)
    }

    private static func own(_ status: GroupStatus) -> [MetricFamily] {
        let role: String =
            if status.role == .leader {
                "leader"
            } else if status.configuration.learners.contains(status.id) {
                "learner"
            } else if status.role == .follower {
                "follower"
            } else {
                "candidate"
            }
        return [
            .each(
                .gauge,
                "drover_raft_role",
                "1 for what this node is among the members, 0 for what it is not",
                label: "role",
                ["leader", "follower", "candidate", "learner"]
            ) { ($0, $0 == role ? 1 : 0) },
            MetricFamily(.gauge, "drover_raft_term", "The term that this node is in", Double(status.term)),
            MetricFamily(
                .gauge,
                "drover_raft_has_leader",
                "1 while this node knows who leads, else 0",
                status.leader == nil ? 0 : 1
            ),
            MetricFamily(
                .gauge,
                "drover_raft_commit_index",
                "The last entry that this node knows to be committed",
                Double(status.commit)
            ),
            MetricFamily(
                .gauge,
                "drover_raft_applied_index",
                "The last entry that this node has applied",
                Double(status.applied)
            ),
            MetricFamily(
                .gauge,
                "drover_raft_first_index",
                "The oldest entry that this node's log still has",
                Double(status.firstIndex)
            ),
            MetricFamily(
                .gauge,
                "drover_raft_last_index",
                "The newest entry of this node's log",
                Double(status.lastIndex)
            ),
            MetricFamily(
                .gauge,
                "drover_raft_voters",
                "Members that vote",
                Double(status.configuration.members.count { status.configuration.isVoter($0) })
            ),
            MetricFamily(
                .gauge,
                "drover_raft_learners",
                "Members that follow without a vote",
                Double(status.configuration.learners.count)
            ),
        ]
    }

    private static func waiting(_ load: GroupLoad) -> [MetricFamily] {
        [
            .each(
                .gauge,
                "drover_raft_queue_items",
                "What waits for the thread that decides (group) and for the thread that writes the log (disk)",
                label: "queue",
                [("group", load.jobs), ("disk", load.writes)]
            ) { ($0.0, Double($0.1)) },
            MetricFamily(
                .gauge,
                "drover_raft_log_unflushed_seconds",
                "How long the oldest write that the disk is at has been waiting; 0 when it rests",
                Double(load.unflushedNanoseconds) / 1e9
            ),
            MetricFamily(
                .gauge,
                "drover_raft_turn_age_seconds",
                "Since the thread that decides finished a turn; above a second it is stuck or starved",
                Double(load.silentNanoseconds) / 1e9
            ),
        ]
    }

    private static func connected(_ peers: [PeerStatus], _ names: (MemberID) -> String) -> [MetricFamily] {
        [
            .each(
                .gauge,
                "drover_raft_peer_connected",
                "1 while this node has its connections to another one, else 0",
                label: "node",
                peers
            ) { (names($0.member), $0.isConnected ? 1 : 0) },
            .each(
                .gauge,
                "drover_raft_peer_silent_seconds",
                "Since anything was heard from another node",
                label: "node",
                peers
            ) { (names($0.member), $0.silentMilliseconds.map { Double($0) / 1e3 }) },
            .each(
                .gauge,
                "drover_raft_peer_round_trip_seconds",
                "The last round trip to another node",
                label: "node",
                peers
            ) { (names($0.member), $0.roundTripMicroseconds.map { Double($0) / 1e6 }) },
            .each(
                .gauge,
                "drover_raft_peer_queue_items",
                "Messages and calls that wait to be written to another node",
                label: "node",
                peers
            ) { (names($0.member), Double($0.queued)) },
        ]
    }

    private static func followed(_ peers: [PeerProgress], _ names: (MemberID) -> String) -> [MetricFamily] {
        [
            .each(
                .gauge,
                "drover_raft_peer_lag_entries",
                "Entries that another node is not known to have; only where this node leads",
                label: "node",
                peers
            ) { (names($0.id), Double($0.lag)) },
            .each(
                .gauge,
                "drover_raft_peer_active",
                "1 while another node was heard within an election timeout, else 0; only where this node leads",
                label: "node",
                peers
            ) { (names($0.id), $0.isActive ? 1 : 0) },
            .each(
                .gauge,
                "drover_raft_peer_lost_log",
                "1 when another node lost entries that it had acknowledged; only where this node leads",
                label: "node",
                peers
            ) { (names($0.id), $0.hasLostLog ? 1 : 0) },
        ]
    }
}
