import JSON
import Limits
import Model
import Store
import StoreFormat

/// The fields that are stored nowhere: worked out from other records when a resource is read.
///
/// What decisions and filters look at is added to every resource; lists of what belongs to it, which cost a look at each
/// of them, only to documents (``addLists(to:_:_:in:)``).
enum ComputedFields {
    static func add(
        to values: inout JSONObject,
        _ definition: ResourceDefinition,
        _ number: UInt64,
        observed: JSONObject?,
        in view: StoreView
    ) {
        switch definition.table {
        case .some(.instance): instance(&values, observed)
        case .some(.service): service(&values, definition, observed)
        case .some(.host): host(&values, definition, observed)
        case .some(.account) where definition.name == "project":
            values["orchestration"] = "cattle"
            values["version"] = "2"
            values["healthState"] = projectHealth(number, view)
            lifecycle(&values, definition)
        case .some(.projectMember): member(&values, definition, view)
        case .some(.stack):
            if observed == nil { values["healthState"] = "healthy" }
            lifecycle(&values, definition)
        default: lifecycle(&values, definition)
        }
        if let removed: Int64 = values["removed"]?.int, let table: Table = definition.table,
            Table.purged.contains(table)
        {
            values["removeTime"] = .int(removed + Limits.removedPurgeSeconds * 1_000)
        }
    }

    /// The members that name what belongs to a stack, service or host.
    static func addLists(
        to values: inout JSONObject,
        _ definition: ResourceDefinition,
        _ number: UInt64,
        in view: StoreView
    ) {
        switch definition.table {
        case .some(.stack):
            values["serviceIds"] = numbers(living(.service, "stackId", number, view))
        case .some(.service), .some(.host):
            let member: String = definition.table == .host ? "hostId" : "serviceId"
            let instances: [Record] = living(.instance, member, number, view)
            values["instanceIds"] = numbers(instances)
            values["publicEndpoints"] = PublicEndpoints.of(instances, in: view)
        default: break
        }
    }

    /// `transitioning` from the state's place in the type's machine.
    private static func lifecycle(_ values: inout JSONObject, _ definition: ResourceDefinition) {
        let isMoving: Bool = definition.states?.isTransitioning(values["state"]?.string ?? "") ?? false
        values["transitioning"] = isMoving ? "yes" : "no"
        values["transitioningMessage"] = isMoving ? "In Progress" : nil
    }

    private static func instance(_ values: inout JSONObject, _ observed: JSONObject?) {
        let shown = InstanceState(
            desired: InstanceRecord(fields: values),
            observed: observed.map { InstanceObservation(fields: $0) }
        )
        values["state"] = .string(shown.state)
        values["transitioning"] = .string(shown.transitioning)
        values["transitioningMessage"] = JSONValue(shown.message)
        values["serviceIds"] = .array(values["serviceId"].map { $0.isNull ? [] : [$0] } ?? [])
    }

    private static func service(
        _ values: inout JSONObject,
        _ definition: ResourceDefinition,
        _ observed: JSONObject?
    ) {
        let observation = ServiceObservation(fields: observed ?? [:])
        values["state"] = .string(ServiceRecord(fields: values).shownState)
        lifecycle(&values, definition)
        values["linkedServices"] = [:]
        if observed == nil {
            // What health computation will find, which has not looked yet.
            values["currentScale"] = 0
            values["healthState"] = values["scale"]?.int == 0 ? "healthy" : "unhealthy"
        }
        // While it is kept going: whoever stops or removes it is not told what went wrong before.
        let isKept: Bool = ["activating", "active", "updating-active", "restarting"].contains(
            values["state"]?.string
        )
        if let problem: String = observation.problem, isKept {
            values["transitioning"] = "error"
            values["transitioningMessage"] = .string(problem)
        }
    }

    private static func host(
        _ values: inout JSONObject,
        _ definition: ResourceDefinition,
        _ observed: JSONObject?
    ) {
        let observation = HostObservation(fields: observed ?? [:])
        lifecycle(&values, definition)
        values["computeTotal"] = 1_000_000
        values["state"] = .string(HostState.shown(desired: HostRecord(fields: values), observed: observation))
        for name in HostRecord.totals where values[name]?.int == nil { values[name] = observed?[name] ?? .null }
        // What the agent reports and what users set are one map to those who read it; users win.
        var labels: [String: String] = observation.labels
        labels.merge(HostRecord(fields: values).labels) { _, users in users }
        var merged = JSONObject()
        for (key, value) in labels.sorted(by: { $0.key < $1.key }) { merged.append(key, .string(value)) }
        values["labels"] = .object(merged)
    }

    private static func member(_ values: inout JSONObject, _ definition: ResourceDefinition, _ view: StoreView) {
        lifecycle(&values, definition)
        if let name: IdentityName = ProjectMemberRecord(fields: values).identity.flatMap({ IdentityName($0) }) {
            values["externalId"] = .string(name.id)
            values["externalIdType"] = .string(name.type)
            values["name"] = .string(name.id)
        }
        guard let number: UInt64 = ProjectMemberRecord(fields: values).memberAccountID else { return }
        values["externalId"] = .string(ResourceID(number: number).rendered("a"))
        values["externalIdType"] = "rancher_id"
        if let account: Record = view.get(RecordKey(.account, number)),
            let record = try? AccountRecord(document: account.document)
        {
            values["name"] = .string(record.name)
        }
    }

    /// The worst of the stacks' (contract O11).
    private static func projectHealth(_ number: UInt64, _ view: StoreView) -> JSONValue {
        var states: [String] = []
        for stack in view.records(.stack, RecordWriting.term("accountId", number)) where isLiving(stack) {
            let observed: Record? = view.get(RecordKey(.stackObserved, stack.key.number))
            let health: String? = observed.flatMap { try? StackObservation(document: $0.document) }?.healthState
            states.append(health ?? "healthy")
        }
        if states.allSatisfy({ $0 == "started-once" }), !states.isEmpty { return "started-once" }
        if states.allSatisfy({ $0 == "healthy" || $0 == "started-once" }) { return "healthy" }
        if states.contains("initializing") { return "initializing" }
        return states.contains("healthy") ? "degraded" : "unhealthy"
    }

    private static func living(_ table: Table, _ member: String, _ number: UInt64, _ view: StoreView) -> [Record] {
        view.records(table, RecordWriting.term(member, number)).filter { isLiving($0) }
    }

    private static func numbers(_ records: [Record]) -> JSONValue { .array(records.map { JSONValue($0.key.number) }) }

    private static func isLiving(_ record: Record) -> Bool {
        (try? JSONReader.parse(record.document))?["removed"]?.int == nil
    }
}
