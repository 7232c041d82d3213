internal import RaftCore
internal import RaftLog

/// One simulated member: what is in its memory, and what its disk would still hold after a crash.
struct RaftNode {
    /// The state machine's own durable state.
    struct Checkpoint {
        var position: LogPosition = .start
        var state: UInt64 = RaftChecker.emptyState
        var configuration: Configuration
    }

    let id: MemberID
    let disk: MemoryLog
    var checkpoint: Checkpoint

    /// Nil while the member is down.
    var core: RaftCore?
    var applied: LogIndex = 0
    var state: UInt64 = RaftChecker.emptyState

    /// Grows with every start, so that answers for an earlier life are not delivered.
    var life: UInt64 = 0
    var queue: [DiskWrite] = []
    /// What the disk works on right now.
    var writing: [DiskWrite] = []
    var downUntil: Int = 0
    var pausedUntil: Int = 0

    init(id: MemberID, group: GroupIdentity, configuration: Configuration) {
        self.id = id
        disk = MemoryLog(member: id, group: group, configuration: configuration)
        checkpoint = Checkpoint(configuration: configuration)
    }

    var isUp: Bool { core != nil }

    /// The member starts from its disk.
    mutating func start(settings: RaftSettings, seed: UInt64, flaws: Flaws) {
        life += 1
        queue = []
        writing = []
        var contents: LogContents = disk.contents()
        var log = EntryTail(base: contents.base, entries: contents.entries)
        if log.term(at: checkpoint.position.index) != checkpoint.position.term {
            // The crash came between a snapshot and the reset of the log that follows it.
            try? disk.write(.reset(checkpoint.position, checkpoint.configuration))
            try? disk.flush()
            contents = disk.contents()
            log = EntryTail(base: contents.base, entries: contents.entries)
        }
        applied = checkpoint.position.index
        state = checkpoint.state
        core = RaftCore(
            id: id,
            group: contents.group,
            ballot: contents.ballot,
            log: log,
            configuration: contents.baseConfiguration,
            applied: applied,
            settings: settings,
            random: SeededRandom(seed: seed),
            flaws: flaws
        )
    }

    /// The power goes: of what the disk was working on some part arrived.
    mutating func crash(random: inout SeededRandom) {
        core = nil
        let reached: Int = writing.isEmpty ? 0 : random.below(writing.count + 1)
        for change in writing[..<reached] { try? disk.write(change) }
        disk.crash(keeping: random.below(4))
        queue = []
        writing = []
    }

    /// Everything applied so far becomes durable; the log may be cut behind it.
    mutating func takeCheckpoint(keeping tail: LogIndex) {
        guard var core, let term = core.log.term(at: applied) else { return }
        checkpoint = Checkpoint(
            position: LogPosition(index: applied, term: term),
            state: state,
            configuration: core.configuration(at: applied)
        )
        guard applied > tail, applied - tail > core.log.base.index else { return }
        _ = core.step(.compact(through: applied - tail))
        try? disk.compact(through: applied - tail)
        self.core = core
    }
}
