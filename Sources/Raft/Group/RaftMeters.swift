package import Metrics
internal import RaftCore
internal import RaftLog

/// What a member of a Raft group counts, for operators; any thread may count.
package final class RaftMeters: Sendable {
    private let candidacies: Counter
    private let leaderChanges: Counter
    private let stepDowns: [String: Counter]
    private let proposals: [String: Counter]
    private let proposalSeconds: Histogram
    private let reads: [String: Counter]
    private let readSeconds: Histogram
    private let flushSeconds: Histogram
    private let appendSeconds: Histogram
    private let entries: Counter
    private let bytes: Counter
    private let snapshots: [String: Counter]
    private let foreignMessages: Counter

    /// - Parameter metrics: where the counters are kept; its own when nobody asks for them.
    package init(_ metrics: MetricsRegistry = MetricsRegistry()) {
        func each(_ name: String, _ help: String, _ label: String, _ values: [String]) -> [String: Counter] {
            var counters: [String: Counter] = [:]
            for value in values { counters[value] = metrics.counter(name, help: help, labels: [label: value]) }
            return counters
        }
        candidacies = metrics.counter(
            "drover_raft_elections_total",
            help: "Elections that this node stood for, won or not"
        )
        leaderChanges = metrics.counter(
            "drover_raft_leader_changes_total",
            help: "Times this node learnt of a new leader, itself included"
        )
        stepDowns = each(
            "drover_raft_step_downs_total",
            "Times this node gave up leading, by cause",
            "cause",
            ["higher_term", "no_quorum", "disk_stalled", "removed"]
        )
        proposals = each(
            "drover_raft_proposals_total",
            "Changes that this node was asked to put into the log, by what became of them; those handed over by others too",
            "result",
            ["applied", "not_leader", "transferring", "busy", "too_large", "superseded", "unknown"]
        )
        proposalSeconds = metrics.histogram(
            "drover_raft_proposal_seconds",
            help: "From a change's proposal on the leader until it was applied there"
        )
        reads = each(
            "drover_raft_reads_total",
            "Rounds that made a read linearizable, by what became of them",
            "result",
            ["ready", "no_leader", "timed_out"]
        )
        readSeconds = metrics.histogram(
            "drover_raft_read_seconds",
            help: "How long a read waited until this node was sure to be current"
        )
        flushSeconds = metrics.histogram(
            "drover_raft_log_flush_seconds",
            help: "Writing and flushing one batch of the log"
        )
        appendSeconds = metrics.histogram(
            "drover_raft_log_append_seconds",
            help: "From when the oldest entry of a batch was handed to the disk's thread until the batch was flushed"
        )
        entries = metrics.counter(
            "drover_raft_log_entries_total",
            help: "Entries flushed to this node's log"
        )
        bytes = metrics.counter(
            "drover_raft_log_bytes_total",
            help: "Bytes of the payloads of entries flushed to this node's log"
        )
        snapshots = each(
            "drover_raft_snapshots_total",
            "Snapshots of the state that went to other nodes or came from them, by event",
            "event",
            ["started", "delivered", "failed", "installed", "install_failed"]
        )
        foreignMessages = metrics.counter(
            "drover_raft_foreign_messages_total",
            help: "Messages of another cluster, or of a node that was removed"
        )
    }

    func saw(_ observation: Observation) {
        switch observation {
        case .becameCandidate: candidacies.add()
        case .becameLeader, .following: leaderChanges.add()
        case .steppedDown(_, let cause): stepDowns[Self.word(cause)]?.add()
        case .snapshotStarted: snapshots["started"]?.add()
        case .snapshotDelivered: snapshots["delivered"]?.add()
        case .snapshotFailed: snapshots["failed"]?.add()
        case .snapshotInstalled: snapshots["installed"]?.add()
        case .installFailed: snapshots["install_failed"]?.add()
        case .foreignMessage, .removedSender: foreignMessages.add()
        case .leaderRemoved, .memberLostLog, .memberMends, .mended, .diskSlow, .transferRefused, .transferAbandoned,
            .logStalled, .logResumed:
            break
        }
    }

    func wrote(_ batch: LogWriter.Batch) {
        flushSeconds.observe(Double(batch.flushNanoseconds) / 1e9)
        appendSeconds.observe(Double(batch.waitedNanoseconds) / 1e9)
        entries.add(UInt64(batch.entries))
        bytes.add(UInt64(batch.bytes))
    }

    func proposed<Outcome>(_ result: Result<Outcome, ProposeError>, since: UInt64) {
        let word: String
        switch result {
        case .success:
            word = "applied"
            proposalSeconds.observe(Self.seconds(since))
        case .failure(let error):
            word =
                switch error {
                case .notLeader: "not_leader"
                case .transferring: "transferring"
                case .busy: "busy"
                case .tooLarge: "too_large"
                case .superseded: "superseded"
                case .unknown: "unknown"
                }
        }
        proposals[word]?.add()
    }

    func read<Index>(_ result: Result<Index, ReadError>, since: UInt64) {
        switch result {
        case .success:
            reads["ready"]?.add()
            readSeconds.observe(Self.seconds(since))
        case .failure(.noLeader): reads["no_leader"]?.add()
        case .failure(.timedOut): reads["timed_out"]?.add()
        }
    }

    private static func seconds(_ since: UInt64) -> Double { Double(MonotonicTime.now - since) / 1e9 }

    private static func word(_ cause: StepDownCause) -> String {
        switch cause {
        case .higherTerm: "higher_term"
        case .noQuorum: "no_quorum"
        case .diskStalled: "disk_stalled"
        case .removed: "removed"
        }
    }
}
