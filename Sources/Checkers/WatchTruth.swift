/// What really happened, revision by revision, for a ``WatchChecker`` to compare with.
package struct WatchTruth: Sendable {
    /// A key's value and what filters may ask for.
    package struct State: Hashable, Sendable {
        package var value: String
        package var labels: Set<String>

        package init(_ value: String, labels: Set<String> = []) {
            self.value = value
            self.labels = labels
        }
    }

    package struct Change: Hashable, Sendable {
        package var key: String
        package var before: State?
        package var after: State?

        package init(key: String, before: State?, after: State?) {
            self.key = key
            self.before = before
            self.after = after
        }
    }

    typealias Seen = (revision: UInt64, changes: [WatchedChange])

    /// Ascending; revisions that changed nothing need not be here.
    private var revisions: [(revision: UInt64, changes: [Change])] = []
    /// The last revision there was.
    package private(set) var last: UInt64 = 0
    /// Whether nothing happened but this.
    ///
    /// Otherwise watches may show more, as long as they agree; what was there before a change is not known, so only keys and
    /// new values are compared, and only filters by keys are judged.
    package let isComplete: Bool

    /// A truth to which every revision that changed something is added, in order.
    package init() { isComplete = true }

    /// The changes that clients know they made: those with a revision.
    package init(of operations: [ClientOperation]) {
        isComplete = false
        var found: [UInt64: [Change]] = [:]
        for operation in operations {
            guard case .done(let revision?) = operation.outcome else { continue }
            let after: State? =
                switch operation.request {
                case .write(let value), .create(let value), .replace(let value, _): State(value)
                case .read, .delete: nil
                }
            found[revision, default: []].append(Change(key: operation.key, before: nil, after: after))
        }
        for (revision, changes) in found.sorted(by: { $0.key < $1.key }) { append(revision, changes) }
    }

    /// - Parameter revision: above all before it.
    package mutating func append(_ revision: UInt64, _ changes: [Change]) {
        precondition(revision > last, "revision \(revision) comes after \(last)")
        last = revision
        if !changes.isEmpty { revisions.append((revision, changes)) }
    }

    /// The changes as a filter sees them; revisions of which it sees nothing are left out.
    func seen(by filter: WatchRecord.Filter) -> [Seen] {
        guard isComplete || filter.labels.isEmpty else { return [] }
        return revisions.compactMap { entry in
            let changes: [WatchedChange] = entry.changes.compactMap(isComplete ? filter.sees : filter.guesses)
            return changes.isEmpty ? nil : (entry.revision, changes.sorted { $0.key < $1.key })
        }
    }

    /// What a filter shows at a revision: key and value.
    func contents(at revision: UInt64, _ filter: WatchRecord.Filter) -> [String: String] {
        var contents: [String: String] = [:]
        for entry in revisions {
            guard entry.revision <= revision else { break }
            for change in entry.changes {
                contents[change.key] = change.after.flatMap { filter.matches(change.key, $0) ? $0.value : nil }
            }
        }
        return contents
    }
}

extension WatchRecord.Filter {
    func matches(_ key: String, _ state: WatchTruth.State) -> Bool {
        if let keys, !keys.contains(key) { return false }
        return labels.isSubset(of: state.labels)
    }

    fileprivate func sees(_ change: WatchTruth.Change) -> WatchedChange? {
        let was: Bool = change.before.map { matches(change.key, $0) } ?? false
        let isNow: Bool = change.after.map { matches(change.key, $0) } ?? false
        let kind: WatchedChange.Kind
        switch (was, isNow) {
        case (false, false): return nil
        case (false, true): kind = .entered
        case (true, true): kind = .changed
        case (true, false): kind = .left
        }
        return WatchedChange(key: change.key, kind: kind, before: change.before?.value, after: change.after?.value)
    }

    /// Without what was there before.
    fileprivate func guesses(_ change: WatchTruth.Change) -> WatchedChange? {
        if let keys, !keys.contains(change.key) { return nil }
        return WatchedChange(key: change.key, kind: change.after == nil ? .left : .changed, after: change.after?.value)
    }
}
