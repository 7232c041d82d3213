/// One member's view of the Raft protocol: a value that decides and does nothing itself.
///
/// No clock, no disk, no network, no randomness but the generator handed in: the same inputs in the same order always
/// give the same effects. Whoever runs it feeds it inputs and carries the effects out.
///
/// Departures from the dissertation: pre-vote, check-quorum and leader stickiness are always on; a committed entry is
/// handed to the state machine only when it is on this member's own disk, too, so that a checkpoint never runs ahead
/// of the log; joint phases end by themselves.
///
/// Invariant: while the ballot is not on the disk, no message leaves (`held`).
package struct RaftCore: Sendable {
    package enum Role: Hashable, Sendable { case follower, preCandidate, candidate, leader }

    package enum Input: Sendable {
        /// One unit of protocol time has passed.
        case tick
        case received(Message)
        case propose([Proposal])
        /// Make these the members. Who stands in neither list is removed for ever.
        case proposeConfiguration(voters: [MemberID], learners: [MemberID])
        /// The caller's own numbers for reads that want to see all that is acknowledged by now.
        case read(ids: [UInt64])
        case transferLeadership(to: MemberID)
        /// Nobody listens at the member's address any more: its process has ended. May be wrong, and may be repeated.
        case peerGone(MemberID)
        case ballotDurable(Ballot)
        /// Every disk effect up to the append with this number is flushed.
        case logDurable(write: UInt64)
        /// The state machine now holds a snapshot, flushed.
        case snapshotInstalled(LogPosition, Configuration)
        case snapshotSent(to: MemberID, succeeded: Bool)
        /// Entries up to here may be forgotten; they are applied and part of a flushed checkpoint.
        case compact(through: LogIndex)
    }

    /// A command on its way into the log.
    package struct Proposal: Sendable {
        /// The caller's number for it.
        package let id: UInt64
        package let version: UInt8
        package let payload: [UInt8]

        package init(id: UInt64, version: UInt8 = 1, payload: [UInt8]) {
            self.id = id
            self.version = version
            self.payload = payload
        }
    }

    package let id: MemberID
    package let group: GroupIdentity
    let settings: RaftSettings
    let flaws: Flaws
    var random: SeededRandom

    package internal(set) var role: Role = .follower
    package internal(set) var leader: MemberID?
    package internal(set) var ballot: Ballot
    /// The ballot that was last handed to the disk, and the one the disk has confirmed.
    var writtenBallot: Ballot
    var durableBallot: Ballot

    package internal(set) var log: EntryTail
    /// The end of what is on this member's own disk.
    package internal(set) var durable: LogIndex
    /// Known to be committed; may run ahead of `durable`.
    package internal(set) var commit: LogIndex
    /// Up to here `commit` effects were given.
    package internal(set) var announced: LogIndex
    /// On a follower: up to here the log is known to equal the leader's of this term.
    var verified: LogIndex
    var configurations: ConfigurationHistory

    var lastWrite: UInt64 = 0
    /// Appends that the disk has not confirmed, oldest first.
    var pendingWrites: [(write: UInt64, last: LogIndex)] = []
    var diskIdleTicks: Int = 0
    /// Ticks at which this leader's disk was waited for, less those at which it was not; see `watchOwnDisk`.
    var slowDiskTicks: Int = 0
    /// What the others had at the last two ticks.
    var othersReached: (before: LogIndex, now: LogIndex) = (0, 0)

    var electionElapsed: Int = 0
    var electionTimeout: Int = 0
    /// Ticks since a live leader was heard.
    var contactElapsed: Int = 0
    /// The leader's process is gone: so many campaigns are still made without the usual wait.
    var hastyCampaigns: Int = 0
    var votes: [MemberID: Bool] = [:]

    /// Up to here this member may have acknowledged entries that its disk has lost since: until its log reaches that, it gives
    /// no vote and wants none.
    ///
    /// Nil for a member that has all that it had.
    package internal(set) var mending: LogIndex?
    /// A leader has said since the start how much is committed.
    var mendingIsComplete: Bool = false

    // A leader's own state; meaningless in other roles.
    var progress: [MemberID: Progress] = [:]
    var heartbeatElapsed: Int = 0
    var transferTarget: MemberID?
    var uncommittedBytes: Int = 0
    /// Append requests sent so far.
    var appendNumber: UInt64 = 0
    var reads = ReadRounds()

    var outgoing: [Message] = []
    var held: [Message] = []
    var disk: [Effect] = []
    var news: [Effect] = []

    /// A member as its disk remembers it.
    ///
    /// - Parameters:
    ///   - applied: what the state machine already holds; known to be committed.
    ///   - mending: the last entry that was in the log before a part of it was lost; nil for a log that is whole.
    package init(
        id: MemberID,
        group: GroupIdentity,
        ballot: Ballot,
        log: EntryTail,
        configuration: Configuration,
        applied: LogIndex,
        mending: LogIndex? = nil,
        settings: RaftSettings = RaftSettings(),
        random: SeededRandom,
        flaws: Flaws = []
    ) {
        settings.check()
        precondition(
            ballot.term >= log.last.term || !flaws.isEmpty,
            "the ballot \(ballot) is older than the log \(log.last)"
        )
        // What forgets its votes forgets its terms; only those in the log are left.
        let ballot: Ballot = flaws.contains(.forgetsVotes) ? Ballot(term: max(ballot.term, log.last.term)) : ballot
        precondition(applied <= log.lastIndex, "applied \(applied) is beyond the log, which ends at \(log.lastIndex)")
        self.id = id
        self.group = group
        self.mending = mending
        self.ballot = ballot
        self.log = log
        self.settings = settings
        self.random = random
        self.flaws = flaws
        writtenBallot = ballot
        durableBallot = ballot
        durable = log.lastIndex
        commit = max(log.base.index, applied)
        announced = commit
        verified = commit
        configurations = ConfigurationHistory(base: log.base.index, configuration)
        for entry in log.slice(log.firstIndex, through: log.lastIndex) where entry.kind == .configuration {
            configurations.append(Self.configuration(in: entry), at: entry.index)
        }
        resetElectionTimer()
    }

    package var configuration: Configuration { configurations.current }
    package var term: Term { ballot.term }

    /// The configuration in force at an index that is still in memory; goes into a checkpoint taken there.
    package func configuration(at index: LogIndex) -> Configuration { configurations.at(index) }

    /// Takes one input and says what is to be done about it.
    package mutating func step(_ input: Input) -> [Effect] {
        switch input {
        case .tick: onTick()
        case .received(let message): onMessage(message)
        case .propose(let proposals): onPropose(proposals)
        case .proposeConfiguration(let voters, let learners): onProposeConfiguration(voters, learners)
        case .read(let ids): onRead(ids)
        case .transferLeadership(let target): onTransfer(to: target)
        case .peerGone(let member): onPeerGone(member)
        case .ballotDurable(let ballot): onBallotDurable(ballot)
        case .logDurable(let write): onLogDurable(write: write)
        case .snapshotInstalled(let position, let configuration): onSnapshotInstalled(position, configuration)
        case .snapshotSent(let member, let succeeded): onSnapshotSent(to: member, succeeded: succeeded)
        case .compact(let index): onCompact(through: index)
        }
        return collect()
    }

    /// Puts together what this step wants: news, messages, the disk, and last what has become committed or readable.
    private mutating func collect() -> [Effect] {
        var effects: [Effect] = news
        if ballot != writtenBallot {
            precondition(ballot.term >= writtenBallot.term, "terms never go back: \(ballot) after \(writtenBallot)")
            writtenBallot = ballot
            if flaws.contains(.forgetsVotes) {
                durableBallot = ballot
                if role == .candidate { recordVote(from: id, granted: true) }
            } else {
                disk.insert(.persist(ballot), at: 0)
            }
        }
        if ballot == durableBallot {
            effects += held.map(Effect.send)
            effects += outgoing.map(Effect.send)
            held = []
        } else {
            held += outgoing
            held.removeFirst(max(0, held.count - settings.heldMessages))
        }
        effects += disk
        news = []
        outgoing = []
        disk = []
        announceCommit(to: &effects)
        reads.takeReady(to: &effects)
        return effects
    }

    private mutating func announceCommit(to effects: inout [Effect]) {
        let reached: LogIndex = min(commit, durable)
        guard reached > announced else { return }
        announced = reached
        effects.append(.commit(through: reached))
    }

    // MARK: Shared by the rules

    mutating func send(_ body: Message.Body, to member: MemberID, term: Term? = nil) {
        outgoing.append(Message(group: group, from: id, to: member, term: term ?? ballot.term, body: body))
    }

    mutating func note(_ observation: Observation) { news.append(.note(observation)) }

    /// Everyone else who receives the log, in order.
    var peers: [MemberID] { configuration.members.filter { $0 != id } }

    var quorum: Quorum {
        let current: Configuration = configuration
        return Quorum(
            incoming: current.voters,
            outgoing: flaws.contains(.ignoresOutgoing) ? [] : current.outgoing
        )
    }

    mutating func advanceCommit(to index: LogIndex) {
        precondition(index <= log.lastIndex, "commit \(index) is beyond the log, which ends at \(log.lastIndex)")
        commit = max(commit, index)
    }
}
