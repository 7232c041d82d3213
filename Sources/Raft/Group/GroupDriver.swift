internal import Glibc
internal import Limits
internal import RaftCore
internal import RaftLog

/// The loop of a group's thread: takes what has gathered, steps the core, carries the effects out.
struct GroupDriver<Machine: StateMachine> {
    typealias Job = GroupJob<Machine.Outcome>

    var core: RaftCore
    var applied: LogIndex
    let machine: Machine
    let transport: any PeerTransport
    private let writer: LogWriter
    let jobs: Mailbox<Job>
    private let shared: SharedStatus
    let observer: @Sendable (Observation) -> Void
    let fatal: @Sendable (LogFault) -> Void
    /// Nil where no snapshot can be made or taken in.
    let desk: SnapshotDesk?
    var sending = SnapshotSending()
    /// The snapshot whose log the disk has not begun anew yet.
    var installing: LogPosition?
    /// The state is being replaced on another thread: nothing is applied until that is done.
    var isReplacing: Bool = false
    /// Up to here entries may be applied then.
    var heldCommit: LogIndex = 0

    private let tickMilliseconds: Int
    private let patienceTicks: UInt64
    private let leaderlessTicks: UInt64
    private let readRepeatTicks: UInt64
    private let stepDownTicks: UInt64
    let snapshotPauseTicks: UInt64
    private(set) var ticks: UInt64 = 0
    var isRunning: Bool = true

    private var nextID: UInt64 = 1
    var proposals = Waiters<Job.ProposeResult>()
    var accepted: [LogIndex: (id: UInt64, term: Term)] = [:]
    private var reads = Waiters<Job.ReadResult>()
    private var unconfirmed = UnconfirmedReads()
    /// Confirmed reads whose index is not applied here yet.
    private var readsToApply: [(id: UInt64, index: LogIndex)] = []
    private var leaderWaiters = Waiters<Job.ReadResult>()
    private var waitingForLeader: [UInt64] = []
    private var configurationAnswer: ConfigurationRefusal?
    private var stepDowns = Waiters<Bool>()
    private var steppingDown: [UInt64] = []

    /// Gathered over one turn, so that the disk is handed one batch.
    var writes: [DiskWrite] = []
    /// Gathered over one turn, so that what a later message says as well is not sent.
    private var outbox = Outbox()

    init(
        core: RaftCore,
        applied: LogIndex,
        machine: Machine,
        transport: any PeerTransport,
        writer: LogWriter,
        jobs: Mailbox<Job>,
        shared: SharedStatus,
        desk: SnapshotDesk?,
        options: RaftGroup<Machine>.Options,
        observer: @escaping @Sendable (Observation) -> Void,
        fatal: @escaping @Sendable (LogFault) -> Void
    ) {
        self.core = core
        self.applied = applied
        self.machine = machine
        self.transport = transport
        self.writer = writer
        self.jobs = jobs
        self.shared = shared
        self.desk = desk
        self.observer = observer
        self.fatal = fatal
        let tick: Int = options.tickMilliseconds
        tickMilliseconds = tick
        patienceTicks = UInt64(options.answerSeconds * 1_000 / tick) + 1
        leaderlessTicks = UInt64(options.leaderlessMilliseconds / tick) + 1
        readRepeatTicks = UInt64(Limits.raftReadRepeatMilliseconds / tick) + 1
        snapshotPauseTicks = UInt64(Limits.raftSnapshotPauseMilliseconds / tick) + 1
        stepDownTicks = UInt64(2 * options.settings.electionTicks)
    }

    mutating func run() {
        transport.membersChanged(core.configuration)
        step(.tick)
        endTurn()
        let tickNanoseconds = UInt64(tickMilliseconds) * 1_000_000
        var lastTick: UInt64 = Self.now()
        var quiet: UInt64 = 0
        while isRunning, let batch = jobs.take(until: lastTick + (quiet + 1) * tickNanoseconds) {
            let passed: UInt64 = (Self.now() - lastTick) / tickNanoseconds
            // They only count, and they lie before what came in.
            for _ in 0..<min(passed, quiet) { tick() }
            take(batch)
            if passed > quiet {
                tick()
                // After a pause the missed ticks are not made up for: time that nobody saw deposes nobody.
                lastTick = Self.now()
            } else {
                lastTick += passed * tickNanoseconds
            }
            endTurn()
            quiet = quietTicks
        }
        finish()
    }

    /// How many ticks may pass before this thread has to look at anything.
    private var quietTicks: UInt64 {
        let isWaitedFor: Bool = !proposals.isEmpty || !reads.isEmpty || !leaderWaiters.isEmpty || !stepDowns.isEmpty
        guard !isWaitedFor, unconfirmed.isEmpty, !sending.isPausing else { return 0 }
        return UInt64(core.quietTicks)
    }

