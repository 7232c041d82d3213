import CSQLite
import Glibc

extension SQLiteDatabase {
    /// Copies the database as of now into one file that needs no companion, flushed.
    ///
    /// It is written beside `target` first and renamed when it is whole, so `target` is never half a backup; one that
    /// was there is replaced. Writers of other connections wait or, in WAL mode, go on.
    package func backup(to target: String) throws(SQLiteError) {
        let partial: String = target + ".partial"
        for suffix in ["", "-journal", "-wal", "-shm"] { unlink(partial + suffix) }
        do throws(SQLiteError) {
            try copy(to: partial)
        } catch {
            for suffix in ["", "-journal", "-wal", "-shm"] { unlink(partial + suffix) }
            throw error
        }
        guard rename(partial, target) == 0 else { throw systemError("rename the backup to \(target)") }
        try flushFolder(of: target)
    }

    private func copy(to partial: String) throws(SQLiteError) {
        let destination: SQLiteDatabase = try SQLiteDatabase(path: partial)
        guard
            let backup: OpaquePointer = sqlite3_backup_init(
                destination.connection.handle,
                "main",
                connection.handle,
                "main"
            )
        else {
            throw destination.connection.error(
                sqlite3_extended_errcode(destination.connection.handle),
                "back up \(path) into it"
            )
        }
        let stepped: Int32 = sqlite3_backup_step(backup, -1)
        let finished: Int32 = sqlite3_backup_finish(backup)
        guard stepped == SQLITE_DONE, finished == SQLITE_OK else {
            throw destination.connection.error(finished == SQLITE_OK ? stepped : finished, "back up \(path) into it")
        }
        // A copy of a WAL database is one, too: it would want its log beside it wherever it is opened.
        try destination.execute("PRAGMA journal_mode = DELETE")
    }

    private func flushFolder(of target: String) throws(SQLiteError) {
        let folder: String
        if let slash: String.Index = target.lastIndex(of: "/") {
            folder = slash == target.startIndex ? "/" : String(target[..<slash])
        } else {
            folder = "."
        }
        let descriptor: Int32 = open(folder, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw systemError("open the folder \(folder)") }
        defer { close(descriptor) }
        guard fsync(descriptor) == 0 else { throw systemError("flush the folder \(folder)") }
    }

    private func systemError(_ operation: String) -> SQLiteError {
        SQLiteError(operation: operation, path: path, code: SQLITE_IOERR, message: String(cString: strerror(errno)))
    }
}
