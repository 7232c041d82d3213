import JSON
import Model
import RBAC
import StoreFormat

/// POST with `?action=`, and DELETE, which is the action `remove` under another name.
enum Acting {
    static func answer(
        _ definition: ResourceDefinition,
        _ id: String,
        _ action: String,
        _ exchange: inout Exchange,
        _ gateway: Gateway
    ) async throws(Problem) -> Answer {
        let name: String = action.lowercased()
        let invalid = Problem.validation(
            .invalidAction,
            field: "action",
            message: "\(definition.nameInProse) has no action \(name)."
        )
        // Before anything is read: it is the type that has no such action.
        guard definition.action(name) != nil else { throw invalid }
        let resource: Resource = try Reading.resource(definition, id, exchange)
        guard let known: ActionDefinition = resource.definition.action(name) else { throw invalid }
        // A setting may give this one to more than the roles do.
        if name == ProjectMembers.setting { return try await ProjectMembers.set(definition, id, &exchange, gateway) }
        // The schema of environments says what owners may: who is none hears what it hears of what is not offered.
        let isOffered: Bool =
            resource.definition.name != "project" || exchange.rights.may(.action(name), resource, in: exchange.view)
        guard isOffered, exchange.rights.mayAct(name, on: resource.definition) else {
            throw .validation(.actionNotAvailable, field: "action", message: "The action \(name) is not yours to take.")
        }
        let body: JSONObject = try input(of: known, exchange)
        if name == Passwords.changing {
            try checkAvailable(known, resource)
            try await Passwords.change(definition, id, body, &exchange, gateway)
            let after: Resource = try Reading.resource(definition, id, exchange)
            return .document(status: 200, .object(exchange.renderer.document(after)))
        }
        if name == "logs" {
            try checkAvailable(known, resource)
            _ = try Authorisation.require(.action(name), resource, exchange)
            return try LogAccess.open(resource, body, exchange, gateway)
        }
        let isExec: Bool = name == "execute"
        if isExec { try ExecAccess.check(body) }
        _ = try await Changing.commit(&exchange, gateway, about: .existing(resource.record.key)) {
            (current) throws(Problem) in
            let resource: Resource = try Reading.resource(definition, id, current)
            try checkAvailable(known, resource)
            let decision: Decision = try Authorisation.require(.action(name), resource, current)
            // There is nothing to set: links were refused with the input.
            if name == "setservicelinks" { return nil }
            // It runs the process and sets nothing; who has nobody to carry it out is through with it.
            if name == "update", resource.definition.table != .service { return nil }
            // A command changes no record: what is written is who ran it where.
            var planned: PlannedChange =
                isExec
                ? ExecAccess.audited(resource, body) : try StateChanges.change(name, resource, body, current)
            planned.decision = decision.description
            return planned
        }
        if let preview: Answer = exchange.preview { return preview }
        let after: Resource = try Reading.resource(definition, id, exchange)
        if isExec { return try ExecAccess.open(after, body, exchange) }
        // A process goes on after the answer; an action with a handler of its own is done.
        return .document(status: known.process == nil ? 200 : 202, .object(exchange.renderer.document(after)))
    }

    private static func checkAvailable(_ action: ActionDefinition, _ resource: Resource) throws(Problem) {
        guard !Availability.isOffered(action, for: resource) else { return }
        let state: String = Availability.lifecycleState(resource)
        throw .validation(
            .actionNotAvailable,
            field: "action",
            message: "\(resource.definition.nameInProse) that is \(state) cannot \(action.name)."
        )
    }

    /// The body as the action's input schema wants it, defaults filled in; empty for an action without input.
    private static func input(of action: ActionDefinition, _ exchange: Exchange) throws(Problem) -> JSONObject {
        guard let name: String = action.input, let schema: ResourceDefinition = Schemas.definition(name) else {
            return [:]
        }
        let body: JSONObject = try exchange.body()
        do throws(ValidationProblem) {
            // Whoever may take the action may say all of its input.
            let reach: ValidationContext = Creating.context(schema, exchange, updates: false)
            return try Validation.create(
                schema,
                body: body,
                context: ValidationContext(now: exchange.time, exists: reach.exists)
            )
        } catch {
            throw Problem(validation: error)
        }
    }
}
