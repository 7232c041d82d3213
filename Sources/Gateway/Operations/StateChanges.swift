import JSON
import Model
import Store
import StoreFormat

/// What an action writes.
///
/// Where a controller carries the process out, the record enters the transitional state; where there is nothing to
/// carry out, it goes to the end at once.
enum StateChanges {
    static func change(
        _ action: String,
        _ resource: Resource,
        _ body: JSONObject,
        _ exchange: Exchange
    ) throws(Problem) -> PlannedChange {
        var change = PlannedChange(
            subject: .existing(resource.record.key),
            verb: action,
            type: resource.definition.name
        )
        let input: String? = resource.definition.action(action)?.input
        change.request = Masking.masked(body, input.flatMap { Schemas.definition($0) })
        var record = AnyRecord(fields: resource.stored)
        switch resource.record.key.table {
        case _ where action == "purge":
            record.state = try process(action, Availability.lifecycleState(resource), resource).done
        case .instance: instance(action, &record, body)
        case .stack where action == "activateservices" || action == "deactivateservices":
            services(action, of: resource, &change, exchange)
            return change
        case .host where action == "evacuate": evacuate(&record)
        case .service: try service(action, &record, body, resource)
        case .stack, .host: try enter(action, &record, resource)
        case .account: try account(action, &record, resource, &change, exchange)
        case .credential:
            try finish(action, &record, resource, exchange)
            change.writes.append(.touchPolicy(subject: Template(bytes: PolicySubject.credential(resource.number))))
        case let table where AccessRoles.isAbout(table):
            try finish(action, &record, resource, exchange)
            try AccessRoles.check(
                resource.stored,
                record.fields,
                table,
                key: resource.record.key,
                &change,
                exchange
            )
        default: try finish(action, &record, resource, exchange)
        }
        change.preconditions.append(.revision(resource.record.key, resource.record.revision))
        change.writes.append(
            RecordWriting.put(
                resource.record.key.table,
                .known(resource.number),
                record.fields,
                scope: .known(resource.record.scope)
            )
        )
        return change
    }

    private static func instance(_ action: String, _ record: inout AnyRecord, _ body: JSONObject) {
        var instance = InstanceRecord(fields: record.fields)
        switch action {
        case "start":
            instance.goal = .running
            instance.generation += 1
            instance.failure = nil
        case "restart":
            instance.goal = .running
            instance.generation += 1
        case "stop":
            instance.goal = (body["remove"]?.bool ?? false) ? .removed : .stopped
        default: instance.goal = .removed
        }
        record.fields = instance.fields
    }

    /// Out of use, and empty: the controller orders the containers to go before it lets the host rest.
    private static func evacuate(_ record: inout AnyRecord) {
        var host = HostRecord(fields: record.fields)
        host.state = "deactivating"
        host.isEvacuating = true
        record.fields = host.fields
    }

    /// A restart leaves the stored state as it is; whatever else is done to a service ends one that is under way.
    private static func service(
        _ action: String,
        _ record: inout AnyRecord,
        _ body: JSONObject,
        _ resource: Resource
    ) throws(Problem) {
        let step: StateMachine.Process = try process(action, resource.state, resource)
        var service = ServiceRecord(fields: record.fields)
        service.restart = nil
        if action == "restart" {
            let strategy: JSONObject = body["rollingRestartStrategy"]?.object ?? [:]
            service.restart = ServiceRestart(
                batchSize: Int(clamping: strategy["batchSize"]?.int ?? 1),
                intervalMilliseconds: strategy["intervalMillis"]?.int ?? 0,
                upTo: service.createIndex
            )
        } else {
            service.state = step.via
        }
        record.fields = service.fields
    }

    /// Into the transitional state; the controller brings it out again.
    private static func enter(_ action: String, _ record: inout AnyRecord, _ resource: Resource) throws(Problem) {
        record.state = try process(action, record.state, resource).via
    }

    /// To the end at once.
    private static func finish(
        _ action: String,
        _ record: inout AnyRecord,
        _ resource: Resource,
        _ exchange: Exchange
    ) throws(Problem) {
        record.state = try process(action, record.state, resource).done
        if record.state == "removed" { record.removed = exchange.time }
    }

    private static func account(
        _ action: String,
        _ record: inout AnyRecord,
        _ resource: Resource,
        _ change: inout PlannedChange,
        _ exchange: Exchange
    ) throws(Problem) {
        if record.kind == "admin", action != "activate" {
            change.preconditions.append(try LastAdministrator.kept(without: resource, exchange))
        }
        if action != "activate" {
            // Whoever comes back logs in again.
            change.writes += LoginMaking.ends(of: resource.number, keeping: 0, exchange.view, at: exchange.time)
        }
        if action == "remove" { change.writes += UserPreferences.removal(of: resource.number, exchange.view) }
        if record.kind == "project", action == "remove" {
            try enter(action, &record, resource)
        } else {
            try finish(action, &record, resource, exchange)
        }
        change.writes.append(.touchPolicy(subject: Template(bytes: PolicySubject.account(resource.number))))
    }

    /// The work of the services' own actions, all in one change (contract O12).
    private static func services(
        _ action: String,
        of stack: Resource,
        _ change: inout PlannedChange,
        _ exchange: Exchange
    ) {
        let process: String = action == "activateservices" ? "activate" : "deactivate"
        for record in exchange.view.records(.service, RecordWriting.term("stackId", stack.number)) {
            guard let service = Resource(record, in: exchange.view), !service.isRemoved,
                let step: StateMachine.Process = service.definition.states?.process(
                    named: process,
                    from: service.state
                ),
                var stored = try? AnyRecord(document: record.document)
            else { continue }
            // Activating means those that rest; deactivating those that work.
            if process == "activate", service.state != "inactive" { continue }
            stored.state = step.via
            stored.fields["restart"] = nil
            change.preconditions.append(.revision(record.key, record.revision))
            change.writes.append(
                RecordWriting.put(.service, .known(record.key.number), stored.fields, scope: .known(record.scope))
            )
        }
    }

    private static func process(
        _ action: String,
        _ state: String,
        _ resource: Resource
    ) throws(Problem) -> StateMachine.Process {
        guard let process = resource.definition.states?.process(named: action, from: state) else {
            throw .methodNotAllowed("\(resource.definition.nameInProse) that is \(state) cannot \(action).")
        }
        return process
    }
}
