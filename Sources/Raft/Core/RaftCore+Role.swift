/// Time, and the changes of role.
extension RaftCore {
    mutating func onTick() {
        if pendingWrites.isEmpty { diskIdleTicks = 0 } else { diskIdleTicks += 1 }
        electionElapsed += 1
        if role == .leader { tickLeader() } else { tickFollower() }
    }

    private mutating func tickFollower() {
        contactElapsed += 1
        // A lone voter has nobody to wait for.
        let isAlone: Bool = configuration.isOnly(id)
        guard isAlone && role == .follower || electionElapsed >= electionTimeout, mayCampaign else { return }
        campaign(isTransfer: false)
    }

    private mutating func tickLeader() {
        if isDiskStalled, !configuration.isOnly(id) {
            return becomeFollower(leader: nil, because: .diskStalled)
        }
        // Counted since the transfer began.
        if let target = transferTarget, electionElapsed >= settings.electionTicks {
            transferTarget = nil
            note(.transferAbandoned(to: target))
        }
        watchOwnDisk()
        for peer in peers { progress[peer]?.silentTicks += 1 }
        guard quorum.agrees(isActive) else { return becomeFollower(leader: nil, because: .noQuorum) }
        heartbeatElapsed += 1
        guard heartbeatElapsed >= settings.heartbeatTicks else { return }
        heartbeatElapsed = 0
        broadcastHeartbeat()
    }

    /// How many of the coming ticks only count, if nothing else happens before them: whoever runs the core may let so many pass
    /// and hand them in together.
    ///
    /// Never more than lie between two heartbeats, so that a member that was stopped for longer still sees no more time than that.
    package var quietTicks: Int {
        let isAlone: Bool = configuration.isOnly(id)
        guard pendingWrites.isEmpty, !(isAlone && role == .follower) else { return 0 }
        guard role == .leader else {
            return max(0, min(settings.heartbeatTicks, electionTimeout - electionElapsed - 1))
        }
        // While entries are on their way each tick looks whose disk is waited for.
        guard durable == log.lastIndex, commit == log.lastIndex, transferTarget == nil else { return 0 }
        let quiet: Int = max(0, settings.heartbeatTicks - heartbeatElapsed - 1)
        // Nor while somebody's silence is about to be noticed.
        let isNearlyLost: Bool = progress.values.contains {
            $0.silentTicks < settings.electionTicks && $0.silentTicks + quiet >= settings.electionTicks
        }
        return isNearlyLost ? 0 : quiet
    }

    /// The term in which this leader only shows that it is there: nothing is on its way to anybody, nobody asked anything,
    /// and everybody was just heard.
    ///
    /// An answer to a heartbeat of this term then tells nothing but that its sender is still there: it may wait for the next tick
    /// that counts. Nil in every other case.
    package var restingTerm: Term? {
        guard role == .leader, durable == log.lastIndex, commit == log.lastIndex, transferTarget == nil, reads.isIdle
        else {
            return nil
        }
        let isResting: Bool = progress.values.allSatisfy { state in
            state.phase == .replicate && state.match == log.lastIndex && !state.hasLostLog
                && state.silentTicks < 2 * settings.heartbeatTicks
        }
        return isResting ? ballot.term : nil
    }

    /// Its disk has finished nothing for too long (a hung disk must not hide behind heartbeats).
    var isDiskStalled: Bool { diskIdleTicks >= settings.diskStallTicks }

    /// Learners, strangers, members with a stalled disk and those that lost a part of their log never campaign.
    ///
    /// Whoever is removed by a configuration that is not committed yet still does: it may be the only one that has that
    /// entry, and then nobody else can win, for it rightly refuses them its vote (Raft dissertation, section 4.2.2).
    var mayCampaign: Bool {
        (configuration.isVoter(id) || isNeededUntilCommit) && !isDiskStalled && mending == nil
    }

    private var isNeededUntilCommit: Bool {
        let index: LogIndex = configurations.currentIndex
        return index > commit && configurations.at(index - 1).isVoter(id)
    }

    /// Heard from within one election timeout.
    func isActive(_ member: MemberID) -> Bool {
        guard member != id else { return true }
        return (progress[member]?.silentTicks ?? .max) < settings.electionTicks
    }

    /// A term above ours was seen.
    ///
    /// Its leader, if the message named one, is followed.
    mutating func adopt(term: Term, leader: MemberID?) {
        precondition(term > ballot.term, "terms never go back: \(term) after \(ballot.term)")
        let cause: StepDownCause? = role == .leader ? .higherTerm : nil
        if let cause { note(.steppedDown(ballot.term, cause)) }
        ballot = Ballot(term: term)
        verified = commit
        enterFollower(leader: leader)
    }

    /// Within the same term: a candidate that meets its leader, or a leader that gives up.
    mutating func becomeFollower(leader: MemberID?, because cause: StepDownCause? = nil) {
        if role == .leader, let cause { note(.steppedDown(ballot.term, cause)) }
        enterFollower(leader: leader)
    }

    private mutating func enterFollower(leader: MemberID?) {
        if role == .leader { refuseReads(leader: leader) }
        role = .follower
        self.leader = nil
        resetElectionTimer()
        if let leader { follow(leader) }
    }

    /// Word from the leader of this term.
    mutating func heard(from leader: MemberID) {
        precondition(role != .leader, "two leaders in term \(ballot.term): \(id) and \(leader)")
        if role != .follower { becomeFollower(leader: leader) }
        if self.leader != leader { follow(leader) }
        if hastyCampaigns > 0 { resetElectionTimer() }
        electionElapsed = 0
        contactElapsed = 0
    }

    private mutating func follow(_ leader: MemberID) {
        self.leader = leader
        note(.following(leader, ballot.term))
    }

    mutating func resetElectionTimer() {
        electionElapsed = 0
        hastyCampaigns = 0
        electionTimeout = settings.electionTicks + random.below(settings.electionTicks)
    }

    mutating func becomeLeader() {
        precondition(role == .candidate, "only a candidate becomes leader, not a \(role)")
        role = .leader
        leader = id
        heartbeatElapsed = 0
        transferTarget = nil
        let fresh = Progress(next: log.lastIndex + 1)
        progress = Dictionary(uniqueKeysWithValues: peers.map { ($0, fresh) })
        uncommittedBytes = log.slice(commit + 1, through: log.lastIndex).reduce(0) { $0 + $1.cost }
        note(.becameLeader(ballot.term))
        (slowDiskTicks, othersReached) = (0, (0, 0))
        appendOwn([LogEntry(index: log.lastIndex + 1, term: ballot.term, kind: .noop)])
    }
}
