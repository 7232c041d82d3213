/// A leader's side of replication, and what counts as committed.
extension RaftCore {
    mutating func broadcastAppend() {
        for peer in peers { replicate(to: peer) }
    }

    /// Sends as much as the peer's window takes; a message without entries, when there are none, unless told otherwise.
    mutating func replicate(to peer: MemberID, evenEmpty: Bool = true) {
        var mayBeEmpty: Bool = evenEmpty
        while let state = progress[peer], !state.hasLostLog, state.mayReceive(settings) {
            let hasEntries: Bool = state.next <= log.lastIndex
            guard hasEntries || mayBeEmpty else { return }
            mayBeEmpty = false
            guard let previousTerm = log.term(at: state.next - 1) else { return needSnapshot(peer) }
            let entries: [LogEntry] = log.batch(from: state.next, bytes: settings.appendBytes)
            let previous = LogPosition(index: state.next - 1, term: previousTerm)
            appendNumber += 1
            let request = AppendRequest(previous: previous, entries: entries, commit: commit, number: appendNumber)
            send(.append(request), to: peer)
            guard let last = entries.last else { return }
            progress[peer]?.sent(through: last.index, bytes: entries.reduce(0) { $0 + $1.cost })
        }
    }

    private mutating func needSnapshot(_ peer: MemberID) {
        // A silent peer would only be sent one in vain, again and again.
        guard isActive(peer), progress[peer]?.hasAnswered == true else { return }
        progress[peer]?.phase = .snapshot
        news.append(.snapshotNeeded(peer))
    }

    mutating func onAppendAccepted(match: LogIndex, from peer: MemberID) {
        guard role == .leader, var state = progress[peer], match <= log.lastIndex else { return }
        state.heard()
        guard !state.hasLostLog else { return progress[peer] = state }
        let isNews: Bool = state.accepted(match)
        if isNews { state.matchKnownAt = appendNumber }
        switch state.phase {
        case .probe: state.replicate()
        case .snapshot where log.term(at: state.match) != nil: state.replicate()
        case .snapshot, .replicate: break
        }
        progress[peer] = state
        if isNews { commitWhatMajorityHas() }
        replicate(to: peer, evenEmpty: false)
        finishTransfer(with: peer)
    }

    mutating func onAppendRejected(_ rejection: AppendRejection, from peer: MemberID) {
        guard role == .leader else { return }
        if rejection.number == Self.mendingNumber { forgetMatch(of: peer, has: rejection.hint.index) }
        guard var state = progress[peer] else { return }
        state.heard()
        if rejection.previousIndex <= state.match {
            // An old message, unless the question was asked after the acknowledgement had arrived: then the disk over
            // there forgot what it had acknowledged.
            let isLoss: Bool = rejection.number > state.matchKnownAt && rejection.hint.index < state.match
            guard isLoss, !state.hasLostLog else { return progress[peer] = state }
            state.hasLostLog = true
            progress[peer] = state
            return note(.memberLostLog(peer, acknowledged: state.match, has: rejection.hint.index))
        }
        guard state.phase != .snapshot else { return progress[peer] = state }
        let meeting: LogPosition = log.possibleMatch(atMost: rejection.hint.index, term: rejection.hint.term)
        // Below the base nothing is known, so the next message finds that a snapshot is needed.
        let next: LogIndex = rejection.hint.index < log.base.index ? log.base.index : meeting.index + 1
        state.probe(from: min(next, rejection.previousIndex))
        progress[peer] = state
        replicate(to: peer)
    }

    mutating func broadcastHeartbeat() {
        for peer in peers { sendHeartbeat(to: peer) }
    }

    /// What counts as being on the member's disk.
    func match(of member: MemberID) -> LogIndex {
        guard member != id else { return durable }
        return progress[member].map { $0.hasLostLog ? 0 : $0.match } ?? 0
    }

    private mutating func sendHeartbeat(to peer: MemberID) {
        // Never beyond what the peer has: its log may differ there.
        let index: LogIndex = min(commit, match(of: peer))
        let known: LogPosition = log.term(at: index).map { LogPosition(index: index, term: $0) } ?? .start
        send(.heartbeat(commit: known, round: reads.round), to: peer)
    }

    mutating func onHeartbeatReply(round: UInt64, from peer: MemberID) {
        guard role == .leader, var state = progress[peer] else { return }
        state.heard()
        state.round = max(state.round, round)
        state.heartbeatAnswered(settings)
        progress[peer] = state
        // Messages may have been lost: an empty one finds out.
        if state.match < log.lastIndex { replicate(to: peer) }
        finishReads()
    }

    /// Commits what a majority has on its disks, if the last of it is of this term (Raft paper, section 5.4.2 and
    /// figure 8: counting copies of older entries is not enough).
    mutating func commitWhatMajorityHas() {
        let reached: LogIndex = min(quorum.reached { match(of: $0) }, log.lastIndex)
        guard reached > commit else { return }
        guard log.term(at: reached) == ballot.term || flaws.contains(.commitsOldTerms) else { return }
        for entry in log.slice(commit + 1, through: reached) { uncommittedBytes -= entry.cost }
        advanceCommit(to: reached)
        broadcastAppend()
        startReads()
        onOwnCommit()
    }
}
