import Glibc
import SQLite
import StoreFormat

// What another member made with `snapshot(to:)`, on its way to become this member's checkpoint.
extension StateFile {
    /// Copies `snapshot` to `target`, flushed, and reads all of the copy.
    ///
    /// - Throws: for what is no checkpoint of this format, is damaged, or is not above `applied`; then nothing
    ///   is left at `target`.
    static func take(
        snapshot: String,
        to target: String,
        above applied: Revision
    ) throws(StoreFault) -> StoreView {
        do throws(StoreFault) {
            let source: SQLiteDatabase = try open(snapshot)
            try check(source, above: applied)
            try fault(snapshot) { () throws(SQLiteError) in try source.backup(to: target) }
            return try load(try open(target))
        } catch {
            discard(target)
            throw refusal(of: snapshot, error)
        }
    }

    /// Reads a snapshot where it lies.
    static func read(snapshot: String, above applied: Revision) throws(StoreFault) -> StoreView {
        do throws(StoreFault) {
            let source: SQLiteDatabase = try open(snapshot)
            try check(source, above: applied)
            return try load(source)
        } catch {
            throw refusal(of: snapshot, error)
        }
    }

    private static func open(_ path: String) throws(StoreFault) -> SQLiteDatabase {
        try fault(path) { () throws(SQLiteError) in try SQLiteDatabase(path: path, readOnly: true) }
    }

    private static func refusal(of snapshot: String, _ cause: StoreFault) -> StoreFault {
        StoreFault(
            file: snapshot,
            problem: "the snapshot is refused, and nothing here was changed: \(cause.problem)",
            nextStep: "This member goes on with the state that it has; another snapshot may be sent to it."
        )
    }

    private static func check(_ source: SQLiteDatabase, above applied: Revision) throws(StoreFault) {
        let found: Int64 = try fault(source.path) { () throws(SQLiteError) in try source.userVersion() }
        guard found == Int64(version) else {
            throw StoreFault(file: source.path, problem: "it is no checkpoint of format \(version)", nextStep: mend)
        }
        let head: [SQLiteValue]? = try fault(source.path) { () throws(SQLiteError) in
            try source.rows("SELECT revision FROM head").first
        }
        guard case .integer(let number)? = head?.first, number > 0 else {
            throw StoreFault(file: source.path, problem: "it does not say its revision", nextStep: mend)
        }
        guard Revision(number) > applied else {
            throw StoreFault(
                file: source.path,
                problem: "it is at revision \(number), and \(applied) is applied already",
                nextStep: mend
            )
        }
    }

    /// Removes a copy that is not wanted any longer, with what SQLite may have left beside it.
    static func discard(_ path: String) {
        for suffix in ["", "-journal", "-wal", "-shm", ".partial", ".partial-journal"] { unlink(path + suffix) }
    }

    /// Brings everything into the one file: after this, and once it is closed, its log may be removed.
    func settle() throws(StoreFault) {
        try fault(path) { () throws(SQLiteError) in try database.checkpoint() }
    }
}
