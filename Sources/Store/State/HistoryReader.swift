import Bytes
import Limits
import SQLite
package import StoreFormat

/// Reads history, beside whoever writes it: each question opens the file for itself.
///
/// Calls block for the disk. Only what was flushed is seen.
package struct HistoryReader: Sendable {
    let path: String

    enum Past {
        case was(Record?)
        /// It never changed within history, so it was as it is.
        case unchanged
    }

    /// A record as it was right after `revision`.
    func record(_ key: RecordKey, at revision: Revision) throws(StoreFault) -> Past {
        let database: SQLiteDatabase = try open()
        let span: (floor: Revision, last: Revision) = try HistoryFile.span(database)
        guard revision < .max, revision + 1 >= span.floor, revision <= span.last else {
            throw StoreFault(
                file: path,
                problem: "revision \(revision) lies outside of history, \(span.floor) to \(span.last)",
                nextStep: "Ask for a revision within it."
            )
        }
        // The last change up to then says what it became; else the first one after says what it was.
        let sides: [(column: String, condition: String)] = [
            // What lies below the floor may be from before a gap: it says nothing of what came after that.
            ("after", "revision >= \(span.floor) AND revision <= ? ORDER BY revision DESC"),
            ("before", "revision > ? ORDER BY revision"),
        ]
        for (column, condition) in sides {
            let row: [SQLiteValue]? = try fault(path) { () throws(SQLiteError) in
                try database.rows(
                    "SELECT \(column) FROM changes WHERE tbl = ? AND number = ? AND \(condition) LIMIT 1",
                    .integer(Int64(key.table.rawValue)),
                    .integer(Int64(key.number)),
                    .integer(Int64(revision))
                ).first
            }
            if let row { return .was(try decode(row[0])) }
        }
        return .unchanged
    }

    /// The lowest revision from which on nothing is missing.
    ///
    /// Below it there may be entries still, with gaps between them: what came with a snapshot was never here.
    package func floor() throws(StoreFault) -> Revision { try HistoryFile.span(try open()).floor }

    /// The entries that changed a record, the latest first, below a revision; see ``floor()`` for gaps.
    package func entries(of key: RecordKey, below: Revision = .max, limit: Int) throws(StoreFault) -> [HistoryEntry] {
        try entries(
            """
            SELECT revision FROM changes WHERE tbl = \(key.table.rawValue) AND number = \(key.number)
            AND revision < \(Int64(clamping: below)) ORDER BY revision DESC LIMIT \(page(limit))
            """
        )
    }

    /// The entries with an audit record, the latest first, below a revision; see ``floor()`` for gaps.
    package func audits(below: Revision = .max, limit: Int) throws(StoreFault) -> [HistoryEntry] {
        try entries(
            """
            SELECT revision FROM entries WHERE audit IS NOT NULL AND revision < \(Int64(clamping: below))
            ORDER BY revision DESC LIMIT \(page(limit))
            """
        )
    }

    /// The entries with an audit record, the oldest first, above a revision.
    package func audits(above: Revision, limit: Int) throws(StoreFault) -> [HistoryEntry] {
        try entries(
            """
            SELECT revision FROM entries WHERE audit IS NOT NULL AND revision > \(Int64(clamping: above))
            ORDER BY revision LIMIT \(page(limit))
            """
        ).reversed()
    }

    /// Every entry that changed a record from a revision on and below another, ascending, for watches.
    func page(from revision: Revision, below end: Revision, limit: Int) throws(StoreFault) -> HistoryPage {
        let database: SQLiteDatabase = try open()
        let span: (floor: Revision, last: Revision) = try HistoryFile.span(database)
        guard revision >= span.floor else { return HistoryPage(entries: [], next: revision) }
        let last: Revision = min(span.last, end - 1)
        var page = HistoryPage(entries: [], next: max(revision, last + 1))
        var rows: [(Revision, SQLiteValue, SQLiteValue)] = []
        try fault(path) { () throws(SQLiteError) in
            let statement: SQLiteStatement = try database.prepare(
                """
                SELECT revision, before, after FROM changes WHERE revision >= ? AND revision <= ?
                ORDER BY revision, tbl, number
                """
            )
            try statement.bindAll([.integer(Int64(revision)), .integer(Int64(last))])
            defer { statement.reset() }
            var revisions: Int = 0
            while try statement.step() {
                let found = Revision(statement.int64(0))
                if found != rows.last?.0 { revisions += 1 }
                if revisions > limit {
                    page.next = found
                    break
                }
                rows.append((found, statement.value(1), statement.value(2)))
            }
        }
        for (found, before, after) in rows {
            let change: RecordChange = try change(before, after)
            if page.entries.last?.revision == found {
                page.entries[page.entries.count - 1].changes.append(change)
            } else {
                page.entries.append(RevisionChanges(revision: found, changes: [change]))
            }
        }
        return page
    }

    private func open() throws(StoreFault) -> SQLiteDatabase {
        try fault(path) { () throws(SQLiteError) in try SQLiteDatabase(path: path, readOnly: true) }
    }

    private func page(_ limit: Int) -> Int { max(0, min(limit, Limits.historyPage)) }

    private func entries(_ revisions: String) throws(StoreFault) -> [HistoryEntry] {
        let database: SQLiteDatabase = try open()
        let heads: [[SQLiteValue]] = try fault(path) { () throws(SQLiteError) in
            try database.rows(
                """
                SELECT revision, time, actor, request, resource, audit FROM entries WHERE revision IN (\(revisions))
                ORDER BY revision DESC
                """
            )
        }
        var found: [HistoryEntry] = []
        for head in heads {
            guard case .integer(let revision) = head[0], case .integer(let time) = head[1],
                case .text(let actor) = head[2], case .text(let request) = head[3]
            else { throw damaged("an entry has no revision, time, actor or request") }
            var entry = HistoryEntry(
                revision: Revision(revision),
                time: time,
                actor: actor,
                requestID: request,
                changes: []
            )
            if case .integer(let number) = head[4] { entry.resource = UInt64(number) }
            if case .blob(let bytes) = head[5] {
                var reader = ByteReader(bytes)
                do { entry.audit = try AuditRecord(from: &reader) } catch { throw damaged("\(error)") }
            }
            let rows: [[SQLiteValue]] = try fault(path) { () throws(SQLiteError) in
                try database.rows(
                    "SELECT before, after FROM changes WHERE revision = ? ORDER BY tbl, number",
                    .integer(revision)
                )
            }
            for row in rows { entry.changes.append(try change(row[0], row[1])) }
            found.append(entry)
        }
        return found
    }

    private func change(_ before: SQLiteValue, _ after: SQLiteValue) throws(StoreFault) -> RecordChange {
        let before: Record? = try decode(before)
        let after: Record? = try decode(after)
        guard let key = after?.key ?? before?.key else { throw damaged("a change has no record") }
        return RecordChange(key: key, before: before, after: after)
    }

    private func decode(_ value: SQLiteValue) throws(StoreFault) -> Record? {
        guard case .blob(let bytes) = value else { return nil }
        do { return try Record(decoding: bytes) } catch { throw damaged("\(error)") }
    }

    private func damaged(_ problem: String) -> StoreFault {
        StoreFault(
            file: path,
            problem: "the history is damaged: \(problem)",
            nextStep: "Move the file away: a new history begins at the next entry."
        )
    }
}
