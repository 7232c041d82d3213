import CSQLite

extension SQLiteDatabase {
    /// When SQLite waits for the disk.
    package enum Synchronous: String, Sendable {
        /// Never: the operating system may lose or tear the file on a power cut.
        case off = "OFF"
        /// In WAL mode: at checkpoints; a power cut may lose the last transactions but never tears the file.
        case normal = "NORMAL"
        /// At every commit.
        case full = "FULL"
    }

    /// Lets readers go on while one writer writes; remembered in the file.
    package func useWriteAheadLog() throws(SQLiteError) {
        let mode: [[SQLiteValue]] = try rows("PRAGMA journal_mode = WAL")
        guard mode == [["wal"]] else {
            throw SQLiteError(
                operation: "switch to a write-ahead log",
                path: path,
                code: SQLITE_ERROR,
                message: "the journal mode stays \(mode); the file system must support shared memory"
            )
        }
    }

    package func setSynchronous(_ level: Synchronous) throws(SQLiteError) {
        try execute("PRAGMA synchronous = \(level.rawValue)")
    }

    /// How long a call waits for another connection's lock; 0 fails at once.
    package func setBusyTimeout(milliseconds: Int32) throws(SQLiteError) {
        try connection.check(sqlite3_busy_timeout(connection.handle, milliseconds), "set the busy timeout")
    }

    /// A number for the owner of the file, such as the version of its tables; 0 in a new file.
    package func userVersion() throws(SQLiteError) -> Int64 {
        guard case .integer(let version)? = try rows("PRAGMA user_version").first?.first else { return 0 }
        return version
    }

    package func setUserVersion(_ version: Int32) throws(SQLiteError) {
        try execute("PRAGMA user_version = \(version)")
    }

    /// Moves the write-ahead log into the database file, flushes both and empties the log.
    ///
    /// - Throws: a busy error when a reader stands in the way.
    package func checkpoint() throws(SQLiteError) {
        let code: Int32 = sqlite3_wal_checkpoint_v2(connection.handle, nil, SQLITE_CHECKPOINT_TRUNCATE, nil, nil)
        try connection.check(code, "checkpoint the write-ahead log")
    }

    /// What is wrong with the file, at most 100 findings; empty when nothing is; reads all of it.
    package func integrityCheck() throws(SQLiteError) -> [String] {
        let findings: [String] = try rows("PRAGMA integrity_check(100)").compactMap { row in
            if case .text(let finding)? = row.first { finding } else { nil }
        }
        return findings == ["ok"] ? [] : findings
    }
}
