/// The part of the log that is kept in memory: everything after the last compaction.
///
/// Limits: it is bounded by compaction alone; whoever runs the core compacts after each checkpoint.
package struct EntryTail: Sendable {
    /// The last entry that is no longer here; its term is still known.
    package private(set) var base: LogPosition
    private var entries: [LogEntry]

    /// Invariant: `entries` follow `base` without a gap, with terms that never fall.
    package init(base: LogPosition, entries: [LogEntry] = []) {
        self.base = base
        self.entries = []
        self.entries.reserveCapacity(entries.count)
        for entry in entries { append(entry) }
    }

    package var firstIndex: LogIndex { base.index + 1 }
    package var last: LogPosition { entries.last?.position ?? base }
    package var lastIndex: LogIndex { base.index + LogIndex(entries.count) }

    package mutating func append(_ entry: LogEntry) {
        precondition(entry.index == lastIndex + 1, "entry \(entry.index) does not follow \(lastIndex)")
        precondition(entry.term >= last.term, "terms never fall along the log: \(entry.term) after \(last.term)")
        entries.append(entry)
    }

    /// The term of the entry at `index`, or nil when it was compacted away or does not exist yet.
    package func term(at index: LogIndex) -> Term? {
        guard index >= base.index, index <= lastIndex else { return nil }
        return index == base.index ? base.term : entries[offset(of: index)].term
    }

    package subscript(index: LogIndex) -> LogEntry { entries[offset(of: index)] }

    /// The entries from `first` to `last`, both included.
    package func slice(_ first: LogIndex, through last: LogIndex) -> ArraySlice<LogEntry> {
        guard first <= last else { return [] }
        precondition(first >= firstIndex && last <= lastIndex, "entries \(first)...\(last) are not in memory")
        return entries[offset(of: first)...offset(of: last)]
    }

    /// Entries from `first` on, at least one if there is one, at most about `bytes` of them.
    func batch(from first: LogIndex, bytes: Int) -> [LogEntry] {
        var size: Int = 0
        var end: LogIndex = first
        while end <= lastIndex {
            size += entries[offset(of: end)].cost
            if size > bytes, end > first { break }
            end += 1
        }
        return Array(slice(first, through: end - 1))
    }

    /// Drops `index` and everything after it.
    mutating func truncate(from index: LogIndex) {
        precondition(index > base.index, "cannot truncate at \(index), compacted up to \(base.index)")
        guard index <= lastIndex else { return }
        entries.removeLast(Int(lastIndex - index + 1))
    }

    /// Forgets everything up to `index`, if that is in memory.
    mutating func compact(through index: LogIndex) {
        guard let term = term(at: index) else { return }
        entries.removeFirst(Int(index - base.index))
        base = LogPosition(index: index, term: term)
    }

    /// Starts again, empty, after a snapshot.
    mutating func reset(to position: LogPosition) {
        base = position
        entries = []
    }

    /// The last position at or below `index` whose term is at most `term`: where two logs may still agree.
    ///
    /// Lets a follower and a leader skip a whole term a message instead of one entry (Raft dissertation, section 3.5).
    func possibleMatch(atMost index: LogIndex, term: Term) -> LogPosition {
        var at: LogIndex = min(index, lastIndex)
        while at > base.index, entries[offset(of: at)].term > term { at -= 1 }
        return at <= base.index ? base : entries[offset(of: at)].position
    }

    private func offset(of index: LogIndex) -> Int { Int(index - base.index) - 1 }
}
