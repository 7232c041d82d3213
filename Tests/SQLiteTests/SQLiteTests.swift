import Glibc
import Limits
import TestSupport
import Testing

@testable import SQLite

struct SQLiteTests {
    let folder: Folder
    let database: SQLiteDatabase

    init() throws {
        folder = Folder()
        database = try SQLiteDatabase(path: folder.path + "/db")
    }

    private func failure(_ body: () throws(SQLiteError) -> Void) -> SQLiteError? {
        do throws(SQLiteError) {
            try body()
            return nil
        } catch { return error }
    }

    @Test func `values of every kind come back as they went in`() throws {
        try database.execute("CREATE TABLE t (v)")
        let values: [SQLiteValue] = [
            .null, .integer(.min), .integer(.max), .real(0.1), .real(-.infinity), "", "a\0bé", .blob([]),
            .blob([0, 255]),
        ]
        for value in values { try database.run("INSERT INTO t VALUES (?)", value) }
        #expect(try database.rows("SELECT v FROM t ORDER BY rowid").map { $0[0] } == values)
        #expect(database.lastInsertRowID == Int64(values.count))
        try database.run("DELETE FROM t WHERE v IS NULL")
        #expect(database.changes == 1)
    }

    @Test func `columns are read by their type`() throws {
        let statement: SQLiteStatement = try database.prepare("SELECT ?, ?, ?, ?, ?")
        try statement.bind(7, at: 1)
        try statement.bind(1.5, at: 2)
        try statement.bind("x", at: 3)
        try statement.bind([1, 2, 3][1...], at: 4)
        #expect(try statement.step())
        #expect(statement.int64(0) == 7 && statement.double(1) == 1.5 && statement.text(2) == "x")
        #expect(
            statement.blob(3) == [2, 3] && statement.isNull(4) && statement.text(4) == nil && statement.blob(4) == nil
        )
        #expect(try !statement.step())
        #expect(failure { () throws(SQLiteError) in try statement.bind(1, at: 9) }?.operation.contains("bind") == true)
    }

    @Test func `a transaction is kept whole or not at all`() throws {
        try database.execute("CREATE TABLE t (v UNIQUE)")
        try database.transaction { () throws(SQLiteError) in try database.run("INSERT INTO t VALUES (1)") }
        let error: SQLiteError? = failure { () throws(SQLiteError) in
            try database.transaction { () throws(SQLiteError) in
                try database.run("INSERT INTO t VALUES (2)")
                try database.run("INSERT INTO t VALUES (1)")
            }
        }
        #expect(error?.isConstraint == true)
        #expect(!database.isInTransaction)
        #expect(try database.rows("SELECT v FROM t") == [[1]])
    }

    @Test func `statements are cached, but one in use is never shared`() throws {
        try database.execute("CREATE TABLE t (v); INSERT INTO t VALUES (1), (2)")
        let sql: String = "SELECT v FROM t"
        let first: ObjectIdentifier = ObjectIdentifier(try database.prepare(sql))
        let outer: SQLiteStatement = try database.prepare(sql)
        #expect(ObjectIdentifier(outer) == first)
        var pairs: Int = 0
        while try outer.step() {
            let inner: SQLiteStatement = try database.prepare(sql)
            #expect(inner !== outer)
            while try inner.step() { pairs += 1 }
        }
        #expect(pairs == 4)
        for number in 0..<Limits.sqliteStatements * 2 { _ = try database.rows("SELECT \(number)") }
    }

    @Test func `errors name the file, the statement and the cause`() throws {
        let error: SQLiteError? = failure { () throws(SQLiteError) in try database.run("SELECT absent FROM nowhere") }
        let expected: String =
            "\(folder.path)/db: cannot run \"SELECT absent FROM nowhere\": no such table: nowhere (SQLite code 1)"
        #expect(error?.description == expected)
        #expect(failure { () throws(SQLiteError) in _ = try database.prepare("SELECT 1; SELECT 2") } != nil)
        #expect(failure { () throws(SQLiteError) in _ = try database.prepare(" ") } != nil)
        let absent: SQLiteError? = failure { () throws(SQLiteError) in
            _ = try SQLiteDatabase(path: folder.path + "/absent", readOnly: true)
        }
        #expect(absent?.operation == "open")
    }

    @Test func `sql can neither damage the file nor load code nor misspell a column`() throws {
        try database.execute("CREATE TABLE t (v)")
        #expect(
            failure { () throws(SQLiteError) in
                try database.execute("PRAGMA writable_schema = ON; DELETE FROM sqlite_schema")
            } != nil
        )
        #expect(failure { () throws(SQLiteError) in _ = try database.rows("SELECT load_extension('x')") } != nil)
        #expect(failure { () throws(SQLiteError) in _ = try database.rows(#"SELECT "typo" FROM t"#) } != nil)
    }

    @Test func `a read-only connection reads and never writes`() throws {
        try database.useWriteAheadLog()
        try database.execute("CREATE TABLE t (v); INSERT INTO t VALUES (1)")
        let reader: SQLiteDatabase = try SQLiteDatabase(path: database.path, readOnly: true)
        #expect(try reader.rows("SELECT v FROM t") == [[1]])
        #expect(failure { () throws(SQLiteError) in try reader.run("DELETE FROM t") } != nil)
    }

    @Test func `a lock that stays is a busy error`() throws {
        try database.execute("CREATE TABLE t (v)")
        let other: SQLiteDatabase = try SQLiteDatabase(path: database.path)
        try other.setBusyTimeout(milliseconds: 0)
        try database.execute("BEGIN EXCLUSIVE")
        #expect(failure { () throws(SQLiteError) in try other.run("INSERT INTO t VALUES (1)") }?.isBusy == true)
    }

    @Test func `a backup is one whole file and replaces an older one`() throws {
        try database.useWriteAheadLog()
        try database.setSynchronous(.normal)
        try database.execute("CREATE TABLE t (v); INSERT INTO t VALUES (1)")
        try database.setUserVersion(7)
        let target: String = folder.path + "/copy"
        try database.backup(to: target)
        try database.execute("INSERT INTO t VALUES (2)")
        try database.backup(to: target)
        try database.checkpoint()
        #expect(folder.names.filter { $0.hasPrefix("copy") } == ["copy"])
        let copy: SQLiteDatabase = try SQLiteDatabase(path: target, readOnly: true)
        #expect(try copy.rows("SELECT v FROM t") == [[1], [2]])
        #expect(try copy.userVersion() == 7)
        #expect(try copy.integrityCheck().isEmpty)
        let error: SQLiteError? = failure { () throws(SQLiteError) in try database.backup(to: folder.path + "/no/copy")
        }
        #expect(error?.path == folder.path + "/no/copy.partial")
    }

    @Test func `damage is found`() throws {
        try database.execute("CREATE TABLE t (v); CREATE INDEX i ON t (v)")
        try database.transaction { () throws(SQLiteError) in
            for number in 0..<500 { try database.run("INSERT INTO t VALUES (?)", .text("row \(number) of many")) }
        }
        #expect(try database.integrityCheck().isEmpty)
        let path: String = folder.path + "/copy"
        try database.backup(to: path)
        let file: Int32 = open(path, O_RDWR)
        try #require(file >= 0)
        let zeros = [UInt8](repeating: 0, count: 2048)
        #expect(pwrite(file, zeros, zeros.count, 3 * 4096 + 1000) == zeros.count)
        close(file)
        #expect(try !SQLiteDatabase(path: path).integrityCheck().isEmpty)

        let other: String = folder.path + "/text"
        let text: Int32 = open(other, O_WRONLY | O_CREAT, 0o600)
        #expect(write(text, zeros, zeros.count) == zeros.count)
        close(text)
        #expect(failure { () throws(SQLiteError) in _ = try SQLiteDatabase(path: other) }?.isCorrupt == true)
    }
}
