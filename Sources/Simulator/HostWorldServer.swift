internal import HostProtocol
internal import Services
internal import Store
internal import StoreFormat

/// One simulated server node: what it has applied, what it owns, and the streams that end at it.
struct HostWorldServer {
    let name: String
    /// The state as far as this node has applied it.
    var view: StoreView
    /// How many entries of the world's log that is.
    var position: Int = 0
    /// By scope, the epoch under which it acts.
    var held: [UInt64: UInt64] = [:]
    var workers: [UInt64: HostWorldWorker] = [:]
    /// By host.
    var sessions: [UInt64: HostWorldSession] = [:]
    /// Hosts of its scopes that are not connected here, and since when.
    var absences: [UInt64: HostWorldAbsence] = [:]
    /// Grows with every crash, so that answers for an earlier life are not delivered.
    var life: UInt64 = 0
    var downUntil: Int = 0
    var stalledUntil: Int = 0
    /// What came while it stood still.
    var inbox: [HostWorld.Event] = []
}

/// One scope's queue of work, as the node's own worker keeps it.
struct HostWorldWorker {
    let epoch: UInt64
    var items: Set<WorkItem> = []
    /// When an item is to be run though nothing changed.
    var wakes: [WorkItem: Int64] = [:]
    /// The item whose transactions are under way, and those that are still to be proposed.
    var current: WorkItem?
    var rest: [Transaction] = []
    var waits: Bool = false
    var isOver: Bool = false
}

struct HostWorldAbsence {
    var since: Int
    var isTold: Bool = false
    var isGivenUp: Bool = false
}

/// One host's stream at the server's end.
struct HostWorldSession {
    /// What is to be written, in order.
    enum Work {
        case facts(HostFacts)
        case observations([Observation])
        case orphans([Orphan])
    }

    let stream: UInt64
    let host: UInt64
    let project: UInt64
    let epoch: UInt64
    var isWelcomed: Bool = false
    /// The revision of the last sync that was sent.
    var held: Revision = 0
    var work: [Work] = []
    var attempts: Int = 0
    var waits: Bool = false
    var lastHeard: Int
    var nextPing: Int
}
