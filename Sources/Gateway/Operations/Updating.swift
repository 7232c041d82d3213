import JSON
import Model
import RBAC
import Store
import StoreFormat

/// PUT: only fields whose value differs are written; some of them start the type's update process (contract A10).
enum Updating {
    static func answer(
        _ definition: ResourceDefinition,
        _ id: String,
        _ exchange: inout Exchange,
        _ gateway: Gateway
    ) async throws(Problem) -> Answer {
        let body: JSONObject = try exchange.body()
        let committed: Changing.Result? = try await Changing.commit(&exchange, gateway) { (current) throws(Problem) in
            let resource: Resource = try Reading.resource(definition, id, current)
            try Authorisation.require(.put, of: resource.definition, current)
            let decision: Decision = try Authorisation.require(.update, resource, current)
            var planned: PlannedChange? = try change(resource, body, current)
            planned?.decision = decision.description
            return planned
        }
        if let preview: Answer = exchange.preview { return preview }
        // Read in the newest view, also when nothing had to change.
        let resource: Resource = try Reading.resource(definition, id, exchange, written: committed?.written)
        return .document(status: 200, .object(exchange.renderer.document(resource)))
    }

    private static func change(
        _ resource: Resource,
        _ body: JSONObject,
        _ exchange: Exchange
    ) throws(Problem) -> PlannedChange? {
        let definition: ResourceDefinition = resource.definition
        guard !resource.isRemoved else { throw .conflict("The \(definition.name) was removed; it cannot be changed.") }
        let update: ValidatedUpdate
        var fields: JSONObject = resource.stored
        var body: JSONObject = body
        if definition.table == .host {
            // Whoever sends a document back as it was must not hold its host to what was found there that day.
            for name in HostRecord.totals where body[name] == resource.values[name] { body[name] = nil }
        }
        var relied: [Precondition] = []
        do throws(ValidationProblem) {
            update = try Validation.update(
                definition,
                stored: fields,
                body: body,
                context: Creating.context(definition, exchange, updates: true, of: resource) {
                    relied.append(.revision($0.record.key, $0.record.revision))
                }
            )
        } catch {
            throw Problem(validation: error)
        }
        guard !update.changed.isEmpty else { return nil }
        for (key, value) in update.changed { fields[key] = value }
        if update.schedulesUpdate { try startUpdate(&fields, resource) }
        try checkName(update.changed, fields, resource, exchange)
        try judge(fields, resource, exchange)
        var change = PlannedChange(subject: .existing(resource.record.key), verb: "update", type: definition.name)
        if AccessRoles.isAbout(definition.table) {
            let key: RecordKey = resource.record.key
            try AccessRoles.check(resource.stored, fields, key.table, key: key, &change, exchange)
        }
        change.preconditions.append(.revision(resource.record.key, resource.record.revision))
        if let quotas: JSONValue = update.changed["quotas"] {
            try QuotaSetting.check(quotas, exchange)
            // Whoever adds to the environment at this moment looks again.
            change.writes.append(.touchPolicy(subject: Template(bytes: PolicySubject.quota(resource.number))))
        }
        if let kind: String = update.changed["kind"]?.string {
            try AccountKind.change(to: kind, resource, &change, exchange)
        }
        // On a view that is current it is enough that what is referred to was there when the request came in.
        if !exchange.isCurrent { change.preconditions += relied }
        change.writes.append(
            RecordWriting.put(
                resource.record.key.table,
                .known(resource.number),
                fields,
                scope: .known(resource.record.scope)
            )
        )
        change.fields = fields
        change.request = Masking.masked(body, definition)
        return change
    }

    /// A change must not make of an object what the caller could not have made or changed.
    private static func judge(_ fields: JSONObject, _ resource: Resource, _ exchange: Exchange) throws(Problem) {
        guard exchange.rights.dependsOnObject(resource.definition.name) else { return }
        var members: JSONObject = resource.values
        for (key, value) in fields { members[key] = value }
        _ = try Authorisation.require(.update, members, of: resource.definition, number: resource.number, exchange)
    }

    /// Types whose controllers carry an update out go through the transitional state; others have nobody to bring them back.
    private static func startUpdate(_ fields: inout JSONObject, _ resource: Resource) throws(Problem) {
        guard resource.definition.table == .service, let states: StateMachine = resource.definition.states else {
            return
        }
        let state: String = fields["state"]?.string ?? ""
        if states.isTransitioning(state), !["removing", "deactivating"].contains(state) {
            return  // the controller that is at work sees the new values
        }
        guard let process: StateMachine.Process = states.process(named: "update", from: state) else {
            throw .conflict("\(resource.definition.nameInProse) that is \(state) cannot be changed this way.")
        }
        fields["state"] = .string(process.via)
    }

    private static func checkName(
        _ changed: JSONObject,
        _ fields: JSONObject,
        _ resource: Resource,
        _ exchange: Exchange
    ) throws(Problem) {
        guard let name: String = changed["name"]?.string else { return }
        let key: String
        switch resource.record.key.table {
        case .stack: key = "stack/\(fields["accountId"]?.int ?? 0)/\(name.lowercased())"
        case .service: key = "service/\(fields["stackId"]?.int ?? 0)/\(name.lowercased())"
        case .userPreference: return try UserPreferences.checkName(name, resource, exchange)
        default: return
        }
        if let holder: RecordKey = exchange.view.holder(Array(key.utf8)), holder != resource.record.key {
            throw .validation(.notUnique, field: "name", message: "The name is taken.")
        }
    }
}

/// A record of a table that nobody here needs to know more about.
struct AnyRecord: ResourceRecord {
    var fields: JSONObject
    init(fields: JSONObject) { self.fields = fields }
}
