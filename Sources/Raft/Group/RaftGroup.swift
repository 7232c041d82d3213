internal import Limits
package import RaftCore
package import RaftLog
internal import Synchronization

/// One member of a Raft group, running: it owns the core, the log and the calls into the state machine.
///
/// All of it happens on one thread; a call from elsewhere wakes that thread at once, and what gathers meanwhile goes
/// into the log together. The disk has another thread, so that one flush serves a whole batch.
package final class RaftGroup<Machine: StateMachine>: Sendable {
    package typealias Outcome = Machine.Outcome

    /// What a group is told when it starts.
    package struct Options: Sendable {
        package var settings = RaftSettings()
        package var tickMilliseconds: Int = Limits.raftTickMilliseconds
        package var answerSeconds: Int = Limits.raftAnswerSeconds
        /// How long a read waits for a leader to be elected.
        package var leaderlessMilliseconds: Int = Limits.raftLeaderlessMilliseconds
        /// Spreads election timeouts; different on every member and start.
        package var seed: UInt64 = UInt64.random(in: .min ... .max)

        package init() { settings.uncommittedBytes = Limits.raftUncommittedBytes }
    }

    private let jobs: Mailbox<GroupJob<Outcome>>
    private let thread: WorkerThread
    private let shared: SharedStatus
    private let desk: SnapshotDesk?
    private let meters: RaftMeters
    private let writer: LogWriter

    /// Starts the member that lives in `storage`.
    ///
    /// - Parameters:
    ///   - snapshots: where snapshots lie while they travel, the folder that the log was opened with; without it none are
    ///     sent or taken in.
    ///   - holds: whether nothing more may be written to the log now, because the state machine's own files cannot take what
    ///     would come of it; asked on the log's thread before each batch.
    ///   - meters: count what happens, for operators.
    ///   - observer: hears what is worth a log line; called on the group's thread, must not block.
    ///   - fatal: the disk failed, and nothing more will be acknowledged; the process must end now.
    /// - Precondition: the state machine's applied index lies within the log (a ``FileLog`` opened with it as
    ///   `knownCommitted` has checked the end; ``LogContents/base`` tells the beginning).
    package init(
        storage: sending any LogStorage,
        machine: Machine,
        transport: any PeerTransport = NoPeers(),
        snapshots: SnapshotFolder? = nil,
        options: Options = Options(),
        holds: @escaping @Sendable () -> Bool = { false },
        meters: RaftMeters = RaftMeters(),
        observer: @escaping @Sendable (Observation) -> Void = { _ in },
        fatal: @escaping @Sendable (LogFault) -> Void
    ) {
        let contents: LogContents = storage.contents()
        let applied: LogIndex = machine.appliedIndex
        precondition(
            applied >= contents.base.index,
            "the state ends at entry \(applied), but the log begins after \(contents.base.index)"
        )
        let jobs = Mailbox<GroupJob<Outcome>>()
        let writer = LogWriter(
            storage: storage,
            holds: holds,
            stalled: { jobs.post(.note($0 ? .logStalled : .logResumed)) },
            measured: { meters.wrote($0) },
            completion: { jobs.post(.disk($0)) },
            fatal: { fault in
                fatal(fault)
                jobs.post(.stop)
            }
        )
        let core = RaftCore(
            id: contents.member,
            group: contents.group,
            ballot: contents.ballot,
            log: EntryTail(base: contents.base, entries: contents.entries),
            configuration: contents.baseConfiguration,
            applied: applied,
            mending: contents.mending,
            settings: options.settings,
            random: SeededRandom(seed: options.seed)
        )
        let shared = SharedStatus(
            GroupDriver<Machine>.status(of: core, applied: applied, tickMilliseconds: options.tickMilliseconds)
        )
        let desk: SnapshotDesk? = snapshots.map { SnapshotDesk($0) }
        self.jobs = jobs
        self.shared = shared
        self.desk = desk
        self.meters = meters
        self.writer = writer
        thread = WorkerThread {
            var driver = GroupDriver(
                core: core,
                applied: applied,
                machine: machine,
                transport: transport,
                writer: writer,
                jobs: jobs,
                shared: shared,
                desk: desk,
                options: options,
                observer: { observation in
                    meters.saw(observation)
                    observer(observation)
                },
                fatal: fatal
            )
            driver.run()
        }
    }

    /// Puts a command into the log and returns what it came to, once it is applied here.
    package func propose(_ payload: [UInt8], version: UInt8 = 1) async throws(ProposeError) -> Applied<Outcome> {
        let since: UInt64 = MonotonicTime.now
        let result: Result<Applied<Outcome>, ProposeError> = await proposed(payload, version)
        meters.proposed(result, since: since)
        return try result.get()
    }

    private func proposed(_ payload: [UInt8], _ version: UInt8) async -> Result<Applied<Outcome>, ProposeError> {
        guard payload.count <= Limits.raftCommandBytes else {
            return .failure(.tooLarge(bytes: payload.count, limit: Limits.raftCommandBytes))
        }
        return await withCheckedContinuation { continuation in
            if !jobs.post(.propose(version: version, payload: payload, continuation)) {
                continuation.resume(returning: .failure(.notLeader(leader: nil)))
            }
        }
    }

    /// Returns when everything that was acknowledged anywhere before the call is applied here.
    @discardableResult
    package func readIndex() async throws(ReadError) -> LogIndex {
        let since: UInt64 = MonotonicTime.now
        let result: Result<LogIndex, ReadError> = await asked { .read($0) }
        meters.read(result, since: since)
        return try result.get()
    }

    /// Returns when there is a leader that takes proposals, as far as this member knows.
    package func awaitLeader() async throws(ReadError) {
        _ = try await ask { .awaitLeader($0) }
    }

    private func ask(
        _ job: (CheckedContinuation<Result<LogIndex, ReadError>, Never>) -> GroupJob<Outcome>
    ) async throws(ReadError) -> LogIndex {
        try await asked(job).get()
    }

    private func asked(
        _ job: (CheckedContinuation<Result<LogIndex, ReadError>, Never>) -> GroupJob<Outcome>
    ) async -> Result<LogIndex, ReadError> {
        await withCheckedContinuation { continuation in
            if !jobs.post(job(continuation)) { continuation.resume(returning: .failure(.noLeader(leader: nil))) }
        }
    }

    /// Returns when the entry at `index` is applied here; what it came to can then be read.
    package func awaitApplied(_ index: LogIndex) async throws(ReadError) {
        guard shared.value.applied < index else { return }
        _ = try await ask { .awaitApplied(index, $0) }
    }

    /// Hands leadership to another voter, if this member leads; for a node that stops.
    ///
    /// - Returns: whether this member does not lead any more. It does when nobody can take over in time.
    package func stepDown() async -> Bool {
        await withCheckedContinuation { continuation in
            if !jobs.post(.stepDown(continuation)) { continuation.resume(returning: true) }
        }
    }

    /// Starts a change of members; ``status`` shows when it is done.
    ///
    /// - Returns: why it was refused, or nil.
    package func changeMembers(voters: [MemberID], learners: [MemberID]) async -> ConfigurationRefusal? {
        await withCheckedContinuation { continuation in
            if !jobs.post(.changeMembers(voters: voters, learners: learners, continuation)) {
                continuation.resume(returning: .notLeader(leader: nil))
            }
        }
    }

    /// Asks the leader, if it is this one, to hand over.
    package func transferLeadership(to member: MemberID) { jobs.post(.transfer(to: member)) }

    /// Entries up to `index` may go: they are in a checkpoint that was flushed and verified.
    ///
    /// Keep some behind the checkpoint for slow members: what is gone costs them a snapshot.
    package func compact(through index: LogIndex) { jobs.post(.compact(through: index)) }

    package var status: GroupStatus { shared.value }

    /// What waits here, and for how long.
    package var load: GroupLoad {
        let (turned, now): (UInt64, UInt64) = (shared.turnedAt, MonotonicTime.now)
        return GroupLoad(
            jobs: jobs.count,
            writes: writer.queued,
            unflushedNanoseconds: writer.unflushedNanoseconds,
            silentNanoseconds: now > turned ? now - turned : 0
        )
    }

    /// Stops at once; what is in the log's queue is still written.
    ///
    /// Callers that wait get `unknown`.
    package func shutdown() async {
        jobs.post(.stop)
        let thread: WorkerThread = thread
        await withCheckedContinuation { (continuation: CheckedContinuation<Void, Never>) in
            // Waiting for a thread blocks, so another one does it.
            _ = WorkerThread {
                thread.join()
                continuation.resume()
            }
        }
    }
}