    private mutating func take(_ batch: [Job]) {
        var commands: [RaftCore.Proposal] = []
        var readIDs: [UInt64] = []
        for job in batch {
            switch job {
            case .propose(let version, let payload, let continuation):
                commands.append(RaftCore.Proposal(id: nextID, version: version, payload: payload))
                proposals.add(takeID(), until: ticks + patienceTicks, continuation)
            case .read(let continuation):
                readIDs.append(nextID)
                unconfirmed.add(nextID, at: ticks, leader: core.leader)
                reads.add(takeID(), until: ticks + patienceTicks, continuation)
            case .awaitApplied(let index, let continuation):
                let id: UInt64 = takeID()
                reads.add(id, until: ticks + patienceTicks, continuation)
                confirm([id], index)
            case .awaitLeader(let continuation):
                waitingForLeader.append(nextID)
                leaderWaiters.add(takeID(), until: ticks + patienceTicks, continuation)
            case .changeMembers(let voters, let learners, let continuation):
                configurationAnswer = nil
                step(.proposeConfiguration(voters: voters, learners: learners))
                continuation.resume(returning: configurationAnswer)
            case .transfer(let member): step(.transferLeadership(to: member))
            case .stepDown(let continuation): stepDown(continuation)
            case .peerGone(let member): step(.peerGone(member))
            case .snapshotMade(let member, let result): onSnapshotMade(for: member, result)
            case .snapshotSent(let member, let position, let outcome): onSnapshotSent(to: member, position, outcome)
            case .install(let about, let continuation): install(about, continuation)
            case .replaced(let about, let result, let continuation):
                continuation.resume(returning: onReplaced(about, result))
            case .message(let message): step(.received(message))
            case .disk(let completion):
                if let ballot = completion.ballot { step(.ballotDurable(ballot)) }
                if let write = completion.write { step(.logDurable(write: write)) }
                if let position = completion.reset, position == installing { finishInstall() }
            case .note(let observation): observer(observation)
            case .compact(let index): compact(through: index)
            case .stop: isRunning = false
            }
        }
        if !commands.isEmpty { step(.propose(commands)) }
        if !readIDs.isEmpty { step(.read(ids: readIDs)) }
    }

    mutating func takeID() -> UInt64 {
        defer { nextID += 1 }
        return nextID
    }

    private mutating func tick() {
        ticks += 1
        step(.tick)
        repeatReads()
        retrySnapshots()
        proposals.expire(at: ticks, with: .failure(.unknown))
        reads.expire(at: ticks, with: .failure(.timedOut))
        leaderWaiters.expire(at: ticks, with: .failure(.noLeader(leader: core.leader)))
        stepDowns.expire(at: ticks, with: false)
    }

    /// Asks again for reads whose answer may have been lost, and refuses those for which there is no leader for too long.
    private mutating func repeatReads() {
        for id in unconfirmed.expired(at: ticks, leaderless: leaderlessTicks, patience: patienceTicks) {
            reads.answer(id, .failure(.noLeader(leader: nil)))
        }
        guard let leader = core.leader else { return }
        let due: [UInt64] = unconfirmed.due(at: ticks, after: readRepeatTicks, leader: leader, own: core.id)
        if !due.isEmpty { step(.read(ids: due)) }
    }

    /// Hands leadership to the voter that has most of the log, if there is one.
    private mutating func stepDown(_ continuation: CheckedContinuation<Bool, Never>) {
        guard core.role == .leader else { return continuation.resume(returning: true) }
        let heirs: [MemberProgress] = core.memberProgress.filter { $0.isVoter && $0.isActive && !$0.hasLostLog }
        guard let heir = heirs.max(by: { $0.match < $1.match }) else { return continuation.resume(returning: false) }
        steppingDown.append(nextID)
        stepDowns.add(takeID(), until: ticks + stepDownTicks, continuation)
        step(.transferLeadership(to: heir.id))
    }

    mutating func step(_ input: RaftCore.Input) {
        for effect in core.step(input) { perform(effect) }
    }

    private mutating func perform(_ effect: Effect) {
        switch effect {
        case .send(let message): outbox.add(message)
        case .persist, .append, .truncate, .reset:
            if let write = DiskWrite(effect) { writes.append(write) }
        case .commit(let index): apply(through: index)
        case .accepted(let ids, let first, let term):
            for (offset, id) in ids.enumerated() { accepted[first + LogIndex(offset)] = (id, term) }
        case .rejected(let ids, let refusal):
            for id in ids { proposals.answer(id, .failure(Self.error(refusal))) }
        case .readReady(let ids, let index): confirm(ids, index)
        case .readRefused(let ids, _):
            // Another leader may come soon, so they are asked again; see `repeatReads`.
            unconfirmed.refused(ids, at: ticks)
        case .configurationRefused(let refusal): configurationAnswer = refusal
        case .configurationChanged(let configuration): transport.membersChanged(configuration)
        case .snapshotNeeded(let member):
            sending.ask(for: member)
            startSnapshot()
        case .note(let observation):
            if case .mended = observation { writer.finishMending() }
            observer(observation)
        }
    }

