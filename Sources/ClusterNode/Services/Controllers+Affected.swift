import JSON
import Model
package import StoreFormat

extension Controllers {
    /// The items that a change of a record may have something to do for, ascending.
    ///
    /// Level-triggered: it says where to look, never what to do. Rather one too many than one too few; an item
    /// with nothing to do plans nothing.
    package static func affected(by key: RecordKey, in state: some StateReading) -> [WorkItem] {
        var items: Set<WorkItem> = Set(own(key, in: state))
        switch key.table {
        case .instance, .instanceObserved:
            items.insert(WorkItem(.instance, key.number))
            if let instance: InstanceRecord = state.read(.instance, key.number)?.record {
                around(instance, in: state, &items)
            }
        case .service:
            if let service: ServiceRecord = state.read(.service, key.number)?.record {
                if let stack: UInt64 = service.stackID {
                    items.insert(WorkItem(.stackHealth, stack))
                    leaving(.stack, stack, .stack, in: state, &items)
                }
            }
        case .serviceObserved:
            // What stands in its way may have gone while that was being written: look once more.
            let observed: Stored<ServiceObservation>? = state.read(.serviceObserved, key.number)
            if observed?.record.problem != nil { items.insert(WorkItem(.service, key.number)) }
            if let stack: UInt64 = state.read(.service, key.number, as: ServiceRecord.self)?.record.stackID {
                items.insert(WorkItem(.stackHealth, stack))
            }
        case .stack:
            if let account: UInt64 = state.read(.stack, key.number, as: StackRecord.self)?.record.accountID {
                leaving(.account, account, .project, in: state, &items)
            }
        case .host, .hostObserved:
            items.insert(WorkItem(.host, key.number))
            around(host: key.number, onlyTheBlocked: false, in: state, &items)
        case .hostReservation:
            around(host: key.number, onlyTheBlocked: true, in: state, &items)
        default: break
        }
        return items.sorted()
    }

    /// Whether a change of this record may concern any item at all: for many it does not, and that is told from the record
    /// alone.
    ///
    /// What has no controller of its own is only ever deleted, some time after it was removed.
    package static func mayConcern(_ record: Record) -> Bool {
        switch record.key.table {
        case .volume, .credential, .projectMember, .userPreference:
            do throws(JSONError) {
                return !(try JSONReader.member("removed", of: record.document)?.isNull ?? true)
            } catch {
                return true  // left to whoever says what is wrong with it
            }
        default: return true
        }
    }

    private static func around(
        _ instance: InstanceRecord,
        in state: some StateReading,
        _ items: inout Set<WorkItem>
    ) {
        if let service: UInt64 = instance.serviceID {
            items.insert(WorkItem(.service, service))
            items.insert(WorkItem(.serviceHealth, service))
        }
        if let stack: UInt64 = instance.stackID { leaving(.stack, stack, .stack, in: state, &items) }
        if let host: UInt64 = instance.hostID { leaving(.host, host, .host, in: state, &items) }
        if let account: UInt64 = instance.accountID { leaving(.account, account, .project, in: state, &items) }
    }

    /// What may be placed now, or has to move, because a host changed.
    private static func around(
        host number: UInt64,
        onlyTheBlocked: Bool,
        in state: some StateReading,
        _ items: inout Set<WorkItem>
    ) {
        guard let host: HostRecord = state.read(.host, number)?.record, let account: UInt64 = host.accountID else {
            return
        }
        let unplaced: [UInt64] = state.numbers(.instance, term: RecordWriting.term("unplaced", account))
        for instance in unplaced { items.insert(WorkItem(.instance, instance)) }
        leaving(.account, account, .project, in: state, &items)
        for service in state.numbers(.service, term: RecordWriting.term("accountId", account)) {
            let observed: Stored<ServiceObservation>? = state.read(.serviceObserved, service)
            if observed?.record.problem != nil {
                items.insert(WorkItem(.service, service))
            } else if !onlyTheBlocked, state.read(.service, service, as: ServiceRecord.self)?.record.isGlobal == true {
                items.insert(WorkItem(.service, service))
            }
        }
        guard !onlyTheBlocked else { return }
        for instance in state.numbers(.instance, term: RecordWriting.term("hostId", number)) {
            items.insert(WorkItem(.instance, instance))
            guard let service: UInt64 = state.read(.instance, instance, as: InstanceRecord.self)?.record.serviceID
            else { continue }
            items.insert(WorkItem(.service, service))
            items.insert(WorkItem(.serviceHealth, service))
        }
    }

    /// The thing above, when it waits for what is in it to go; a host that is evacuated waits for the orders to be given.
    private static func leaving(
        _ table: Table,
        _ number: UInt64,
        _ controller: WorkItem.Controller,
        in state: some StateReading,
        _ items: inout Set<WorkItem>
    ) {
        let record: AnyResource? = state.read(table, number)?.record
        guard let state: String = record?.state, record?.removed == nil else { return }
        if state == "removing" || table == .host && state == "deactivating" {
            items.insert(WorkItem(controller, number))
        }
    }
}