extension RaftGroup: PeerReceiver {
    /// A message of another member came in.
    package func receive(_ message: Message) {
        var canWait: Bool = false
        if case .heartbeatReply = message.body { canWait = message.term == shared.restingTerm }
        jobs.post(.message(message), canWait: canWait)
    }

    package func peerGone(_ member: MemberID) { jobs.post(.peerGone(member)) }

    package func offered(_ about: SnapshotAbout, from member: MemberID) async -> SnapshotReply {
        guard let desk else { return .refused("this member keeps no snapshots") }
        let status: GroupStatus = status
        guard about.group == status.group else { return .refused("the snapshot is of group \(about.group)") }
        guard about.size <= Limits.raftSnapshotBytes else {
            return .refused("\(about.size) bytes are more than the \(Limits.raftSnapshotBytes) that are taken")
        }
        guard about.position.index > status.commit else { return .installed }
        return await desk.offered(about)
    }

    package func took(_ bytes: [UInt8], at offset: UInt64, transfer: UInt64) async -> SnapshotReply {
        guard let desk else { return .refused("this member keeps no snapshots") }
        return await desk.took(bytes, at: offset, transfer: transfer)
    }

    package func completed(transfer: UInt64) async -> SnapshotReply {
        guard let desk else { return .refused("this member keeps no snapshots") }
        let about: SnapshotAbout
        switch await desk.verify(transfer: transfer) {
        case .failure(let failure): return .refused(failure.reason)
        case .success(let verified): about = verified
        }
        return await withCheckedContinuation { continuation in
            if !jobs.post(.install(about, continuation)) {
                continuation.resume(returning: .refused("the member stops"))
            }
        }
    }
}

