internal import RaftCore
internal import RaftLog
internal import Store
internal import StoreFormat

/// One simulated member of a cluster: what is in its memory, and what its disk would still hold after a crash.
///
/// Used by one world, so by one thread.
final class ClusterMember {
    /// The state machine's own durable state.
    struct Checkpoint {
        var position: LogPosition = .start
        var view: StoreView = .empty
        var configuration: Configuration
        /// The checkers' chain over everything applied up to here.
        var chain: UInt64 = RaftChecker.emptyState
        /// The chain before the last entry.
        var chainBefore: UInt64 = RaftChecker.emptyState
    }

    /// A snapshot that comes in, as far as it is on the disk.
    struct Incoming {
        var from: Int
        var checkpoint: Checkpoint
        var received: Int
    }

    /// A snapshot on its way to another member.
    struct Outgoing {
        var to: Int
        var checkpoint: Checkpoint
        var chunks: Int
        var acknowledged: Int = 0
        var progressAt: Int
    }

    struct Waiter {
        var call: Int
        var term: Term
    }

    let place: Int
    let id: MemberID

    // What survives.
    let disk: MemoryLog
    var checkpoint: Checkpoint
    /// The description of the snapshot that is being installed.
    var installing: LogPosition?
    var incoming: Incoming?

    // What does not.
    /// Nil while the member is down.
    var core: RaftCore?
    var store = Store()
    var chain: UInt64 = RaftChecker.emptyState
    var chainBefore: UInt64 = RaftChecker.emptyState
    var queue: [DiskWrite] = []
    /// What the disk works on right now.
    var writing: [DiskWrite] = []
    var isCheckpointing: Bool = false
    var outgoing: Outgoing?
    /// Proposals of this leader by their index.
    var accepted: [LogIndex: Waiter] = [:]
    /// Calls that wait until an index is applied here.
    var waiting: [(call: Int, index: LogIndex)] = []
    var watchers: [Int] = []
    /// What its process does for hosts; nil while it is down, and where there are none.
    var server: FleetServer?

    /// Grows with every start, so that answers for an earlier life are not delivered.
    var life: Int = 0
    var downUntil: Int = 0
    var pausedUntil: Int = 0
    /// Nothing reaches the disk until then.
    var stalledUntil: Int = 0
    /// The next flush fails.
    var failsFlush: Bool = false
    /// A removed member goes on until then.
    var lingersUntil: Int = .max
    /// In percent of the world's time.
    var clockRate: Int = 100
    var clockRateUntil: Int = 0
    private var clockParts: Int = 0
    /// Wall clock, in milliseconds off the world's.
    var wallOffset: Int64 = 0

    // What the checkers know of it.
    /// Ticks of its own clock in this life.
    var ownTicks: Int = 0
    /// When it last heard the leader it follows, by ``ownTicks``; nil when it need not protect one.
    var heardLeaderAt: Int?

    init(place: Int, group: GroupIdentity, configuration: Configuration) {
        self.place = place
        id = MemberID(UInt64(place + 1))
        disk = MemoryLog(member: id, group: group, configuration: configuration)
        checkpoint = Checkpoint(configuration: configuration)
    }

    var isUp: Bool { core != nil }
    var applied: LogIndex { store.appliedIndex }

    /// How many ticks its clock makes in one of the world's.
    func clockTicks() -> Int {
        clockParts += clockRate
        let ticks: Int = clockParts / 100
        clockParts %= 100
        return ticks
    }
}
