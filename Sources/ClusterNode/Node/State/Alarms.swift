import JSON
import Logging
import Model
import Synchronization

/// What is wrong on this node at the moment, one alarm a kind.
///
/// Raised and ended by whoever watches the thing; ``AlarmAnnouncement`` brings them into the node's record, where every node
/// of the cluster shows them.
final class Alarms: Sendable {
    private let raised = Mutex<[String: Alarm]>([:])
    private let logger: Logger
    private let now: @Sendable () -> Int64

    init(logger: Logger, now: @escaping @Sendable () -> Int64) {
        self.logger = logger
        self.now = now
    }

    /// By kind.
    var all: [Alarm] { raised.withLock { $0.values.sorted { $0.kind < $1.kind } } }

    func isRaised(_ kind: String) -> Bool { raised.withLock { $0[kind] != nil } }

    /// One that stands already keeps its words: they are told once.
    func raise(_ kind: String, _ message: String, command: String) {
        let isNew: Bool = raised.withLock { raised in
            guard raised[kind] == nil else { return false }
            raised[kind] = Alarm(kind: kind, message: message, command: command, since: now())
            return true
        }
        guard isNew else { return }
        logger.error(
            "alarm",
            ["alarm": .string(kind), "cause": .string(message), "next": .string(command)]
        )
    }

    func end(_ kind: String) {
        guard raised.withLock({ $0.removeValue(forKey: kind) }) != nil else { return }
        logger.notice("alarm ended", ["alarm": .string(kind)])
    }
}
