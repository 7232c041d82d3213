import Model
import StoreFormat

/// Deletes the records of what was removed long enough ago.
package enum PurgeController {
    /// What is deleted, with the records beside it.
    ///
    /// The tables of ``Table/purged``.
    static let tables: [(table: Table, beside: [Table])] = [
        (.instance, [.instanceObserved]),
        (.service, [.serviceObserved]),
        (.stack, [.stackObserved]),
        (.host, [.hostObserved, .hostReservation]),
        (.volume, [.volumeObserved]),
        (.credential, []),
        (.projectMember, []),
        (.userPreference, []),
    ]

    /// Numbers are unique across tables, so the number alone says what is meant.
    package static func plan(_ number: UInt64, in state: some StateReading, _ context: ControlContext) -> Plan {
        var plan = Plan()
        for (table, beside) in tables {
            guard let stored: Stored<AnyResource> = state.read(table, number) else { continue }
            guard let removed: Int64 = stored.record.removed else { return plan }
            let due: Int64 = removed + context.purgeAgeMilliseconds
            guard context.time >= due else {
                plan.wake(at: due)
                return plan
            }
            var draft = Draft(context)
            draft.builds(on: stored)
            draft.delete(stored.key)
            for table in beside where state.document(RecordKey(table, number)) != nil {
                draft.delete(RecordKey(table, number))
            }
            if table == .credential, FeatureGate.forgetPolicy.isOpen(at: context.clusterLevel) {
                // Nobody can come with that key any more, so nothing was decided by its rights.
                draft.forgetPolicy(PolicySubject.credential(number))
            }
            plan.propose(draft)
            return plan
        }
        return plan
    }
}
