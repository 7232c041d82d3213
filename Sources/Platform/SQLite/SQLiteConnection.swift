import CSQLite

/// The open file, shared by a database and its statements; it closes with the last of them.
final class SQLiteConnection {
    let handle: OpaquePointer
    let path: String

    init(path: String, flags: Int32) throws(SQLiteError) {
        var handle: OpaquePointer?
        let code: Int32 = sqlite3_open_v2(path, &handle, flags, nil)
        guard code == SQLITE_OK, let opened: OpaquePointer = handle else {
            let message: String = String(cString: handle.map { sqlite3_errmsg($0) } ?? sqlite3_errstr(code))
            let extended: Int32 = handle.map { sqlite3_extended_errcode($0) } ?? code
            sqlite3_close_v2(handle)
            throw SQLiteError(operation: "open", path: path, code: extended, message: message)
        }
        self.handle = opened
        self.path = path
    }

    deinit {
        sqlite3_close_v2(handle)
    }

    func check(_ code: Int32, _ operation: @autoclosure () -> String) throws(SQLiteError) {
        guard code != SQLITE_OK else { return }
        throw error(code, operation())
    }

    func error(_ code: Int32, _ operation: String) -> SQLiteError {
        // The message belongs to the connection's last failure; fall back to the code's own when that is another.
        let isLast: Bool = sqlite3_extended_errcode(handle) == code || sqlite3_errcode(handle) == code
        let message = String(cString: isLast ? sqlite3_errmsg(handle) : sqlite3_errstr(code))
        return SQLiteError(operation: operation, path: path, code: code, message: message)
    }
}
