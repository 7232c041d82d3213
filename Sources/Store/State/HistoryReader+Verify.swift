import SQLite
package import StoreFormat

extension HistoryReader {
    /// A reader of the file in a node's folder of its state, whether the node runs or not.
    package init(folder: String) { self.init(path: "\(folder)/\(HistoryFile.name)") }

    /// Goes along the hashes of all entries, from the oldest on, and stops at the first that is wrong.
    ///
    /// Reads everything: seconds for a million entries.
    package func verify() throws(StoreFault) -> HistoryVerdict {
        let database: SQLiteDatabase = try fault(path) { () throws(SQLiteError) in
            try SQLiteDatabase(path: path, readOnly: true)
        }
        let version: Int64 = try fault(path) { () throws(SQLiteError) in try database.userVersion() }
        guard version == Int64(HistoryFile.version) else {
            throw StoreFault(
                file: path,
                problem: "history format \(version) has no hashes",
                nextStep: "Start the node once with this version: it adds them."
            )
        }
        do {
            return try verify(database)
        } catch let error as StoreFault {
            throw error
        } catch {
            throw StoreFault(
                file: path,
                problem: "the history cannot be read: \(error)",
                nextStep: "Keep the file for study; the other nodes have the same history."
            )
        }
    }

    private func verify(_ database: SQLiteDatabase) throws -> HistoryVerdict {
        // One state of the file, however much is appended meanwhile.
        try database.execute("BEGIN")
        defer { try? database.execute("ROLLBACK") }
        let span: [SQLiteValue] = try database.rows("SELECT floor, last, anchor, head FROM span").first ?? []
        guard span.count == 4, case .integer(let last) = span[1], case .blob(let anchor) = span[2],
            case .blob(let head) = span[3]
        else {
            return HistoryVerdict(
                from: 0,
                to: 0,
                entries: 0,
                head: [],
                anchor: [],
                problem: .init(revision: 0, reason: "the history does not say what it spans")
            )
        }
        var verdict = HistoryVerdict(from: 0, to: Revision(clamping: last), entries: 0, head: head, anchor: anchor)
        var gaps: ArraySlice<(revision: Int64, chain: [UInt8])> =
            try database.rows("SELECT revision, chain FROM gaps ORDER BY revision").compactMap { row in
                guard case .integer(let revision) = row[0], case .blob(let chain) = row[1] else { return nil }
                return (revision, chain)
            }[...]
        var chain: [UInt8] = anchor
        func wrong(_ revision: Int64, _ reason: String) -> HistoryVerdict {
            verdict.problem = .init(revision: Revision(clamping: revision), reason: reason)
            return verdict
        }
        let changes = try ChangeRows(database)
        let entries: SQLiteStatement = try database.prepare(
            "SELECT revision, time, actor, request, resource, audit, chain FROM entries ORDER BY revision"
        )
        defer { entries.reset() }
        while try entries.step() {
            let revision: Int64 = entries.int64(0)
            while let gap = gaps.first, gap.revision < revision {
                chain = HistoryChain.gap(chain, upTo: gap.revision)
                guard chain == gap.chain else {
                    return wrong(gap.revision, "what stands before this gap is not what was there")
                }
                gaps.removeFirst()
            }
            if let orphan: Int64 = try changes.before(revision) {
                return wrong(orphan, "a change is there whose entry is missing")
            }
            chain = HistoryChain.next(
                chain,
                revision: revision,
                time: entries.int64(1),
                actor: entries.text(2) ?? "",
                request: entries.text(3) ?? "",
                resource: entries.isNull(4) ? nil : entries.int64(4),
                audit: entries.isNull(5) ? nil : entries.blob(5),
                changes: try changes.of(revision)
            )
            guard chain == entries.blob(6) else {
                return wrong(
                    revision,
                    "its hash does not fit: it was changed, or what stood before it was changed, moved or removed"
                )
            }
            if verdict.entries == 0 { verdict.from = Revision(clamping: revision) }
            verdict.entries += 1
        }
        for gap in gaps {
            chain = HistoryChain.gap(chain, upTo: gap.revision)
            guard chain == gap.chain else {
                return wrong(gap.revision, "what stands before this gap is not what was there")
            }
        }
        if let orphan: Int64 = try changes.before(.max) {
            return wrong(orphan, "a change is there whose entry is missing")
        }
        guard chain == head else { return wrong(last, "entries are missing at the end, up to this one") }
        if verdict.entries == 0 { verdict.from = verdict.to }
        return verdict
    }

    /// All changes, in step with the entries.
    private final class ChangeRows {
        private let statement: SQLiteStatement
        private var isAtRow: Bool

        init(_ database: SQLiteDatabase) throws(SQLiteError) {
            statement = try database.prepare(
                "SELECT revision, tbl, number, before, after FROM changes ORDER BY revision, tbl, number"
            )
            isAtRow = try statement.step()
        }

        deinit { statement.reset() }

        /// The revision of the next change, if it lies below.
        func before(_ revision: Int64) throws(SQLiteError) -> Int64? {
            isAtRow && statement.int64(0) < revision ? statement.int64(0) : nil
        }

        func of(_ revision: Int64) throws(SQLiteError) -> [HistoryChain.Change] {
            var found: [HistoryChain.Change] = []
            while isAtRow, statement.int64(0) == revision {
                found.append(
                    HistoryChain.Change(
                        table: statement.int64(1),
                        number: statement.int64(2),
                        before: statement.isNull(3) ? nil : statement.blob(3),
                        after: statement.isNull(4) ? nil : statement.blob(4)
                    )
                )
                isAtRow = try statement.step()
            }
            return found
        }
    }

    /// The first entry that is not older than `time` (milliseconds since 1970); nil when all are.
    package func firstEntry(notBefore time: Int64) throws(StoreFault) -> Revision? {
        let database: SQLiteDatabase = try fault(path) { () throws(SQLiteError) in
            try SQLiteDatabase(path: path, readOnly: true)
        }
        let row: [SQLiteValue]? = try fault(path) { () throws(SQLiteError) in
            try database.rows(
                "SELECT revision FROM entries WHERE time >= ? ORDER BY revision LIMIT 1",
                .integer(time)
            ).first
        }
        guard case .integer(let revision)? = row?.first else { return nil }
        return Revision(revision)
    }
}
