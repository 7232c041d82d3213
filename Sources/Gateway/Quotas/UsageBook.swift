import JSON
import Limits
import Model
import Store
import StoreFormat
import Synchronization

/// What environments with quotas have, counted in a view.
///
/// A record is parsed once for each of its revisions; counting again walks the environment's index and compares revisions,
/// less than a microsecond for each object. Nothing is stored: there is no counter that could be wrong.
final class UsageBook: Sendable {
    private struct Line {
        var revision: Revision
        var usage: QuotaUsage
    }

    private let pages = Mutex<[UInt64: [RecordKey: Line]]>([:])

    func usage(of project: UInt64, in view: StoreView) -> QuotaUsage {
        let known: [RecordKey: Line] = pages.withLock { $0[project] } ?? [:]
        var lines: [RecordKey: Line] = [:]
        lines.reserveCapacity(known.count)
        var sum = QuotaUsage()
        let term: [UInt8] = RecordWriting.term("accountId", project)
        for table in QuotaUsage.tables {
            for number in view.numbers(table, term) {
                guard let record: Record = view.get(RecordKey(table, number)) else { continue }
                let line: Line
                if let there: Line = known[record.key], there.revision == record.revision {
                    line = there
                } else {
                    line = Line(revision: record.revision, usage: Self.usage(of: record))
                }
                lines[record.key] = line
                sum = sum + line.usage
            }
        }
        pages.withLock { pages in
            if pages.count >= Limits.usagePages, pages[project] == nil { pages.removeAll() }
            pages[project] = lines
        }
        return sum
    }

    /// What a record adds; one that cannot be read is nothing that a user could make.
    static func usage(of record: Record) -> QuotaUsage {
        guard let fields: JSONObject = try? JSONReader.parse(record.document).object else { return QuotaUsage() }
        return QuotaUsage(record.key.table, fields, size: record.document.count)
    }

    /// Hosts that an environment has, for global services.
    static func hosts(of project: UInt64, in view: StoreView) -> Int {
        view.records(.host, RecordWriting.term("accountId", project)).count { record in
            (try? HostRecord(document: record.document))?.removed == nil
        }
    }
}
