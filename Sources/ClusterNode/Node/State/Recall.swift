import EventLoop
import Gateway
import JSON
import Limits
import Store
import StoreFormat

/// The store's history, for the gateway: each question on a thread that may wait for the disk.
struct Recall: Recalling {
    let store: Store
    /// Of the node's trail.
    let trail: String

    func entries(
        of key: RecordKey,
        below revision: Revision,
        limit: Int
    ) async throws(RecallFault) -> [HistoryEntry] {
        try await ask { store throws(StoreFault) in
            // What was acknowledged a moment ago is told, too.
            _ = try store.flushHistory()
            return try store.history?.entries(of: key, below: revision, limit: limit) ?? []
        }
    }

    func record(_ key: RecordKey, at revision: Revision) async throws(RecallFault) -> Record? {
        try await ask { store throws(StoreFault) in try store.pastRecord(key, at: revision) }
    }

    func audits(below revision: Revision, limit: Int) async throws(RecallFault) -> [HistoryEntry] {
        try await ask { store throws(StoreFault) in
            _ = try store.flushHistory()
            return try store.history?.audits(below: revision, limit: limit) ?? []
        }
    }

    func audits(above revision: Revision, limit: Int) async throws(RecallFault) -> [HistoryEntry] {
        try await ask { store throws(StoreFault) in
            _ = try store.flushHistory()
            return try store.history?.audits(above: revision, limit: limit) ?? []
        }
    }

    func verified() async throws(RecallFault) -> JSONValue {
        let trail: String = trail
        return try await ask { store throws(StoreFault) in
            _ = try store.flushHistory()
            return AuditReport(history: try store.history?.verify(), trail: Trail.verify(folder: trail)).json
        }
    }

    func floor() async throws(RecallFault) -> Revision {
        try await ask { store throws(StoreFault) in
            _ = try store.flushHistory()
            return try store.history?.floor() ?? 1
        }
    }

    private func ask<Value: Sendable>(
        _ question: @escaping @Sendable (Store) throws(StoreFault) -> Value
    ) async throws(RecallFault) -> Value {
        let store: Store = store
        do throws(StoreFault) {
            return try await Blocking.run { () throws(StoreFault) in try question(store) }
        } catch {
            throw RecallFault("\(error)")
        }
    }
}
