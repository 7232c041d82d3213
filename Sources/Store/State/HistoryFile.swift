import Bytes
import SQLite
package import StoreFormat

/// Past entries and the records they changed, by revision: append-only, equal on all members.
///
/// `span` says what is in it without a gap: every entry from `floor` to `last`. Used by one thread at
/// a time: the lock of ``StoreDisk``; readers open the file for themselves.
final class HistoryFile {
    static let name: String = "history.db"
    private static let version: Int32 = 1

    private let database: SQLiteDatabase
    private(set) var floor: Revision = 1
    private(set) var last: Revision = 0

    var path: String { database.path }

    init(path: String) throws(StoreFault) {
        database = try fault(path) { () throws(SQLiteError) in
            let database: SQLiteDatabase = try SQLiteDatabase(path: path)
            try database.useWriteAheadLog()
            try database.setSynchronous(.full)
            return database
        }
        try prepare()
        (floor, last) = try Self.span(database)
    }

    private func prepare() throws(StoreFault) {
        let found: Int64 = try fault(path) { () throws(SQLiteError) in try database.userVersion() }
        guard found == 0 || found == Int64(Self.version) else {
            throw StoreFault(
                file: path,
                problem: "history format \(found) is not known to this version",
                nextStep: "Start the version that wrote it, or a later one."
            )
        }
        guard found == 0 else { return }
        try fault(path) { () throws(SQLiteError) in
            try database.transaction { () throws(SQLiteError) in
                try database.execute(
                    """
                    CREATE TABLE entries (revision INTEGER PRIMARY KEY, time INTEGER NOT NULL, actor TEXT NOT NULL,
                        request TEXT NOT NULL, resource INTEGER, audit BLOB);
                    CREATE TABLE changes (revision INTEGER NOT NULL, tbl INTEGER NOT NULL, number INTEGER NOT NULL,
                        before BLOB, after BLOB);
                    CREATE UNIQUE INDEX changes_by_record ON changes (tbl, number, revision);
                    CREATE INDEX changes_by_revision ON changes (revision);
                    CREATE TABLE span (one INTEGER PRIMARY KEY CHECK (one = 1), floor INTEGER NOT NULL,
                        last INTEGER NOT NULL);
                    INSERT INTO span VALUES (1, 1, 0);
                    PRAGMA user_version = \(Self.version);
                    """
                )
            }
        }
    }

    static func span(_ database: SQLiteDatabase) throws(StoreFault) -> (floor: Revision, last: Revision) {
        let row: [SQLiteValue] =
            try fault(database.path) { () throws(SQLiteError) in
                try database.rows("SELECT floor, last FROM span").first ?? []
            }
        guard row.count == 2, case .integer(let floor) = row[0], case .integer(let last) = row[1], floor >= 1,
            last >= floor - 1
        else {
            throw StoreFault(
                file: database.path,
                problem: "the history is damaged: it does not say what it spans",
                nextStep: "Move the file away: a new history begins at the next entry."
            )
        }
        return (Revision(floor), Revision(last))
    }

    /// The state begins at `revision`, from a checkpoint: what history lacks below stays a gap.
    func begin(after revision: Revision) throws(StoreFault) {
        guard last < revision else { return }
        try fault(path) { () throws(SQLiteError) in
            try database.run(
                "UPDATE span SET floor = ?, last = ?",
                .integer(Int64(revision) + 1),
                .integer(Int64(revision))
            )
        }
        (floor, last) = (revision + 1, revision)
    }

    /// Appends what lies above ``last``; entries that are replayed after a crash are in it already.
    func append(_ entries: [HistoryEntry], upTo revision: Revision) throws(StoreFault) {
        guard revision > last else { return }
        try fault(path) { () throws(SQLiteError) in
            try database.transaction { () throws(SQLiteError) in
                for entry in entries where entry.revision > last { try insert(entry) }
                try database.run("UPDATE span SET last = ?", .integer(Int64(revision)))
            }
        }
        last = revision
    }

    private func insert(_ entry: HistoryEntry) throws(SQLiteError) {
        let revision = SQLiteValue.integer(Int64(entry.revision))
        let audit: SQLiteValue =
            entry.audit.map { record in
                var writer = ByteWriter()
                record.encode(into: &writer)
                return .blob(writer.bytes)
            } ?? .null
        try database.run(
            "INSERT INTO entries (revision, time, actor, request, resource, audit) VALUES (?, ?, ?, ?, ?, ?)",
            revision,
            .integer(entry.time),
            .text(entry.actor),
            .text(entry.requestID),
            entry.resource.map { .integer(Int64($0)) } ?? .null,
            audit
        )
        for change in entry.changes {
            try database.run(
                "INSERT INTO changes (revision, tbl, number, before, after) VALUES (?, ?, ?, ?, ?)",
                revision,
                .integer(Int64(change.key.table.rawValue)),
                .integer(Int64(change.key.number)),
                change.before.map { .blob($0.encoded()) } ?? .null,
                change.after.map { .blob($0.encoded()) } ?? .null
            )
        }
    }

    /// Forgets everything below a revision.
    func cut(below revision: Revision) throws(StoreFault) {
        let horizon: Revision = min(revision, last + 1)
        guard horizon > floor else { return }
        try fault(path) { () throws(SQLiteError) in
            try database.transaction { () throws(SQLiteError) in
                try database.run("DELETE FROM changes WHERE revision < ?", .integer(Int64(horizon)))
                try database.run("DELETE FROM entries WHERE revision < ?", .integer(Int64(horizon)))
                try database.run("UPDATE span SET floor = ?", .integer(Int64(horizon)))
            }
        }
        floor = horizon
    }
}

/// One past entry: who did what, when, by which request.
package struct HistoryEntry: Hashable, Sendable {
    package var revision: Revision
    /// Milliseconds since 1970.
    package var time: Int64
    package var actor: String
    package var requestID: String
    package var audit: AuditRecord?
    /// What the audit record is about, also when the entry created it.
    package var resource: UInt64?
    /// Ascending by key.
    package var changes: [RecordChange]
}
