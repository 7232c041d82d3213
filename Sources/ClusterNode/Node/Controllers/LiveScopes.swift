import Model
import Ownership
import Services
import Store
import StoreFormat

/// The scopes of a state: the cluster, every environment that is not removed, and those in which something is still to be
/// deleted: without an owner it would stay for ever.
///
/// It remembers what it read of each environment, because a leader asks several times a second.
struct LiveScopes {
    private struct Reading {
        var revision: Revision
        var isRemoved: Bool
    }

    private var readings: [UInt64: Reading] = [:]

    mutating func scopes(in view: StoreView) -> [OwnershipView.Scope] {
        let projects: [UInt64] = view.numbers(.account, Array("kind=project".utf8))
        if readings.count > projects.count { readings = [:] }
        let alive: [UInt64] = projects.filter { isAlive($0, view) }
        return ([OwnershipPlan.cluster] + alive).map { scope in
            let owner: ScopeOwner? = view.epoch(scope)
            return OwnershipView.Scope(id: scope, owner: owner?.node, epoch: owner?.epoch ?? 0)
        }
    }

    private mutating func isAlive(_ number: UInt64, _ view: StoreView) -> Bool {
        guard let record: Record = view.get(RecordKey(.account, number)) else { return false }
        let isRemoved: Bool
        if let reading: Reading = readings[number], reading.revision == record.revision {
            isRemoved = reading.isRemoved
        } else {
            guard let account = try? AccountRecord(document: record.document) else { return false }
            isRemoved = account.removed != nil
            readings[number] = Reading(revision: record.revision, isRemoved: isRemoved)
        }
        return !isRemoved || !Controllers.isEmpty(number, numbers: { view.numbers($0, $1) })
    }
}
