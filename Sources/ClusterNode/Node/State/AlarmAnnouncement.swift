import EventLoop
import Gateway
import JSON
import Limits
import Model
import Store
import StoreFormat

/// Brings this node's alarms into its record.
///
/// A log entry only when the set of alarms changes: an idle cluster stays idle.
struct AlarmAnnouncement: Sendable {
    let state: any StateProviding & Proposing
    let alarms: Alarms
    let member: UInt64
    let now: @Sendable () -> Int64

    /// Until its task is cancelled.
    func run(on loop: EventLoop) async {
        while (try? await loop.sleep(toMultipleOf: Limits.membershipMilliseconds)) != nil { await look() }
    }

    /// Compares the record with what is so, and proposes the difference; what fails is tried with the next look.
    func look() async {
        let key = RecordKey(.node, member)
        guard let record: Record = state.store.view.get(key), var node = try? NodeRecord(document: record.document),
            node.removed == nil
        else { return }
        let present: [Alarm] = alarms.all
        guard node.alarms.map(\.kind) != present.map(\.kind) else { return }
        node.fields["alarms"] = .array(present.map(\.json))
        _ = try? await state.propose(
            Transaction(
                time: now(),
                actor: "system",
                requestID: "alarms",
                preconditions: [.revision(key, record.revision)],
                writes: [RecordWriting.put(.node, .known(member), node.fields, scope: .known(0))]
            )
        )
    }
}
