import EventLoop
import JSON
import Limits
import Logging
import Model
import Store
import StoreFormat

/// Forgets audit records, past revisions and lines of the trail that are older than `audit_log.purge.after.seconds`.
///
/// Each node for itself, by the time that stands in the entries, so that all forget the same. What is kept stays
/// verifiable: it begins with the hash of what went.
struct AuditRetention: Sendable {
    let state: ReplicatedState
    let journal: Journal
    let loop: EventLoop
    let logger: Logger
    let now: @Sendable () -> Int64

    func run() async {
        while (try? await loop.sleep(milliseconds: Limits.auditPurgeSeconds * 1_000)) != nil { await purge() }
    }

    func purge() async {
        guard let seconds: Int64 = Self.seconds(state.store.view) else { return }
        let time: Int64 = now() - seconds * 1_000
        let store: Store = state.store
        do {
            try await Blocking.run { () throws(StoreFault) in
                guard let reader: HistoryReader = store.history,
                    let first: Revision = try reader.firstEntry(notBefore: time)
                else { return }
                try store.cutHistory(below: first)
            }
        } catch {
            logger.error("old audit records cannot be purged", ["error": .string("\(error)")])
        }
        await journal.purge(before: time)
    }

    /// nil for never.
    static func seconds(_ view: StoreView) -> Int64? {
        let name: String = "audit_log.purge.after.seconds"
        var text: String? = SettingCatalogue.definition(name)?.defaultValue
        if let key: RecordKey = view.holder(Array("setting/\(name)".utf8)), let record: Record = view.get(key) {
            text = (try? SettingRecord(document: record.document))?.value ?? text
        }
        guard let seconds: Int64 = text.flatMap({ Int64($0) }), seconds > 0 else { return nil }
        return min(seconds, 3_153_600_000)
    }
}
