import CSQLite
import Limits

/// An SQLite database in a file, used by one thread at a time.
///
/// Opened defensively: SQL cannot damage the file's structure, schemas are not trusted to call functions with side
/// effects, extensions cannot be loaded, and a misspelt name is never taken for a string. A lock that another
/// connection holds is awaited for `Limits.sqliteBusyMilliseconds`.
package final class SQLiteDatabase {
    package let path: String
    let connection: SQLiteConnection
    private var cache: [String: SQLiteStatement] = [:]
    /// Keys of `cache`, oldest first.
    private var order: [String] = []

    /// Opens the file, and makes it if it is absent unless `readOnly`.
    package init(path: String, readOnly: Bool = false) throws(SQLiteError) {
        let access: Int32 = readOnly ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE
        // No mutex: one thread at a time is this class's contract.
        connection = try SQLiteConnection(path: path, flags: access | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE)
        self.path = path
        let settings: [(Int32, Int32)] = [
            (SQLITE_DBCONFIG_DEFENSIVE, 1), (SQLITE_DBCONFIG_ENABLE_LOAD_EXTENSION, 0),
            (SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0), (SQLITE_DBCONFIG_DQS_DML, 0), (SQLITE_DBCONFIG_DQS_DDL, 0),
        ]
        for (option, value) in settings {
            try connection.check(csqlite_db_config(connection.handle, option, value), "set up the connection")
        }
        try setBusyTimeout(milliseconds: Limits.sqliteBusyMilliseconds)
        // Reads the header: so a file that is no database fails here and not at its first use.
        try execute("PRAGMA cell_size_check = ON; PRAGMA schema_version")
    }

    /// Runs any number of statements without parameters; rows are passed over.
    package func execute(_ sql: String) throws(SQLiteError) {
        try connection.check(
            sqlite3_exec(connection.handle, sql, nil, nil, nil),
            SQLiteStatement.operation(sql)
        )
    }

    /// A statement ready to be bound; a recent one with the same text is used again if nobody holds it.
    package func prepare(_ sql: String) throws(SQLiteError) -> SQLiteStatement {
        if var cached: SQLiteStatement = cache.removeValue(forKey: sql) {
            let isFree: Bool = isKnownUniquelyReferenced(&cached)
            cache[sql] = cached
            // The holder may be in the middle of its rows.
            guard isFree else { return try SQLiteStatement(connection, sql) }
            cached.reset()
            return cached
        }
        let statement: SQLiteStatement = try SQLiteStatement(connection, sql)
        if order.count >= Limits.sqliteStatements { cache[order.removeFirst()] = nil }
        cache[sql] = statement
        order.append(sql)
        return statement
    }

    /// Runs one statement to its end.
    package func run(_ sql: String, _ values: SQLiteValue...) throws(SQLiteError) {
        try prepare(sql).run(values)
    }

    /// All rows of one statement: for small answers; step through a statement for large ones.
    package func rows(_ sql: String, _ values: SQLiteValue...) throws(SQLiteError) -> [[SQLiteValue]] {
        let statement: SQLiteStatement = try prepare(sql)
        try statement.bindAll(values)
        var rows: [[SQLiteValue]] = []
        while try statement.step() { rows.append((0..<statement.columnCount).map { statement.value($0) }) }
        return rows
    }

    /// Rows that the last INSERT, UPDATE or DELETE changed.
    package var changes: Int { Int(sqlite3_changes64(connection.handle)) }

    package var lastInsertRowID: Int64 { sqlite3_last_insert_rowid(connection.handle) }

    package var isInTransaction: Bool { sqlite3_get_autocommit(connection.handle) == 0 }

    /// Runs `body` in a transaction that holds the write lock from its start.
    ///
    /// It is committed when `body` returns, and rolled back when it throws or the commit fails.
    /// Transactions do not nest.
    package func transaction<Result>(_ body: () throws(SQLiteError) -> Result) throws(SQLiteError) -> Result {
        precondition(!isInTransaction, "\(path): a transaction is already open")
        try execute("BEGIN IMMEDIATE")
        do throws(SQLiteError) {
            let result: Result = try body()
            try execute("COMMIT")
            return result
        } catch {
            // SQLite ends a transaction by itself on some errors (a full disk); what failed first is worth telling.
            if isInTransaction { try? execute("ROLLBACK") }
            throw error
        }
    }
}
