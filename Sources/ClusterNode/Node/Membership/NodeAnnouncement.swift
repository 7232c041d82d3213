import Certificates
import EventLoop
import Gateway
import JSON
import Limits
import Logging
import Model
import RaftCore
import Store
import StoreFormat

/// Keeps this node's record true: where it is reached, which certificate it has, what it runs.
struct NodeAnnouncement: Sendable {
    private let state: any StateProviding & Proposing
    private let configuration: NodeConfiguration
    private let version: String
    private let logger: Logger
    private let now: @Sendable () -> Int64

    /// - Parameter configuration: with the ports at which the node really listens.
    init(
        state: any StateProviding & Proposing,
        configuration: NodeConfiguration,
        version: String,
        logger: Logger,
        now: @escaping @Sendable () -> Int64
    ) {
        self.state = state
        self.configuration = configuration
        self.version = version
        self.logger = logger
        self.now = now
    }

    private var key: RecordKey { RecordKey(.node, configuration.member.number) }

    /// Why this node must not run, by its own record: it was removed, or the record is of another log.
    ///
    /// nil also when there is no record yet: a node that is new has nothing.
    static func objection(_ configuration: NodeConfiguration, in view: StoreView) -> NodeFault? {
        guard let record: Record = view.get(RecordKey(.node, configuration.member.number)),
            let node = try? NodeRecord(document: record.document)
        else { return nil }
        guard node.removed == nil else {
            return .memberLost(name: configuration.name, what: "this node was removed from the cluster")
        }
        guard let instance: String = node.logInstance, instance != configuration.instance else { return nil }
        return .memberLost(name: configuration.name, what: "the cluster knows this node by another log")
    }

    /// Says it as often as it takes; returns when the record is true, or the task is cancelled.
    ///
    /// - Parameter certificate: the one in use; nil to leave what the record says.
    func announce(_ certificate: Certificate?, on loop: EventLoop) async {
        while !Task.isCancelled {
            if await say(certificate) { return }
            guard (try? await loop.sleep(milliseconds: Limits.membershipMilliseconds)) != nil else { return }
        }
    }

    /// Returns whether the record is true now.
    private func say(_ certificate: Certificate?) async -> Bool {
        guard let record: Record = state.store.view.get(key), let node = try? NodeRecord(document: record.document)
        else {
            return false
        }
        guard node.removed == nil else { return true }
        var fields: JSONObject = node.fields
        NodeEntry(configuration).write(to: &fields)
        fields["version"] = .string(version)
        fields["level"] = JSONValue(FeatureGate.ownLevel)
        if let certificate {
            fields["certificateSerial"] = .string(certificate.serial)
            fields["certificateNotAfter"] = .int(certificate.notAfter)
        }
        guard fields != node.fields else { return true }
        do throws(ProposalFault) {
            let outcome: TransactionOutcome = try await state.propose(
                Transaction(
                    time: now(),
                    actor: "system",
                    requestID: "announcement",
                    preconditions: [.revision(key, record.revision)],
                    writes: [RecordWriting.put(.node, .known(key.number), fields, scope: .known(0))]
                )
            )
            if case .committed = outcome { return true }
            return false
        } catch {
            logger.debug("node not announced yet", ["cause": .string("\(error)")])
            return false
        }
    }
}
