import EventLoop
import Gateway
import JSON
import Limits
import Logging
import Model
import Store
import StoreFormat

/// What every node of the cluster can read, as it was committed.
///
/// Shape of its record: `{"kind":"clusterLevel","level"}`.
enum ClusterLevel {
    static let key: RecordKey = FeatureGate.record
    /// Whoever lets a node in, and whoever raises the level, says so under this name: neither decides on what the other has
    /// just changed.
    static let subject: [UInt8] = Array("cluster/level".utf8)

    static func of(_ view: StoreView) -> Int {
        FeatureGate.level(of: view.get(key)?.document)
    }

    /// To what the level may be raised now; nil when it may not.
    ///
    /// - Parameter announced: the levels of all nodes that are not removed.
    static func raised(from level: Int, announced: [Int]) -> Int? {
        guard let lowest: Int = announced.min(), lowest > level else { return nil }
        return lowest
    }

    /// Why a node of that level cannot be part of a cluster of this one; nil when it can.
    static func objection(_ level: Int, version: String?, in view: StoreView) -> String? {
        let needed: Int = of(view)
        guard level < needed else { return nil }
        let open: [String] = FeatureGate.all.filter { $0.level > level && $0.isOpen(at: needed) }.map(\.name)
        return
            "this cluster is at level \(needed), and the program\(version.map { " (version \($0))" } ?? "") reads level "
            + "\(level): it could not read what the others write"
            + (open.isEmpty ? "" : " (\(open.joined(separator: ", ")))")
            + "; run the version that the other nodes run"
    }
}

/// Raises the cluster's level when all nodes have announced a higher one; works on the node that leads.
struct ClusterLevelKeeper: Sendable {
    let state: any StateProviding & Proposing
    let isLeader: @Sendable () -> Bool
    let logger: Logger
    let now: @Sendable () -> Int64

    /// Until its task is cancelled.
    func run(on loop: EventLoop) async {
        while (try? await loop.sleep(toMultipleOf: Limits.membershipMilliseconds)) != nil { await look() }
    }

    func look() async {
        guard isLeader() else { return }
        let view: StoreView = state.store.view
        let level: Int = ClusterLevel.of(view)
        // The usual case, without reading a record: this build knows nothing newer.
        guard level < FeatureGate.ownLevel else { return }
        var announced: [Int] = []
        view.forEachRecord(in: .node) { record in
            if record.key.number > 0, let node = try? NodeRecord(document: record.document), node.removed == nil {
                announced.append(node.level)
            }
            return true
        }
        guard let raised: Int = ClusterLevel.raised(from: level, announced: announced) else { return }
        let outcome: TransactionOutcome? = try? await state.propose(
            Transaction(
                time: now(),
                actor: "system",
                requestID: "level",
                audit: AuditRecord(
                    eventType: "cluster.level",
                    resourceType: "cluster",
                    description: "all nodes read level \(raised), so it is written from now on"
                ),
                preconditions: [.policyUnchanged(subject: ClusterLevel.subject, since: view.revision)],
                writes: [
                    RecordWriting.put(
                        ClusterLevel.key.table,
                        .known(ClusterLevel.key.number),
                        ["kind": "clusterLevel", "level": JSONValue(raised)],
                        scope: .known(0)
                    ), .touchPolicy(subject: Template(bytes: ClusterLevel.subject)),
                ]
            )
        )
        if case .committed = outcome { logger.notice("the cluster's level was raised", ["level": JSONValue(raised)]) }
    }
}
