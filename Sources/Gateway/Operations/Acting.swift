import JSON
import Model
import RBAC
import StoreFormat

/// POST with `?action=`, and DELETE, which is the action `remove` under another name.
enum Acting {
    static func answer(
        _ definition: ResourceDefinition, _ id: String, _ action: String, _ exchange: inout Exchange, _ gateway: Gateway
    ) async throws(Problem) -> Answer {
        let name: String = action.lowercased()
        let resource: Resource = try Reading.resource(definition, id, exchange)
        guard let known: ActionDefinition = resource.definition.action(name) else {
            throw .validation("InvalidAction", field: "action", message: "A \(definition.name) has no action \(name).")
        }
        guard exchange.rights.mayAct(name, on: resource.definition) else {
            throw .validation("ActionNotAvailable", field: "action", message: "The action \(name) is not yours to take.")
        }
        if name == "logs" { return try LogAccess.open(resource, exchange, gateway) }
        let body: JSONObject = try exchange.body()
        _ = try await Changing.commit(&exchange, gateway) { (current) throws(Problem) in
            let resource: Resource = try Reading.resource(definition, id, current)
            guard Availability.isOffered(known, for: resource) else {
                let state: String = Availability.lifecycleState(resource)
                throw .validation(
                    "ActionNotAvailable", field: "action",
                    message: "A \(definition.name) that is \(state) cannot \(name).")
            }
            let decision: Decision = try Authorisation.require(.action(name), resource, current)
            var planned: PlannedChange = try StateChanges.change(name, resource, body, current)
            planned.decision = decision.description
            return planned
        }
        let after: Resource = try Reading.resource(definition, id, exchange)
        return .document(status: 202, .object(exchange.renderer.document(after)))
    }
}

/// DELETE (contract 0.1): 405 where the state does not allow it, except for containers, which are stopped on the way.
enum Deleting {
    static func answer(
        _ definition: ResourceDefinition, _ id: String, _ exchange: inout Exchange, _ gateway: Gateway
    ) async throws(Problem) -> Answer {
        _ = try await Changing.commit(&exchange, gateway) { (current) throws(Problem) in
            let resource: Resource = try Reading.resource(definition, id, current)
            guard current.rights.resourceMethods(of: resource.definition).contains(.delete) else {
                throw .methodNotAllowed("A \(definition.name) cannot be removed, or not by you.")
            }
            guard !resource.isRemoved else { throw .methodNotAllowed("The \(definition.name) \(id) was removed before.") }
            let state: String = Availability.lifecycleState(resource)
            let isStarted: Bool = state == "removing" || resource.values["goal"]?.string == InstanceGoal.removed.rawValue
            guard !isStarted else { return nil }
            guard resource.definition.table == .instance
                || resource.definition.states?.process(named: "remove", from: state) != nil
            else {
                throw .methodNotAllowed(
                    "A \(definition.name) that is \(state) cannot be removed: call its action deactivate first.")
            }
            let decision: Decision = try Authorisation.require(.delete, resource, current)
            var planned: PlannedChange = try StateChanges.change("remove", resource, [:], current)
            planned.decision = decision.description
            return planned
        }
        let after: Resource = try Reading.resource(definition, id, exchange)
        return .document(status: 200, .object(exchange.renderer.document(after)))
    }
}
