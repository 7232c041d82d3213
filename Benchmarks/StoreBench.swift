import Glibc
import Store
import StoreFormat

/// The state machine by itself: no Raft, no network; the disk only where the case's name says so.
package enum StoreBench {
    /// Runs every case, about ten seconds in a release build.
    ///
    /// - Parameter records: how many records the state holds.
    /// - Throws: what the store's files could not do.
    package static func run(records: Int = 100_000) async throws -> BenchReport {
        let path: String = try Scratch.make(in: "/tmp")
        defer { Scratch.remove(path) }
        var cases: [BenchCase] = []
        let store = Store()
        cases.append(try apply(records, encoded: false, into: store, name: "apply-\(records)"))
        cases.append(try apply(records, encoded: true, into: Store(), name: "apply-encoded-\(records)"))
        cases += reads(store, records)
        cases += try restart(records, path)
        cases.append(try await fanOut(watchers: 1_000, events: 100))
        return BenchReport(benchmark: "store", cases: cases)
    }

    private static let table = Table(rawValue: 4)

    /// A service of a stack: 256 bytes of document, two terms, a unique key.
    private static func put(_ number: Int) -> Transaction {
        var document = Template.Builder(reservingCapacity: 256)
        document.append(#"{"name":"service","description":""#)
        document.append(Array(repeating: UInt8(ascii: "x"), count: 200))
        document.append(#"","id":"#)
        document.append(number: .created(0))
        document.append("}")
        let write = RecordWrite(
            table: table,
            number: .created(0),
            scope: .known(5),
            document: document.template,
            terms: [Template("stack=\(number % 1000)"), Template("state=active")],
            uniqueKeys: [Template("service/\(number)")]
        )
        return Transaction(
            time: 1_700_000_000_000,
            actor: "1a1",
            requestID: "bench",
            writes: [.put(write)],
            created: 1
        )
    }

    private static func apply(
        _ count: Int,
        encoded: Bool,
        into store: Store,
        name: String
    ) throws -> BenchCase {
        let entries: [Transaction] = (0..<count).map(put)
        let bytes: [[UInt8]] = encoded ? entries.map { $0.encoded() } : []
        let start: Double = seconds()
        for index in 0..<count {
            if encoded {
                _ = try store.apply(index: Revision(index + 1), encoded: bytes[index])
            } else {
                _ = store.apply(index: Revision(index + 1), entries[index])
            }
        }
        return BenchCase(name: name, unit: "ops/s", ours: Double(count) / (seconds() - start))
    }

    private static func reads(_ store: Store, _ records: Int) -> [BenchCase] {
        let count: Int = 1_000_000
        var found: Int = 0
        var start: Double = seconds()
        let view: StoreView = store.view
        for step in 0..<count {
            // A stride that is coprime to most sizes visits records out of order.
            let number = UInt64(step &* 7919 % records + 1)
            if view.get(RecordKey(table, number)) != nil { found += 1 }
        }
        precondition(found == count, "every record that was put is there")
        let get: Double = Double(count) / (seconds() - start)

        start = seconds()
        var revisions: UInt64 = 0
        for _ in 0..<count { revisions &+= store.view.revision }
        let taken: Double = (seconds() - start) / Double(count) * 1e9
        precondition(revisions > 0, "a view has a revision")

        start = seconds()
        var listed: Int = 0
        let lists: Int = 1_000
        for list in 0..<lists { listed += view.records(table, Array("stack=\(list)".utf8)).count }
        let list: Double = Double(listed) / (seconds() - start)
        return [
            BenchCase(name: "get", unit: "ops/s", ours: get),
            BenchCase(name: "view", unit: "ns", ours: taken),
            BenchCase(name: "list-by-term", unit: "records/s", ours: list),
        ]
    }

    private static func restart(_ records: Int, _ path: String) throws -> [BenchCase] {
        let store: Store = try Store.open(folder: path)
        for index in 0..<records { _ = store.apply(index: Revision(index + 1), put(index)) }
        var start: Double = seconds()
        _ = try store.checkpoint()
        let checkpoint: Double = seconds() - start
        start = seconds()
        let again: Store = try Store.open(folder: path)
        precondition(again.view.recordCount == records, "the checkpoint holds every record")
        return [
            BenchCase(name: "checkpoint-disk-\(records)", unit: "s", ours: checkpoint),
            BenchCase(name: "restart-disk-\(records)", unit: "s", ours: seconds() - start),
        ]
    }

    /// From one apply to the last of all watchers having the event, on average.
    private static func fanOut(watchers: Int, events: Int) async throws -> BenchCase {
        let store = Store()
        let watches: [Watch] = try (0..<watchers).map { _ in try store.watch(from: 1) }
        var total: Double = 0
        for event in 1...events {
            let start: Double = seconds()
            try await withThrowingTaskGroup(of: Void.self) { group in
                for watch in watches {
                    group.addTask {
                        let found: WatchEvent? = try await watch.next()
                        precondition(found?.revision == Revision(event), "each watcher has the event")
                    }
                }
                group.addTask { _ = store.apply(index: Revision(event), put(event)) }
                try await group.waitForAll()
            }
            total += seconds() - start
        }
        return BenchCase(name: "watch-\(watchers)", unit: "ms", ours: total / Double(events) * 1000)
    }

    private static func seconds() -> Double {
        var now = timespec()
        clock_gettime(CLOCK_MONOTONIC, &now)
        return Double(now.tv_sec) + Double(now.tv_nsec) / 1e9
    }
}
