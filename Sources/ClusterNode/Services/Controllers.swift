import Model
package import StoreFormat

/// Every controller behind one door: what a change asks for, and what an item comes to.
package enum Controllers {
    /// Decides what is to be done about one item.
    ///
    /// Running it again on an unchanged state gives the same plan.
    package static func run(_ item: WorkItem, _ state: some StateReading, _ context: ControlContext) -> Plan {
        switch item.controller {
        case .instance: InstanceController.plan(item.number, in: state, context)
        case .host: HostController.plan(item.number, in: state, context)
        case .service: ServiceController.plan(item.number, in: state, context)
        case .stack: StackController.plan(item.number, in: state, context)
        case .project: ProjectController.plan(item.number, in: state, context)
        case .serviceHealth: HealthController.service(item.number, in: state, context)
        case .stackHealth: HealthController.stack(item.number, in: state, context)
        case .purge: PurgeController.plan(item.number, in: state, context)
        }
    }

    /// The environment whose owner runs the item; nil when there is nothing (left) to run, 0 for the cluster's.
    package static func scope(of item: WorkItem, in state: some StateReading) -> UInt64? {
        let record: AnyResource? =
            table(of: item.controller).map { state.read($0, item.number)?.record }
            ?? PurgeController.tables.lazy.compactMap { state.read($0.table, item.number)?.record }.first
        guard let record else { return nil }
        if item.controller == .project { return item.number }
        guard let account: UInt64 = record.accountID ?? record.reference("projectId"),
            let owner: Stored<AccountRecord> = state.read(.account, account), owner.record.isProject
        else { return 0 }
        return account
    }

    /// Every item of an environment: what a new owner runs first.
    package static func everything(in scope: UInt64, _ state: some StateReading) -> [WorkItem] {
        var items: Set<WorkItem> = [WorkItem(.project, scope)]
        for (table, _) in PurgeController.tables {
            let member: String = table == .projectMember ? "projectId" : "accountId"
            let numbers: [UInt64] = state.numbers(table, term: RecordWriting.term(member, scope))
            for number in numbers { items.formUnion(own(RecordKey(table, number), in: state)) }
        }
        return items.sorted()
    }

    /// Whether an environment has no records any more, not even of what was removed.
    ///
    /// - Parameter numbers: the records of a table under an index term.
    package static func isEmpty(_ scope: UInt64, numbers: (Table, [UInt8]) -> [UInt64]) -> Bool {
        PurgeController.tables.allSatisfy { table, _ in
            numbers(table, RecordWriting.term(table == .projectMember ? "projectId" : "accountId", scope)).isEmpty
        }
    }

    /// The items that are about the record itself.
    static func own(_ key: RecordKey, in state: some StateReading) -> [WorkItem] {
        guard let record: AnyResource = state.read(key.table, key.number)?.record else { return [] }
        guard record.removed == nil else {
            return PurgeController.tables.contains { $0.table == key.table } ? [WorkItem(.purge, key.number)] : []
        }
        switch key.table {
        case .account: return [WorkItem(.project, key.number)]
        case .host: return [WorkItem(.host, key.number)]
        case .stack: return [WorkItem(.stack, key.number), WorkItem(.stackHealth, key.number)]
        case .service: return [WorkItem(.service, key.number), WorkItem(.serviceHealth, key.number)]
        case .instance: return [WorkItem(.instance, key.number)]
        default: return []
        }
    }

    private static func table(of controller: WorkItem.Controller) -> Table? {
        switch controller {
        case .instance: .instance
        case .host: .host
        case .service, .serviceHealth: .service
        case .stack, .stackHealth: .stack
        case .project: .account
        case .purge: nil
        }
    }
}
