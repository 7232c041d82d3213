/// What SQLite could not do.
package struct SQLiteError: Error, Equatable, Sendable, CustomStringConvertible {
    /// What was tried, such as `open` or the SQL text (values never stand in it).
    package var operation: String
    /// The database's file.
    package var path: String
    /// SQLite's extended result code; its low eight bits are the primary code.
    package var code: Int32
    package var message: String

    package init(operation: String, path: String, code: Int32, message: String) {
        self.operation = operation
        self.path = path
        self.code = code
        self.message = message
    }

    /// Another connection holds the lock; the same call may succeed later.
    package var isBusy: Bool { [5, 6].contains(code & 0xFF) }  // SQLITE_BUSY, SQLITE_LOCKED
    /// The file is damaged or no database; trying again cannot help.
    package var isCorrupt: Bool { [11, 26].contains(code & 0xFF) }  // SQLITE_CORRUPT, SQLITE_NOTADB
    /// There is no space: SQLITE_FULL, or no room for the shared memory of the write-ahead log (SQLITE_IOERR_SHMSIZE).
    package var isFull: Bool { code & 0xFF == 13 || code == 4_874 }
    /// A UNIQUE, NOT NULL, CHECK or other constraint refused the change.
    package var isConstraint: Bool { code & 0xFF == 19 }  // SQLITE_CONSTRAINT

    package var description: String { "\(path): cannot \(operation): \(message) (SQLite code \(code))" }
}
