import CSQLite

/// A prepared statement: bind its parameters, then step through its rows.
///
/// Parameters count from 1, columns from 0, as in SQLite. A column is valid until the next `step` or `reset`.
/// Used by the thread that uses its database, and by no other.
package final class SQLiteStatement {
    private let connection: SQLiteConnection
    private let handle: OpaquePointer
    package let sql: String

    init(_ connection: SQLiteConnection, _ sql: String) throws(SQLiteError) {
        var prepared: OpaquePointer?
        let operation: String = Self.operation(sql)
        var code: Int32 = SQLITE_OK
        var hasMore = false
        sql.withCString { text in
            var tail: UnsafePointer<CChar>?
            code = sqlite3_prepare_v3(
                connection.handle,
                text,
                -1,
                UInt32(SQLITE_PREPARE_PERSISTENT),
                &prepared,
                &tail
            )
            if let tail { hasMore = String(cString: tail).contains { !$0.isWhitespace && $0 != ";" } }
        }
        try connection.check(code, operation)
        guard let handle: OpaquePointer = prepared, !hasMore else {
            sqlite3_finalize(prepared)
            throw SQLiteError(
                operation: operation,
                path: connection.path,
                code: SQLITE_MISUSE,
                message: "a prepared statement is exactly one statement"
            )
        }
        self.connection = connection
        self.handle = handle
        self.sql = sql
    }

    deinit {
        sqlite3_finalize(handle)
    }

    package func bind(value: SQLiteValue, at index: Int) throws(SQLiteError) {
        switch value {
        case .null: try bindNull(at: index)
        case .integer(let number): try bind(number, at: index)
        case .real(let number): try bind(number, at: index)
        case .text(let text): try bind(text, at: index)
        case .blob(let bytes): try bind(bytes, at: index)
        }
    }

    package func bindNull(at index: Int) throws(SQLiteError) {
        try bound(sqlite3_bind_null(handle, Int32(index)))
    }

    package func bind(_ value: Int, at index: Int) throws(SQLiteError) {
        try bind(Int64(value), at: index)
    }

    package func bind(_ value: Int64, at index: Int) throws(SQLiteError) {
        try bound(sqlite3_bind_int64(handle, Int32(index), value))
    }

    package func bind(_ value: Double, at index: Int) throws(SQLiteError) {
        try bound(sqlite3_bind_double(handle, Int32(index), value))
    }

    package func bind(_ value: String, at index: Int) throws(SQLiteError) {
        var text: String = value
        try bound(text.withUTF8 { csqlite_bind_text(handle, Int32(index), $0.baseAddress, Int32(clamping: $0.count)) })
    }

    package func bind(_ value: [UInt8], at index: Int) throws(SQLiteError) {
        try bind(value[...], at: index)
    }

    package func bind(_ value: ArraySlice<UInt8>, at index: Int) throws(SQLiteError) {
        try bound(
            value.withUnsafeBytes { csqlite_bind_blob(handle, Int32(index), $0.baseAddress, Int32(clamping: $0.count)) }
        )
    }

    /// Goes on to the next row; false when there is none, after which the statement is ready to run again.
    package func step() throws(SQLiteError) -> Bool {
        let code: Int32 = sqlite3_step(handle)
        if code == SQLITE_ROW { return true }
        let failure: SQLiteError? = code == SQLITE_DONE ? nil : connection.error(code, Self.operation(sql))
        sqlite3_reset(handle)
        if let failure { throw failure }
        return false
    }

    /// Runs to the end with these parameters; rows are passed over.
    package func run(_ values: [SQLiteValue] = []) throws(SQLiteError) {
        try bindAll(values)
        while try step() {}
    }

    /// Binds the first parameters in order; the others stay null.
    package func bindAll(_ values: [SQLiteValue]) throws(SQLiteError) {
        reset()
        for (index, value) in values.enumerated() { try bind(value: value, at: index + 1) }
    }

    /// Ends the current run and forgets all parameters.
    package func reset() {
        sqlite3_reset(handle)
        sqlite3_clear_bindings(handle)
    }

    package var columnCount: Int { Int(sqlite3_column_count(handle)) }

    package func isNull(_ column: Int) -> Bool { sqlite3_column_type(handle, Int32(column)) == SQLITE_NULL }

    /// 0 for null and for what is no number.
    package func int64(_ column: Int) -> Int64 { sqlite3_column_int64(handle, Int32(column)) }

    /// 0 for null and for what is no number.
    package func double(_ column: Int) -> Double { sqlite3_column_double(handle, Int32(column)) }

    /// Nil for null; bytes that are not UTF-8 become replacement characters.
    package func text(_ column: Int) -> String? {
        guard let bytes = sqlite3_column_text(handle, Int32(column)) else { return nil }
        let count = Int(sqlite3_column_bytes(handle, Int32(column)))
        return String(decoding: UnsafeBufferPointer(start: bytes, count: count), as: UTF8.self)
    }

    /// Nil for null.
    package func blob(_ column: Int) -> [UInt8]? {
        guard !isNull(column) else { return nil }
        // An empty blob has no address.
        guard let bytes = sqlite3_column_blob(handle, Int32(column)) else { return [] }
        return Array(UnsafeRawBufferPointer(start: bytes, count: Int(sqlite3_column_bytes(handle, Int32(column)))))
    }

    package func value(_ column: Int) -> SQLiteValue {
        switch sqlite3_column_type(handle, Int32(column)) {
        case SQLITE_INTEGER: .integer(int64(column))
        case SQLITE_FLOAT: .real(double(column))
        case SQLITE_TEXT: .text(text(column) ?? "")
        case SQLITE_BLOB: .blob(blob(column) ?? [])
        default: .null
        }
    }

    /// Whether it stands on a row.
    var isBusy: Bool { sqlite3_stmt_busy(handle) != 0 }

    private func bound(_ code: Int32) throws(SQLiteError) {
        try connection.check(code, "bind a parameter of: \(Self.operation(sql))")
    }

    static func operation(_ sql: String) -> String {
        let short: String = sql.count > 200 ? sql.prefix(200) + "…" : sql
        return "run \"\(short)\""
    }
}