/// What waits in a group, for those who look after it.
package struct GroupLoad: Hashable, Sendable {
    /// For the group's thread.
    package var jobs: Int
    /// For the disk.
    package var writes: Int
    /// How long the oldest write that the disk is at has been waiting; 0 when it rests.
    package var unflushedNanoseconds: UInt64
    /// Since the group's thread finished a turn; it does so at every tick.
    package var silentNanoseconds: UInt64
}

/// The status, as the driver last saw it.
final class SharedStatus: Sendable {
    private let status: Mutex<GroupStatus>
    /// When it was last set, on the monotonic clock.
    private let turned = Atomic<UInt64>(MonotonicTime.now)
    /// 0 while the member does not rest.
    private let resting = Atomic<Term>(0)

    init(_ status: GroupStatus) { self.status = Mutex(status) }

    var turnedAt: UInt64 { turned.load(ordering: .relaxed) }

    /// As ``RaftCore/restingTerm``.
    var restingTerm: Term? {
        get {
            let term: Term = resting.load(ordering: .acquiring)
            return term > 0 ? term : nil
        }
        set { resting.store(newValue ?? 0, ordering: .releasing) }
    }

    var value: GroupStatus {
        get { status.withLock { $0 } }
        set {
            status.withLock { $0 = newValue }
            turned.store(MonotonicTime.now, ordering: .relaxed)
        }
    }
}
