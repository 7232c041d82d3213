/// Elections: who asks for votes, and who gets one.
extension RaftCore {
    /// Asks for votes: first without obligation, so that a member that was cut off does not depose a healthy leader
    /// when it returns (Raft dissertation, section 9.6).
    ///
    /// A transfer asks at once.
    mutating func campaign(isTransfer: Bool) {
        let isAlone: Bool = quorum.agrees { $0 == id }
        guard !isTransfer, !isAlone else { return startElection(isTransfer: isTransfer) }
        role = .preCandidate
        leader = nil
        votes = [id: true]
        resetCampaignTimer()
        for voter in votersToAsk {
            send(.preVoteRequest(VoteRequest(last: log.last)), to: voter, term: ballot.term + 1)
        }
    }

    private mutating func startElection(isTransfer: Bool) {
        ballot = Ballot(term: ballot.term + 1, vote: id)
        role = .candidate
        leader = nil
        verified = commit
        // The own vote counts when it is on the disk, see `onBallotDurable`.
        votes = [:]
        resetCampaignTimer()
        note(.becameCandidate(ballot.term))
        for voter in votersToAsk {
            send(.voteRequest(VoteRequest(last: log.last, isTransfer: isTransfer)), to: voter)
        }
    }

    private var votersToAsk: [MemberID] { peers.filter { configuration.isVoter($0) } }

    /// A live leader protects itself and its voters protect it: requests are not even answered, and their term is not
    /// adopted.
    ///
    /// A former leader that asks for votes itself is not protected against itself.
    func protectsLeader(against candidate: MemberID) -> Bool {
        if flaws.contains(.forgetsStickiness) { return false }
        if role == .leader { return true }
        return leader != nil && leader != candidate && contactElapsed < settings.electionTicks
    }

    /// Says whether it would vote for the sender in the term of the message.
    ///
    /// Changes nothing.
    mutating func onPreVoteRequest(_ request: VoteRequest, _ message: Message) {
        let granted: Bool = message.term > ballot.term && request.last >= log.last && mending == nil
        if granted { makeWay() }
        send(.preVoteReply(granted: granted), to: message.from, term: granted ? message.term : ballot.term)
    }

    /// Grants or refuses a vote (Raft dissertation, section 3.4).
    ///
    /// Invariant: at most one candidate a term is ever granted, across restarts.
    mutating func onVoteRequest(_ request: VoteRequest, _ message: Message) {
        let isFree: Bool = ballot.vote == nil && leader == nil
        let isOpen: Bool = ballot.vote == message.from || isFree || flaws.contains(.votesTwice)
        let granted: Bool = message.term == ballot.term && isOpen && request.last >= log.last && mending == nil
        if granted {
            ballot.vote = message.from
            electionElapsed = 0
        }
        send(.voteReply(granted: granted), to: message.from)
    }

    mutating func onPreVoteReply(granted: Bool, _ message: Message) {
        guard role == .preCandidate, !granted || message.term == ballot.term + 1 else { return }
        votes[message.from] = votes[message.from] ?? granted
        if hasVotes(true) { startElection(isTransfer: false) } else if isLost { becomeFollower(leader: nil) }
    }

    mutating func onVoteReply(granted: Bool, _ message: Message) {
        guard role == .candidate, message.term == ballot.term else { return }
        recordVote(from: message.from, granted: granted)
    }

    mutating func recordVote(from voter: MemberID, granted: Bool) {
        votes[voter] = votes[voter] ?? granted
        if hasVotes(true) { becomeLeader() } else if isLost { becomeFollower(leader: nil) }
    }

    private func hasVotes(_ answer: Bool) -> Bool {
        quorum.agrees { votes[$0] == answer }
    }

    /// A majority of either half said no.
    private var isLost: Bool {
        !quorum.agrees { votes[$0] != false }
    }

    mutating func onBallotDurable(_ written: Ballot) {
        precondition(written.term >= durableBallot.term, "the disk confirmed \(written) after \(durableBallot)")
        durableBallot = written
        guard role == .candidate, written == ballot else { return }
        recordVote(from: id, granted: true)
    }

    /// The leader hands over: no pre-vote, and voters do not protect it.
    mutating func onCampaignNow() {
        guard mayCampaign else { return }
        campaign(isTransfer: true)
    }
}
