import Gateway
import JSON
@testable import Store
import StoreFormat
import Synchronization

/// History and journal in memory, beside a ``MemoryNode``.
final class MemoryPast: Recalling, NodeJournal {
    let node: MemoryNode
    private let state = Mutex<(events: [JSONObject], lines: [(file: String, line: [UInt8])])>(([], []))

    init(_ node: MemoryNode) { self.node = node }

    /// What was noted, in order.
    var events: [JSONObject] { state.withLock { $0.events } }
    var lines: [(file: String, line: [UInt8])] { state.withLock { $0.lines } }

    func note(_ event: JSONObject) { state.withLock { $0.events.append(event) } }
    func access(_ line: [UInt8], file: String) { state.withLock { $0.lines.append((file, line)) } }

    /// Plays everything again, and looks at what each entry changes.
    private var entries: [HistoryEntry] {
        let store = Store()
        var found: [HistoryEntry] = []
        for (index, transaction) in node.entries.enumerated() {
            let before: StoreView = store.view
            let revision = UInt64(index + 1)
            guard case .committed(_, let numbers) = store.apply(index: revision, transaction),
                let audit = transaction.audit
            else { continue }
            let resource: UInt64? = audit.resourceID ?? audit.createdResource.map { numbers[$0] }
            var changes: [RecordChange] = []
            for table in (1...60).map({ Table(rawValue: $0) }) {
                for record in store.view.records(in: table) where record.revision == revision {
                    changes.append(RecordChange(key: record.key, before: before.get(record.key), after: record))
                }
                for record in before.records(in: table) where store.view.get(record.key) == nil {
                    changes.append(RecordChange(key: record.key, before: record, after: nil))
                }
            }
            found.append(
                HistoryEntry(
                    revision: revision,
                    time: transaction.time,
                    actor: transaction.actor,
                    requestID: transaction.requestID,
                    audit: audit,
                    resource: resource,
                    changes: changes
                )
            )
        }
        return found
    }

    func entries(of key: RecordKey, below: Revision, limit: Int) async throws(RecallFault) -> [HistoryEntry] { [] }
    func record(_ key: RecordKey, at revision: Revision) async throws(RecallFault) -> Record? { nil }
    func floor() async throws(RecallFault) -> Revision { 1 }
    func verified() async throws(RecallFault) -> JSONValue { ["whole": true] }

    func audits(below revision: Revision, limit: Int) async throws(RecallFault) -> [HistoryEntry] {
        Array(entries.filter { $0.revision < revision }.reversed().prefix(limit))
    }

    func audits(above revision: Revision, limit: Int) async throws(RecallFault) -> [HistoryEntry] {
        Array(entries.filter { $0.revision > revision }.prefix(limit))
    }
}