    mutating func apply(through index: LogIndex) {
        guard !isReplacing else {
            heldCommit = max(heldCommit, index)
            return
        }
        guard index > applied else { return }
        for entry in core.log.slice(applied + 1, through: index) {
            let waiter: (id: UInt64, term: Term)? = accepted.removeValue(forKey: entry.index)
            guard entry.kind == .data else {
                machine.pass(index: entry.index, term: entry.term)
                if let waiter { proposals.answer(waiter.id, .failure(.superseded)) }
                continue
            }
            let outcome: Machine.Outcome = machine.apply(
                index: entry.index,
                term: entry.term,
                version: entry.version,
                payload: entry.payload
            )
            guard let waiter else { continue }
            if waiter.term == entry.term {
                let result = Applied(index: entry.index, term: entry.term, outcome: outcome)
                proposals.answer(waiter.id, .success(result))
            } else {
                proposals.answer(waiter.id, .failure(.superseded))
            }
        }
        moved(to: index)
    }

    /// Answers those who waited for this.
    mutating func moved(to index: LogIndex) {
        applied = index
        let ready: [(id: UInt64, index: LogIndex)] = readsToApply.filter { $0.index <= index }
        readsToApply.removeAll { $0.index <= index }
        for read in ready { reads.answer(read.id, .success(read.index)) }
    }

    private mutating func confirm(_ ids: [UInt64], _ index: LogIndex) {
        for id in ids {
            unconfirmed.remove(id)
            if index <= applied { reads.answer(id, .success(index)) } else { readsToApply.append((id, index)) }
        }
    }

    private mutating func compact(through index: LogIndex) {
        let safe: LogIndex = sending.limit(min(index, applied), core.memberProgress)
        guard safe > core.log.base.index else { return }
        step(.compact(through: safe))
        writer.compact(through: safe)
    }

    /// Hands the disk what this turn asked for, and shows the state to others.
    private mutating func endTurn() {
        // Before anything leaves: the answers to what was asked in this turn are waited for.
        shared.restingTerm = core.restingTerm
        // Before the disk: the others write while this one does.
        for message in outbox.take() { transport.send(message, to: message.to) }
        if !writes.isEmpty {
            writer.submit(writes)
            writes.removeAll(keepingCapacity: true)
        }
        shared.value = Self.status(of: core, applied: applied, tickMilliseconds: tickMilliseconds)
        if !steppingDown.isEmpty, core.role != .leader {
            for id in steppingDown { stepDowns.answer(id, true) }
            steppingDown = []
        }
        guard !waitingForLeader.isEmpty, let leader = core.leader, leader != core.id || core.takesProposals else {
            return
        }
        for id in waitingForLeader { leaderWaiters.answer(id, .success(applied)) }
        waitingForLeader = []
    }

    private mutating func finish() {
        jobs.close()
        writer.stop()
        desk?.stop()
        // What came in last is answered, too: nobody waits for ever.
        for job in jobs.take() ?? [] {
            switch job {
            case .propose(_, _, let continuation): continuation.resume(returning: .failure(.notLeader(leader: nil)))
            case .read(let continuation), .awaitLeader(let continuation), .awaitApplied(_, let continuation):
                continuation.resume(returning: .failure(.noLeader(leader: nil)))
            case .changeMembers(_, _, let continuation): continuation.resume(returning: .notLeader(leader: nil))
            case .stepDown(let continuation): continuation.resume(returning: true)
            case .install(_, let continuation), .replaced(_, _, let continuation):
                continuation.resume(returning: .refused("the member stops"))
            case .transfer, .message, .peerGone, .snapshotMade, .snapshotSent, .disk, .note, .compact, .stop: break
            }
        }
        proposals.answerAll(.failure(.unknown))
        reads.answerAll(.failure(.noLeader(leader: nil)))
        leaderWaiters.answerAll(.failure(.noLeader(leader: nil)))
        stepDowns.answerAll(true)
    }

    static func status(of core: RaftCore, applied: LogIndex, tickMilliseconds: Int) -> GroupStatus {
        GroupStatus(
            id: core.id,
            group: core.group,
            role: core.role,
            term: core.term,
            leader: core.leader,
            commit: core.commit,
            applied: applied,
            firstIndex: core.log.firstIndex,
            lastIndex: core.log.lastIndex,
            configuration: core.configuration,
            peers: core.memberProgress.map { member in
                PeerProgress(
                    id: member.id,
                    isVoter: member.isVoter,
                    match: member.match,
                    lag: member.lag,
                    phase: member.phase,
                    silentMilliseconds: member.silentTicks * tickMilliseconds,
                    isActive: member.isActive,
                    hasLostLog: member.hasLostLog
                )
            }
        )
    }

    private static func error(_ refusal: ProposalRefusal) -> ProposeError {
        switch refusal {
        case .notLeader(let leader): .notLeader(leader: leader)
        case .transferring(let member): .transferring(to: member)
        case .busy: .busy
        }
    }

    /// A clock that only goes forward.
    private static func now() -> UInt64 {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
    }
}
