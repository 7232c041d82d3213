import Bytes
import SQLite
import StoreFormat

/// The checkpoint: the whole state at one revision, as rows in an SQLite file.
///
/// Written in one transaction, so it is always at one revision; it names the digest of its rows, and is
/// believed only when they have it. Used by one thread at a time: the lock of ``StoreDisk``.
final class StateFile {
    static let name: String = "state.db"
    static let version: Int32 = 1

    let database: SQLiteDatabase
    /// The next checkpoint writes everything: what is in the file is not to be trusted.
    private var isUntrusted: Bool = false

    var path: String { database.path }

    init(path: String) throws(StoreFault) {
        database = try fault(path) { () throws(SQLiteError) in
            let database: SQLiteDatabase = try SQLiteDatabase(path: path)
            try database.useWriteAheadLog()
            try database.setSynchronous(.full)
            return database
        }
        try prepare()
    }

    private func prepare() throws(StoreFault) {
        let found: Int64 = try fault(path) { () throws(SQLiteError) in try database.userVersion() }
        guard found == 0 || found == Int64(Self.version) else {
            throw StoreFault(
                file: path,
                problem: "checkpoint format \(found) is not known to this version",
                nextStep: "Start the version that wrote it, or a later one."
            )
        }
        guard found == 0 else { return }
        try fault(path) { () throws(SQLiteError) in
            try database.transaction { () throws(SQLiteError) in
                try database.execute(
                    """
                    CREATE TABLE rows (kind INTEGER NOT NULL, key BLOB NOT NULL, value BLOB NOT NULL,
                        PRIMARY KEY (kind, key)) WITHOUT ROWID;
                    CREATE TABLE head (one INTEGER PRIMARY KEY CHECK (one = 1), revision INTEGER NOT NULL,
                        next_number INTEGER NOT NULL, digest BLOB NOT NULL);
                    PRAGMA user_version = \(Self.version);
                    """
                )
            }
        }
    }

    /// The state as checkpointed; an empty one from a new file.
    func load() throws(StoreFault) -> StoreView { try Self.load(database) }

    static func load(_ database: SQLiteDatabase) throws(StoreFault) -> StoreView {
        var view = StoreView()
        let head: Head? = try read(database) { kind, key, value in try view.load(kind, key: key, value: value) }
        if let head {
            view.revision = head.revision
            view.nextNumber = head.nextNumber
        }
        return view
    }

    /// What a checkpoint says of itself.
    private struct Head {
        var revision: Revision
        var nextNumber: UInt64
        var digest: [UInt8]
    }

    /// Reads every row and compares their digest with the one that was written with them; nil for a new file.
    private static func read(
        _ database: SQLiteDatabase,
        _ take: (StateRow.Kind, _ key: [UInt8], _ value: [UInt8]) throws -> Void
    ) throws(StoreFault) -> Head? {
        let path: String = database.path
        let head: Head? = try fault(path) { () throws(SQLiteError) in
            let head: SQLiteStatement = try database.prepare("SELECT revision, next_number, digest FROM head")
            defer { head.reset() }
            guard try head.step() else { return nil }
            return Head(
                revision: Revision(max(0, head.int64(0))),
                nextNumber: UInt64(max(1, head.int64(1))),
                digest: head.blob(2) ?? []
            )
        }
        var digest = StateDigest()
        var count: Int = 0
        var problem: String?
        try fault(path) { () throws(SQLiteError) in
            let rows: SQLiteStatement = try database.prepare("SELECT kind, key, value FROM rows ORDER BY kind, key")
            defer { rows.reset() }
            while problem == nil, try rows.step() {
                let key: [UInt8] = rows.blob(1) ?? []
                let value: [UInt8] = rows.blob(2) ?? []
                guard let kind = StateRow.Kind(rawValue: UInt8(clamping: rows.int64(0))) else {
                    problem = "a row of the unknown kind \(rows.int64(0))"
                    break
                }
                count += 1
                digest.add(kind: kind.rawValue, key: key, value: value)
                do {
                    try take(kind, key, value)
                } catch {
                    problem = "\(kind) row \(Hex.encode(key)): \(error)"
                }
            }
        }
        if let head {
            if problem == nil, digest.finished(nextNumber: head.nextNumber) != head.digest {
                problem = "its rows do not have the digest that was written with them"
            }
        } else if count > 0 {
            problem = "it has rows but no head"
        }
        if let problem {
            throw StoreFault(
                file: path,
                problem: "the checkpoint is damaged: \(problem)",
                nextStep: mend,
                isDamaged: true
            )
        }
        return head
    }

