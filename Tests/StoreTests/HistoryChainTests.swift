import SQLite
import StoreFormat
import TestSupport
import Testing

@testable import Store

/// That nobody changes the past without being noticed.
@Suite struct HistoryChainTests {
    /// A folder with 240 entries of history, whose store has let go of it.
    private func past(seed: UInt64 = 3, cut: Revision? = nil) throws -> Folder {
        let (entries, _): ([Transaction], [[UInt8]]) = DiskTests.entries(240, seed: seed)
        let folder = Folder()
        let store: Store = try Store.open(folder: folder.path)
        DiskTests.replay(entries, into: store, upTo: 120)
        _ = try store.flushHistory()
        DiskTests.replay(entries, into: store, upTo: 240)
        _ = try store.checkpoint()
        if let cut { try store.cutHistory(below: cut) }
        return folder
    }

    private func verdict(_ folder: Folder) throws -> HistoryVerdict { try HistoryReader(folder: folder.path).verify() }

    /// Revisions that tests speak of by letters: `A` changed something and `B` is the next; `U` is audited; `F` is the sixth.
    private func places(_ folder: Folder) throws -> [(letter: String, revision: Int64)] {
        let database: SQLiteDatabase = try SQLiteDatabase(path: "\(folder.path)/history.db", readOnly: true)
        func numbers(_ sql: String) throws -> [Int64] {
            try database.rows(sql).compactMap { if case .integer(let number) = $0[0] { number } else { nil } }
        }
        let all: [Int64] = try numbers("SELECT revision FROM entries ORDER BY revision")
        let changed: [Int64] = try numbers(
            "SELECT DISTINCT revision FROM changes WHERE after IS NOT NULL AND before IS NOT after ORDER BY revision"
        )
        let audited: [Int64] = try numbers("SELECT revision FROM entries WHERE audit IS NOT NULL ORDER BY revision")
        try #require(all.count > 10 && audited.count > 1)
        let a: Int64 = try #require(changed.first { $0 > all[3] })
        let b: Int64 = try #require(all.first { $0 > a })
        return [("{A}", a), ("{B}", b), ("{U}", audited[1]), ("{F}", all[5]), ("{E}", all[4]), ("{1}", all[0])]
    }

    private func filled(_ text: String, _ folder: Folder) throws -> String {
        try places(folder).reduce(text) { $0.replacing($1.letter, with: String($1.revision)) }
    }

    private func spoil(_ folder: Folder, _ sql: String) throws -> HistoryVerdict {
        let filled: String = try filled(sql, folder)
        try SQLiteDatabase(path: "\(folder.path)/history.db").execute(filled)
        return try verdict(folder)
    }

    @Test func `a history that nobody touched is whole, and equal on all members`() throws {
        let verdict: HistoryVerdict = try verdict(try past())
        #expect(verdict.isWhole && verdict.entries > 15 && verdict.to == 240)
        #expect(verdict.anchor == HistoryChain.start && verdict.head.count == 32)
        #expect(try self.verdict(try past()).head == verdict.head)
        #expect(try self.verdict(try past(seed: 4)).head != verdict.head)
    }

