import Bytes
import SQLite
package import StoreFormat

/// Past entries and the records they changed, by revision: append-only, equal on all members.
///
/// `span` says what is in it without a gap: every entry from `floor` to `last`. Used by one thread at
/// a time: the lock of ``StoreDisk``; readers open the file for themselves.
final class HistoryFile {
    static let name: String = "history.db"
    static let version: Int32 = 2

    private let database: SQLiteDatabase
    private(set) var floor: Revision = 1
    private(set) var last: Revision = 0
    /// The hash of the last entry, see ``HistoryChain``.
    private var head: [UInt8] = HistoryChain.start

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
        head = try Self.head(database)
    }

    private func prepare() throws(StoreFault) {
        let found: Int64 = try fault(path) { () throws(SQLiteError) in try database.userVersion() }
        guard (0...Int64(Self.version)).contains(found) else {
            throw StoreFault(
                file: path,
                problem: "history format \(found) is not known to this version",
                nextStep: "Start the version that wrote it, or a later one."
            )
        }
        if found == 1 { try chain() }
        guard found == 0 else { return }
        try fault(path) { () throws(SQLiteError) in
            try database.transaction { () throws(SQLiteError) in
                try database.execute(
                    """
                    CREATE TABLE entries (revision INTEGER PRIMARY KEY, time INTEGER NOT NULL, actor TEXT NOT NULL,
                        request TEXT NOT NULL, resource INTEGER, audit BLOB, chain BLOB);
                    CREATE TABLE changes (revision INTEGER NOT NULL, tbl INTEGER NOT NULL, number INTEGER NOT NULL,
                        before BLOB, after BLOB);
                    CREATE UNIQUE INDEX changes_by_record ON changes (tbl, number, revision);
                    CREATE INDEX changes_by_revision ON changes (revision);
                    CREATE TABLE span (one INTEGER PRIMARY KEY CHECK (one = 1), floor INTEGER NOT NULL,
                        last INTEGER NOT NULL, anchor BLOB, head BLOB);
                    CREATE TABLE gaps (revision INTEGER PRIMARY KEY, chain BLOB NOT NULL);
                    PRAGMA user_version = \(Self.version);
                    """
                )
                try database.run(
                    "INSERT INTO span VALUES (1, 1, 0, ?, ?)",
                    .blob(HistoryChain.start),
                    .blob(HistoryChain.start)
                )
            }
        }
    }

    /// Gives a file of the first format its hashes.
    ///
    /// What was changed in it before is not found out.
    private func chain() throws(StoreFault) {
        let floor: Int64 = Int64(try Self.span(database).floor)
        try fault(path) { () throws(SQLiteError) in
            try database.transaction { () throws(SQLiteError) in
                try database.execute(
                    """
                    ALTER TABLE entries ADD COLUMN chain BLOB;
                    ALTER TABLE span ADD COLUMN anchor BLOB;
                    ALTER TABLE span ADD COLUMN head BLOB;
                    CREATE TABLE gaps (revision INTEGER PRIMARY KEY, chain BLOB NOT NULL);
                    PRAGMA user_version = \(Self.version);
                    """
                )
                var chain: [UInt8] = HistoryChain.start
                var passedFloor: Bool = floor <= 1
                func passFloor() throws(SQLiteError) {
                    passedFloor = true
                    chain = HistoryChain.gap(chain, upTo: floor - 1)
                    try database.run("INSERT INTO gaps VALUES (?, ?)", .integer(floor - 1), .blob(chain))
                }
                for row in try database.rows("SELECT revision FROM entries ORDER BY revision") {
                    guard case .integer(let revision) = row[0] else { continue }
                    if !passedFloor, revision >= floor { try passFloor() }
                    chain = try Self.chained(chain, revision, database)
                    try database.run(
                        "UPDATE entries SET chain = ? WHERE revision = ?",
                        .blob(chain),
                        .integer(revision)
                    )
                }
                if !passedFloor { try passFloor() }
                try database.run("UPDATE span SET anchor = ?, head = ?", .blob(HistoryChain.start), .blob(chain))
            }
        }
    }

    /// The hash of an entry that is in the file.
    private static func chained(
        _ before: [UInt8],
        _ revision: Int64,
        _ database: SQLiteDatabase
    ) throws(SQLiteError) -> [UInt8] {
        let changes: [HistoryChain.Change] = try database.rows(
            "SELECT tbl, number, before, after FROM changes WHERE revision = ? ORDER BY tbl, number",
            .integer(revision)
        ).map { row in
            HistoryChain.Change(
                table: row[0].asInteger ?? 0,
                number: row[1].asInteger ?? 0,
                before: row[2].asBlob,
                after: row[3].asBlob
            )
        }
        let row: [SQLiteValue] =
            try database.rows(
                "SELECT time, actor, request, resource, audit FROM entries WHERE revision = ?",
                .integer(revision)
            ).first ?? []
        return HistoryChain.next(
            before,
            revision: revision,
            time: row[0].asInteger ?? 0,
            actor: row[1].asText ?? "",
            request: row[2].asText ?? "",
            resource: row[3].asInteger,
            audit: row[4].asBlob,
            changes: changes
        )
    }

    private static func head(_ database: SQLiteDatabase) throws(StoreFault) -> [UInt8] {
        let row: [SQLiteValue] =
            try fault(database.path) { () throws(SQLiteError) in
                try database.rows("SELECT head FROM span").first ?? []
            }
        guard let head: [UInt8] = row.first?.asBlob else {
            throw StoreFault(
                file: database.path,
                problem: "the history is damaged: it does not say where its hashes end",
                nextStep: "Move the file away: a new history begins at the next entry."
            )
        }
        return head
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
        let chain: [UInt8] = HistoryChain.gap(head, upTo: Int64(revision))
        try fault(path) { () throws(SQLiteError) in
            try database.transaction { () throws(SQLiteError) in
                try database.run("INSERT INTO gaps VALUES (?, ?)", .integer(Int64(revision)), .blob(chain))
                try database.run(
                    "UPDATE span SET floor = ?, last = ?, head = ?",
                    .integer(Int64(revision) + 1),
                    .integer(Int64(revision)),
                    .blob(chain)
                )
            }
        }
        (floor, last, head) = (revision + 1, revision, chain)
    }

    /// Appends what lies above ``last``; entries that are replayed after a crash are in it already.
    func append(_ entries: [HistoryEntry], upTo revision: Revision) throws(StoreFault) {
        guard revision > last else { return }
        var chain: [UInt8] = head
        try fault(path) { () throws(SQLiteError) in
            try database.transaction { () throws(SQLiteError) in
                for entry in entries where entry.revision > last { chain = try insert(entry, chain) }
                try database.run("UPDATE span SET last = ?, head = ?", .integer(Int64(revision)), .blob(chain))
            }
        }
        (last, head) = (revision, chain)
    }

    /// - Returns: the entry's hash.
    private func insert(_ entry: HistoryEntry, _ before: [UInt8]) throws(SQLiteError) -> [UInt8] {
        let revision = SQLiteValue.integer(Int64(entry.revision))
        let audit: [UInt8]? = entry.audit.map { record in
            var writer = ByteWriter()
            record.encode(into: &writer)
            return writer.bytes
        }
        let changes: [HistoryChain.Change] = entry.changes.map { change in
            HistoryChain.Change(
                table: Int64(change.key.table.rawValue),
                number: Int64(change.key.number),
                before: change.before?.encoded(),
                after: change.after?.encoded()
            )
        }
        let chain: [UInt8] = HistoryChain.next(
            before,
            revision: Int64(entry.revision),
            time: entry.time,
            actor: entry.actor,
            request: entry.requestID,
            resource: entry.resource.map { Int64($0) },
            audit: audit,
            changes: changes
        )
        try database.run(
            "INSERT INTO entries (revision, time, actor, request, resource, audit, chain) VALUES (?, ?, ?, ?, ?, ?, ?)",
            revision,
            .integer(entry.time),
            .text(entry.actor),
            .text(entry.requestID),
            entry.resource.map { .integer(Int64($0)) } ?? .null,
            audit.map { .blob($0) } ?? .null,
            .blob(chain)
        )
        for change in changes {
            try database.run(
                "INSERT INTO changes (revision, tbl, number, before, after) VALUES (?, ?, ?, ?, ?)",
                revision,
                .integer(change.table),
                .integer(change.number),
                change.before.map { .blob($0) } ?? .null,
                change.after.map { .blob($0) } ?? .null
            )
        }
        return chain
    }

    /// Forgets everything below a revision; the hash of the last that goes stays as the anchor of those that are kept.
    func cut(below revision: Revision) throws(StoreFault) {
        let horizon: Revision = min(revision, last + 1)
        guard horizon > floor else { return }
        try fault(path) { () throws(SQLiteError) in
            try database.transaction { () throws(SQLiteError) in
                let anchor: [SQLiteValue]? = try database.rows(
                    """
                    SELECT chain FROM (SELECT revision, chain, 1 AS kind FROM entries WHERE revision < ?1
                        UNION ALL SELECT revision, chain, 0 FROM gaps WHERE revision < ?1)
                    ORDER BY revision DESC, kind LIMIT 1
                    """,
                    .integer(Int64(horizon))
                ).first
                if let chain: [UInt8] = anchor?.first?.asBlob {
                    try database.run("UPDATE span SET anchor = ?", .blob(chain))
                }
                try database.run("DELETE FROM gaps WHERE revision < ?", .integer(Int64(horizon)))
                try database.run("DELETE FROM changes WHERE revision < ?", .integer(Int64(horizon)))
                try database.run("DELETE FROM entries WHERE revision < ?", .integer(Int64(horizon)))
                try database.run("UPDATE span SET floor = ?", .integer(Int64(horizon)))
            }
        }
        floor = horizon
    }
}

extension SQLiteValue {
    fileprivate var asInteger: Int64? { if case .integer(let value) = self { value } else { nil } }
    fileprivate var asText: String? { if case .text(let value) = self { value } else { nil } }
    fileprivate var asBlob: [UInt8]? { if case .blob(let value) = self { value } else { nil } }
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