    static let mend: String =
        "Keep the file for study, move it away, and let this node fetch the state from its peers, or restore a backup."

    /// Makes the file hold `view`, when it held the same but for the records in `changed`.
    ///
    /// - Parameter midway: called before the commit; for tests that stop here.
    func write(_ view: StoreView, changed: Set<RecordKey>, midway: @Sendable () -> Void) throws(StoreFault) {
        let digest: [UInt8] = view.stateHash()
        try fault(path) { () throws(SQLiteError) in
            try database.transaction { () throws(SQLiteError) in
                try database.execute("DELETE FROM rows WHERE kind > \(isUntrusted ? 0 : StateRow.Kind.record.rawValue)")
                if isUntrusted {
                    try insert(view.forEachRow)
                } else {
                    try update(changed, from: view)
                    try insert(view.forEachSmallRow)
                }
                try database.run(
                    "INSERT OR REPLACE INTO head (one, revision, next_number, digest) VALUES (1, ?, ?, ?)",
                    .integer(Int64(view.revision)),
                    .integer(Int64(view.nextNumber)),
                    .blob(digest)
                )
                midway()
            }
        }
        isUntrusted = true
        try verify(view.revision, digest)
        isUntrusted = false
    }

    private func insert(_ rows: ((StateRow) -> Bool) -> Void) throws(SQLiteError) {
        let insert: SQLiteStatement = try database.prepare("INSERT INTO rows (kind, key, value) VALUES (?, ?, ?)")
        var failure: SQLiteError?
        rows { row in
            do throws(SQLiteError) {
                try insert.run([.integer(Int64(row.kind.rawValue)), .blob(row.key), .blob(row.value)])
                return true
            } catch {
                failure = error
                return false
            }
        }
        if let failure { throw failure }
    }

    private func update(_ changed: Set<RecordKey>, from view: StoreView) throws(SQLiteError) {
        let kind = SQLiteValue.integer(Int64(StateRow.Kind.record.rawValue))
        let put: SQLiteStatement = try database.prepare(
            "INSERT OR REPLACE INTO rows (kind, key, value) VALUES (?, ?, ?)"
        )
        let delete: SQLiteStatement = try database.prepare("DELETE FROM rows WHERE kind = ? AND key = ?")
        for key in changed.sorted() {
            let name: SQLiteValue = .blob(StateRow.key(of: key))
            if let record = view.get(key) {
                try put.run([kind, name, .blob(record.encoded())])
            } else {
                try delete.run([kind, name])
            }
        }
    }

    /// Reads all of it back through another connection: what cannot be read back was not written.
    ///
    /// Row by row: equal digests mean equal rows, and a second state in memory would double what this process takes.
    private func verify(_ revision: Revision, _ digest: [UInt8]) throws(StoreFault) {
        let reader: SQLiteDatabase = try fault(path) { () throws(SQLiteError) in
            try SQLiteDatabase(path: path, readOnly: true)
        }
        let found: Head? = try Self.read(reader) { _, _, _ in }
        guard let found, found.revision == revision, found.digest == digest else {
            throw StoreFault(
                file: path,
                problem: "the checkpoint at \(revision) reads back as another at \(found?.revision ?? 0)",
                nextStep: Self.mend
            )
        }
    }

    /// A copy in one file, whole or absent: the backup, and what a new peer gets.
    func copy(to target: String) throws(StoreFault) {
        try fault(path) { () throws(SQLiteError) in try database.backup(to: target) }
    }
}

/// Runs `body`, and turns what SQLite could not do into a fault that says what to do next.
func fault<Result>(_ path: String, _ body: () throws(SQLiteError) -> Result) throws(StoreFault) -> Result {
    do throws(SQLiteError) {
        return try body()
    } catch {
        throw StoreFault(
            file: path,
            problem: "cannot \(error.operation): \(error.message) (SQLite code \(error.code))",
            nextStep: error.isCorrupt
                ? StateFile.mend
                : "Make sure that the folder is writable, its disk has space, and no other process uses it; then start again.",
            isOutOfSpace: error.isFull,
            isDamaged: error.isCorrupt
        )
    }
}