    @Test(arguments: [
        ("UPDATE entries SET actor = '1a2' WHERE revision = {A}", "{A}"),
        ("UPDATE entries SET time = time + 1 WHERE revision = {A}", "{A}"),
        ("UPDATE entries SET request = 'x' WHERE revision = {A}", "{A}"),
        ("UPDATE entries SET resource = 99 WHERE revision = {A}", "{A}"),
        ("UPDATE entries SET audit = x'00' WHERE revision = {U}", "{U}"),
        ("UPDATE entries SET audit = NULL WHERE revision = {U}", "{U}"),
        ("UPDATE entries SET chain = x'00' WHERE revision = {A}", "{A}"),
        ("UPDATE changes SET after = before WHERE revision = {A}", "{A}"),
        ("DELETE FROM changes WHERE revision = {A}", "{A}"),
        ("UPDATE changes SET number = number + 100000 WHERE revision = {A}", "{A}"),
        ("DELETE FROM entries WHERE revision = {A}", "{A}"),
        ("DELETE FROM entries WHERE revision = {A}; DELETE FROM changes WHERE revision = {A}", "{B}"),
        ("DELETE FROM entries WHERE revision <= {E}; DELETE FROM changes WHERE revision <= {E}", "{F}"),
        ("DELETE FROM entries WHERE revision > {B}; DELETE FROM changes WHERE revision > {B}", "240"),
        (
            "UPDATE entries SET revision = 1000 WHERE revision = {A}; UPDATE changes SET revision = 1000 WHERE revision = {A}",
            "{B}"
        ),
        // Two that change places.
        (
            """
            UPDATE entries SET revision = -1 WHERE revision = {A}; UPDATE entries SET revision = {A} WHERE revision = {B};
            UPDATE entries SET revision = {B} WHERE revision = -1
            """, "{A}"
        ),
        ("UPDATE span SET head = x'00'", "240"), ("UPDATE span SET anchor = x'00'", "{1}"),
        ("INSERT INTO gaps VALUES ({A} - 1, x'00')", "before {A}"),
    ]) func `what is changed, removed or moved is found, with its place`(_ sql: String, _ place: String) throws {
        let folder: Folder = try past()
        let expected: String = try filled(place, folder)
        let verdict: HistoryVerdict = try spoil(folder, sql)
        let found: Int64? = verdict.problem.map { Int64($0.revision) }
        let wanted: Int64? =
            expected.hasPrefix("before ") ? Int64(expected.dropFirst(7)).map { $0 - 1 } : Int64(expected)
        #expect(found != nil && found == wanted, "\(sql): \(String(describing: verdict.problem))")
    }

    @Test func `purging keeps the rest verifiable`() throws {
        let verdict: HistoryVerdict = try verdict(try past(cut: 161))
        #expect(verdict.isWhole && verdict.from >= 161 && verdict.anchor != HistoryChain.start)
        #expect(verdict.head == (try self.verdict(try past())).head)
        let first: Revision = verdict.from
        let spoilt: HistoryVerdict = try spoil(
            try past(cut: 161),
            "DELETE FROM entries WHERE revision = \(first); DELETE FROM changes WHERE revision = \(first)"
        )
        #expect((spoilt.problem?.revision ?? 0) > first)
        // Purged whole: nothing is left, and what comes goes on from there.
        let folder: Folder = try past(cut: 241)
        #expect(try self.verdict(folder).isWhole)
    }

    @Test func `a gap after a snapshot is part of the chain`() throws {
        let (entries, _): ([Transaction], [[UInt8]]) = DiskTests.entries(240, seed: 8)
        let (folder, other): (Folder, Folder) = (Folder(), Folder())
        let store: Store = try Store.open(folder: folder.path)
        DiskTests.replay(entries, into: store, upTo: 160)
        _ = try store.snapshot(to: "\(other.path)/state.db")
        let peer: Store = try Store.open(folder: other.path)
        DiskTests.replay(entries, into: peer, upTo: 240)
        _ = try peer.checkpoint()
        let verdict: HistoryVerdict = try verdict(other)
        #expect(verdict.isWhole && verdict.from > 160 && verdict.entries > 3)
        #expect(try spoil(other, "DELETE FROM gaps").isWhole == false)
        try peer.cutHistory(below: 200)
    }

    @Test func `a history of the first format gets its hashes when it is opened`() throws {
        let folder: Folder = try past()
        let whole: HistoryVerdict = try verdict(folder)
        do {
            let database: SQLiteDatabase = try SQLiteDatabase(path: "\(folder.path)/history.db")
            try database.execute(
                """
                ALTER TABLE entries DROP COLUMN chain; ALTER TABLE span DROP COLUMN anchor; ALTER TABLE span DROP COLUMN head;
                DROP TABLE gaps; PRAGMA user_version = 1
                """
            )
        }
        #expect(throws: StoreFault.self) { try self.verdict(folder) }
        _ = try Store.open(folder: folder.path)
        #expect(try verdict(folder) == whole)
    }

    @Test func `the first entry that is not older than a moment is found`() throws {
        let folder: Folder = try past()
        let reader = HistoryReader(folder: folder.path)
        let all: [HistoryEntry] = try reader.audits(limit: 1_000)
        let newest: HistoryEntry = try #require(all.first)
        #expect(try reader.firstEntry(notBefore: .min) == (try verdict(folder)).from)
        #expect(try reader.firstEntry(notBefore: .max) == nil)
        let found: Revision = try #require(try reader.firstEntry(notBefore: newest.time))
        #expect(found <= newest.revision)
    }
}
