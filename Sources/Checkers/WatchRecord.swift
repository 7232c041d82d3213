/// What one reader of watches did and saw, in order: one watch after the other, on any members.
package struct WatchRecord: Hashable, Sendable {
    /// What a watch is about: all of it must hold.
    package struct Filter: Hashable, Sendable {
        /// Nil: every key.
        package var keys: Set<String>?
        /// What a state must carry, each of them.
        package var labels: Set<String>

        package init(keys: Set<String>? = nil, labels: Set<String> = []) {
            self.keys = keys
            self.labels = labels
        }
    }

    package enum Step: Hashable, Sendable {
        /// A watch began; the first revision that it is asked for.
        case opened(from: UInt64)
        /// Everything that one revision did within the filter.
        case event(revision: UInt64, [WatchedChange])
        /// "Everything up to here was delivered."
        case bookmark(revision: UInt64)
        /// The watch ended, and this is what it said to go on from; nil when it said nothing.
        case ended(resumeFrom: UInt64?)
        /// The reader listed what is there at a revision: key and value; nil when the contents were not kept.
        case listed(revision: UInt64, [String: String]?)
    }

    package var watcher: String
    package var filter: Filter
    package var steps: [Step]

    package init(watcher: String, filter: Filter = Filter(), steps: [Step] = []) {
        self.watcher = watcher
        self.filter = filter
        self.steps = steps
    }
}

/// What became of one key, as a filter sees it.
package struct WatchedChange: Hashable, Sendable {
    package enum Kind: String, Hashable, Sendable {
        /// It was created, or came to match the filter.
        case entered
        case changed
        /// It was deleted, or no longer matches the filter.
        case left
    }

    package var key: String
    package var kind: Kind
    /// Values; nil for none, or when the watch does not tell.
    package var before: String?
    package var after: String?

    package init(key: String, kind: Kind, before: String? = nil, after: String? = nil) {
        self.key = key
        self.kind = kind
        self.before = before
        self.after = after
    }
}

extension WatchedChange: CustomStringConvertible {
    package var description: String { "\(key) \(kind.rawValue) (\(before ?? "–") → \(after ?? "–"))" }
}

extension WatchRecord.Step: CustomStringConvertible {
    package var description: String {
        switch self {
        case .opened(let revision): "watches from \(revision)"
        case .event(let revision, let changes):
            "event \(revision): \(changes.map(\.description).joined(separator: ", "))"
        case .bookmark(let revision): "bookmark \(revision)"
        case .ended(let revision): "ended" + (revision.map { ", resume from \($0)" } ?? "")
        case .listed(let revision, let contents):
            "listed at \(revision)" + (contents.map { ": \($0.count) keys" } ?? "")
        }
    }
}
