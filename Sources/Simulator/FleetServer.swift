internal import HostProtocol
internal import Ownership
internal import RaftCore
internal import Services
internal import Store
internal import StoreFormat

/// What one process of a member knows and does besides the log: what it owns, and the streams that end at it.
///
/// It dies with the process.
final class FleetServer {
    unowned let member: ClusterMember
    let life: Int
    let name: String
    /// It knows what the process before it owned.
    var isReady: Bool = false
    /// When it asks again for that.
    var asksAt: Int = 0
    /// By scope, the epoch under which it acts.
    var held: [UInt64: UInt64] = [:]
    /// Epochs up to here are not for this process.
    var floor: [UInt64: UInt64] = [:]
    /// The state up to here was looked at for owners.
    var followed: Revision?
    var takes: [UInt64: FleetTake] = [:]
    /// Scopes that were given back, by scope.
    var givenBack: [UInt64: FleetGivenBack] = [:]
    /// What it asks its own state for.
    var watch: Watch?
    var workers: [UInt64: FleetWorker] = [:]
    /// By host.
    var sessions: [UInt64: FleetSession] = [:]
    /// Hosts of its scopes that are not connected here, and since when.
    var absences: [UInt64: FleetAbsence] = [:]
    /// When a majority answered last, and when it is asked again.
    var answeredAt: Int
    var touchesAt: Int
    /// While it leads.
    var office: FleetOffice?
    /// When each member was heard last.
    var heard: [MemberID: Int] = [:]
    /// What came while it stood still.
    var inbox: [Fleet.Event] = []

    init(_ member: ClusterMember, at now: Int) {
        answeredAt = now
        touchesAt = now
        self.member = member
        life = member.life
        name = Self.name(member.id)
    }

    static func name(_ id: MemberID) -> String { "node-\(id.number)" }

    /// It is still this process.
    var isUp: Bool { member.isUp && member.life == life }

    var view: StoreView { member.store.view }
}

/// A scope that is to be had under a new epoch.
struct FleetTake {
    var epoch: UInt64
    var waits: Bool = false
    var retryAt: Int
}

struct FleetGivenBack {
    var epoch: UInt64
    /// Who waits until nothing is under way any more.
    var askers: [Fleet.Release]
    var isBusy: Bool
    /// If nobody has it by then, it is taken again.
    var until: Int
}

/// What a leader knows besides its log.
struct FleetOffice {
    let term: Term
    var ledger: PeerLedger
    var move: (scope: UInt64, from: String, to: String, epoch: UInt64, isReleased: Bool, began: Int)?
    /// What is left of the last decision.
    var steps: [OwnershipStep] = []
    var waits: Bool = false
    var looksAt: Int
}

/// One scope's worker, in the steps of the node's own.
struct FleetWorker {
    let epoch: UInt64
    var queue = WorkQueue()
    /// The item whose transactions are under way, and those that are still to be proposed.
    var current: WorkItem?
    var rest: [Transaction] = []
    var waits: Bool = false
    var isOver: Bool = false
}

struct FleetAbsence {
    var since: Int
    var waits: Bool = false
    var retryAt: Int = 0
    var isTold: Bool = false
    var isGivenUp: Bool = false
    /// The host is back, and only the answer is waited for.
    var isOver: Bool = false
}

/// One host's stream at the server's end.
struct FleetSession {
    /// What is to be written, in order.
    enum Work {
        case facts(HostFacts)
        case observations([HostProtocol.Observation])
        case orphans([Orphan])
    }

    let stream: UInt64
    let host: UInt64
    let project: UInt64
    let epoch: UInt64
    let facts: HostFacts
    var watch: Watch?
    /// The revision of the last sync that was sent.
    var held: Revision = 0
    var work: [Work] = []
    var attempts: Int = 0
    var waits: Bool = false
    var retryAt: Int = 0
    /// Since when the first piece of work fails.
    var failsSince: Int?
    var lastHeard: Int
    var nextPing: Int

    var isWelcomed: Bool { watch != nil }
}
