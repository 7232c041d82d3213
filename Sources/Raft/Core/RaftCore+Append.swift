/// A follower's side of replication.
extension RaftCore {
    /// Takes the leader's entries if they fit what is here (Raft dissertation, section 3.5).
    mutating func onAppend(_ request: AppendRequest, from leader: MemberID) {
        guard isWellFormed(request) else { return }
        mendAtLeast(through: request.commit)
        defer { finishMending() }
        var previous: LogPosition = request.previous
        var entries: ArraySlice<LogEntry> = request.entries[...]
        // What is committed here is in every later leader's log, so it need not be compared.
        while previous.index < commit, let entry = entries.first {
            previous = entry.position
            entries.removeFirst()
        }
        guard previous.index >= commit else { return acknowledge(to: leader) }
        guard log.term(at: previous.index) == previous.term else {
            let hint: LogPosition = log.possibleMatch(atMost: previous.index, term: previous.term)
            let rejection = AppendRejection(
                previousIndex: request.previous.index,
                hint: hint,
                number: mending == nil ? request.number : Self.mendingNumber
            )
            return send(.appendRejected(rejection), to: leader)
        }
        let end: LogIndex = entries.last?.index ?? previous.index
        while let entry = entries.first, log.term(at: entry.index) == entry.term { entries.removeFirst() }
        if let first = entries.first {
            if first.index <= log.lastIndex { truncate(from: first.index) }
            appendLocally(Array(entries))
        }
        verified = max(verified, end)
        advanceCommit(to: min(request.commit, verified))
        // While the disk still works nothing is said: its answer brings us to `onLogDurable`.
        if durable >= verified || flaws.contains(.acknowledgesEarly) { acknowledge(to: leader) }
    }

    /// Entries that do not follow each other are nothing a leader would send; they are not looked at.
    private func isWellFormed(_ request: AppendRequest) -> Bool {
        var last: LogPosition = request.previous
        for entry in request.entries {
            guard entry.index == last.index + 1, entry.term >= last.term, entry.term <= ballot.term else {
                return false
            }
            if entry.kind == .configuration, Configuration(encoded: entry.payload) == nil { return false }
            last = entry.position
        }
        return true
    }

    /// Tells the leader what is on the disk here and equal to its log.
    mutating func acknowledge(to leader: MemberID) {
        let match: LogIndex = flaws.contains(.acknowledgesEarly) ? verified : min(durable, verified)
        send(.appendAccepted(match: match), to: leader)
    }

    mutating func onHeartbeat(commit leaderCommit: LogPosition, round: UInt64, from leader: MemberID) {
        // The same term at the same index: the logs agree up to there.
        if log.term(at: leaderCommit.index) == leaderCommit.term { verified = max(verified, leaderCommit.index) }
        advanceCommit(to: min(leaderCommit.index, verified))
        send(.heartbeatReply(round: round), to: leader)
        // The leader believes that this is on the disk here, and would send nothing.
        if mending != nil, log.term(at: leaderCommit.index) != leaderCommit.term {
            sayLost(leaderCommit, to: leader)
        }
    }
}
