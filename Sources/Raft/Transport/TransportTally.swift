internal import JSON
internal import Logging
internal import Metrics
internal import RaftCore
internal import Synchronization

/// Counts what travels and what is dropped, and tells of what is dropped without flooding the log.
final class TransportTally: Sendable {
    /// Why something that came in was not delivered.
    enum Drop: String, CaseIterable, Sendable {
        /// A checksum was wrong.
        case damaged
        case unreadable
        case foreignGroup = "foreign_group"
        /// It says that it is from, or for, somebody else than the connection's certificate.
        case wrongMember = "wrong_member"
        case removedMember = "removed_member"
        /// The queue to a member was full, or it was not connected.
        case queue
        case tooLarge = "too_large"
    }

    private struct Key: Hashable {
        let member: MemberID
        let drop: Drop
    }

    let sent: Counter
    let received: Counter
    let sentBytes: Counter
    let receivedBytes: Counter
    private let drops: [Drop: Counter]
    private let logger: Logger
    private let seen = Mutex<[Key: Int]>([:])

    init(logger: Logger, metrics: MetricsRegistry) {
        self.logger = logger
        sent = metrics.counter("drover_raft_messages_sent_total", help: "Raft messages written to members")
        received = metrics.counter("drover_raft_messages_received_total", help: "Raft messages read from members")
        sentBytes = metrics.counter(
            "drover_raft_bytes_sent_total",
            help: "Bytes written to members: messages, calls and snapshots, before TLS"
        )
        receivedBytes = metrics.counter(
            "drover_raft_bytes_received_total",
            help: "Bytes read from members: messages, calls and snapshots, after TLS"
        )
        var drops: [Drop: Counter] = [:]
        for drop in Drop.allCases {
            drops[drop] = metrics.counter(
                "drover_raft_messages_dropped_total",
                help: "Raft messages, calls and frames that were dropped",
                labels: ["reason": drop.rawValue]
            )
        }
        self.drops = drops
    }

    func dropped(_ drop: Drop, _ member: MemberID, count: Int = 1, _ detail: String = "") {
        guard count > 0 else { return }
        drops[drop]?.add(UInt64(count))
        // That a member is away is told by those who look at the connections.
        guard drop != .queue else { return }
        let total: Int = seen.withLock { seen in
            seen[Key(member: member, drop: drop), default: 0] += count
            return seen[Key(member: member, drop: drop)] ?? 0
        }
        // The first, the second, the fourth, …: told, but never a flood.
        guard total & (total - 1) == 0 else { return }
        logger.notice(
            "dropped what a member sent",
            [
                "raft.member": .string("\(member)"), "reason": .string(drop.rawValue), "detail": .string(detail),
                "count": .string("\(total)"),
            ]
        )
    }

    func connected(_ member: MemberID, _ lane: Lane) {
        logger.debug("connected", ["raft.member": .string("\(member)"), "lane": .string("\(lane)")])
    }

    func unreachable(_ member: MemberID, _ lane: Lane, _ reason: String, attempt: Int) {
        // One lane speaks for all.
        guard lane == .control, attempt & (attempt - 1) == 0 else { return }
        logger.info(
            "cannot reach a member",
            ["raft.member": .string("\(member)"), "cause": .string(reason), "attempt": .string("\(attempt)")]
        )
    }
}
