import StoreFormat

/// The last entries that changed records, oldest first: where watches resume from.
struct RecentChanges: Sendable {
    /// Everything from this revision on is here.
    private(set) var floor: Revision
    /// The last revision that was recorded; an entry that changed nothing counts.
    private(set) var last: Revision
    private var entries: [RevisionChanges] = []
    /// How many entries at the front were dropped already.
    private var head: Int = 0
    private var changeCount: Int = 0

    init(after revision: Revision) {
        floor = revision + 1
        last = revision
    }

    /// `limit` bounds the changes that are kept; entries above `keptElsewhere` are never dropped.
    mutating func append(_ entry: RevisionChanges, limit: Int, keptElsewhere: Revision) {
        precondition(entry.revision > last, "revision \(entry.revision) comes after \(last)")
        last = entry.revision
        guard !entry.changes.isEmpty else { return }
        entries.append(entry)
        changeCount += entry.changes.count
        while changeCount > limit, entries[head].revision <= keptElsewhere, head < entries.count - 1 {
            changeCount -= entries[head].changes.count
            floor = entries[head].revision + 1
            entries[head].changes = []
            head += 1
        }
        // Moving what is left is paid for by as many drops.
        if head > 1024, head > entries.count / 2 {
            entries.removeFirst(head)
            head = 0
        }
    }

    /// The entries from a revision on, at most `limit`, and the revision to go on from.
    func entries(from revision: Revision, limit: Int) -> (ArraySlice<RevisionChanges>, next: Revision) {
        var low: Int = head
        var high: Int = entries.count
        while low < high {
            let middle: Int = (low + high) / 2
            if entries[middle].revision < revision { low = middle + 1 } else { high = middle }
        }
        let end: Int = min(entries.count, low + limit)
        let next: Revision = end < entries.count ? entries[end].revision : max(revision, last + 1)
        return (entries[low..<end], next)
    }
}
