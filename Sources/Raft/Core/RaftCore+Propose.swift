/// How entries come into the log: from this leader's own callers, and from its disk's answers.
extension RaftCore {
    mutating func onPropose(_ proposals: [Proposal]) {
        guard !proposals.isEmpty else { return }
        let ids: [UInt64] = proposals.map(\.id)
        if let refusal = proposalRefusal { return news.append(.rejected(ids: ids, refusal)) }
        let first: LogIndex = log.lastIndex + 1
        var entries: [LogEntry] = []
        entries.reserveCapacity(proposals.count)
        for (offset, proposal) in proposals.enumerated() {
            entries.append(
                LogEntry(
                    index: first + LogIndex(offset),
                    term: ballot.term,
                    kind: .data,
                    version: proposal.version,
                    payload: proposal.payload
                )
            )
        }
        news.append(.accepted(ids: ids, first: first, term: ballot.term))
        appendOwn(entries)
    }

    /// Whether this leader may be relied upon: an entry of its own term is committed and applied here.
    package var takesProposals: Bool { role == .leader && hasCommittedInTerm && announced == commit }

    private var proposalRefusal: ProposalRefusal? {
        guard role == .leader else { return .notLeader(leader: leader) }
        if let target = transferTarget { return .transferring(to: target) }
        return uncommittedBytes >= settings.uncommittedBytes ? .busy : nil
    }

    /// Puts a leader's own entries into its log and sends them on before its disk has them.
    ///
    /// Its own acknowledgement counts only when the disk answers (`onLogDurable`).
    mutating func appendOwn(_ entries: [LogEntry]) {
        for entry in entries { uncommittedBytes += entry.cost }
        appendLocally(entries)
        broadcastAppend()
    }

    /// Appends to the log in memory and asks for the disk.
    mutating func appendLocally(_ entries: [LogEntry]) {
        guard let last = entries.last else { return }
        var changed: Bool = false
        for entry in entries {
            log.append(entry)
            guard entry.kind == .configuration else { continue }
            configurations.append(Self.configuration(in: entry), at: entry.index)
            changed = true
        }
        lastWrite += 1
        pendingWrites.append((lastWrite, last.index))
        disk.append(.append(entries, write: lastWrite))
        if changed { onConfigurationChanged() }
    }

    /// The disk has everything up to this write.
    ///
    /// Numbers, not positions, because an index and term may be written, truncated and written again.
    mutating func onLogDurable(write: UInt64) {
        var reached: LogIndex = durable
        while let oldest = pendingWrites.first, oldest.write <= write {
            reached = max(reached, oldest.last)
            pendingWrites.removeFirst()
        }
        diskIdleTicks = 0
        durable = reached
        finishMending()
        if role == .leader {
            commitWhatMajorityHas()
        } else if let leader {
            acknowledge(to: leader)
        }
    }

    /// Drops a suffix that conflicts with the leader's log.
    mutating func truncate(from index: LogIndex) {
        precondition(index > commit, "entry \(index) is committed (up to \(commit)) and cannot be truncated")
        log.truncate(from: index)
        durable = min(durable, index - 1)
        for position in pendingWrites.indices {
            pendingWrites[position].last = min(pendingWrites[position].last, index - 1)
        }
        let last: Configuration = configuration
        let changed: Bool = configurations.truncate(from: index)
        if flaws.contains(.keepsTruncatedConfiguration), changed, index - 1 > configurations.currentIndex {
            configurations.append(last, at: index - 1)
        }
        disk.append(.truncate(to: log.last, configuration))
        if changed { onConfigurationChanged() }
    }

    mutating func onCompact(through index: LogIndex) {
        precondition(index <= announced, "entry \(index) is not applied yet (up to \(announced))")
        log.compact(through: index)
        configurations.compact(through: index)
    }
}
