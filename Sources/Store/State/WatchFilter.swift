package import StoreFormat

/// Which records a watch is about.
///
/// A part that is nil does not restrict.
package struct WatchFilter: Hashable, Sendable {
    package var scopes: Set<UInt64>?
    package var tables: Set<Table>?
    /// The record carries this term.
    package var term: [UInt8]?
    package var numbers: Set<UInt64>?

    package init(
        scopes: Set<UInt64>? = nil,
        tables: Set<Table>? = nil,
        term: [UInt8]? = nil,
        numbers: Set<UInt64>? = nil
    ) {
        self.scopes = scopes
        self.tables = tables
        self.term = term
        self.numbers = numbers
    }

    package func matches(_ record: Record) -> Bool {
        if let tables, !tables.contains(record.key.table) { return false }
        if let scopes, !scopes.contains(record.scope) { return false }
        if let numbers, !numbers.contains(record.key.number) { return false }
        if let term, !record.has(term: term) { return false }
        return true
    }

    /// The change as this filter sees it; nil when it is not about any record of it.
    package func sees(_ change: RecordChange) -> Change? {
        let was: Bool = change.before.map(matches) ?? false
        let isNow: Bool = change.after.map(matches) ?? false
        let kind: Change.Kind
        switch (was, isNow) {
        case (false, false): return nil
        case (false, true): kind = .entered
        case (true, true): kind = .changed
        case (true, false): kind = .left
        }
        return Change(key: change.key, before: change.before, after: change.after, kind: kind)
    }

    func event(of entry: RevisionChanges) -> WatchEvent? {
        let changes: [Change] = entry.changes.compactMap(sees)
        return changes.isEmpty ? nil : WatchEvent(revision: entry.revision, changes: changes)
    }
}

/// All that one entry did to records.
struct RevisionChanges: Sendable {
    var revision: Revision
    /// Ascending by key.
    var changes: [RecordChange]
}

/// What a watch delivers: everything that one revision did within its filter, never a part of it.
package struct WatchEvent: Hashable, Sendable {
    package var revision: Revision
    /// Ascending by key; empty for a bookmark.
    package var changes: [Change]
    /// Nothing happened, but everything up to `revision` was delivered: resume from the next one.
    package var isBookmark: Bool

    package init(revision: Revision, changes: [Change], isBookmark: Bool = false) {
        self.revision = revision
        self.changes = changes
        self.isBookmark = isBookmark
    }
}

/// What became of one record, as a filter sees it.
package struct Change: Hashable, Sendable {
    package enum Kind: Hashable, Sendable {
        /// It was created, or came to match the filter.
        case entered
        case changed
        /// It was deleted (`after` is nil), or no longer matches the filter; then `after` is not for the
        /// eyes of whoever may see only what matches.
        case left
    }

    package var key: RecordKey
    package var before: Record?
    package var after: Record?
    package var kind: Kind

    package init(key: RecordKey, before: Record?, after: Record?, kind: Kind) {
        self.key = key
        self.before = before
        self.after = after
        self.kind = kind
    }
}
