import JSON
import Model
import RBAC
import StoreFormat

/// DELETE (contract A9): 405 where the state does not allow it, except for containers, which are stopped on the way.
enum Deleting {
    static func answer(
        _ definition: ResourceDefinition,
        _ id: String,
        _ exchange: inout Exchange,
        _ gateway: Gateway
    ) async throws(Problem) -> Answer {
        let number: UInt64? = ResourceID(id)?.number
        let key: RecordKey? = number.flatMap { number in definition.table.map { RecordKey($0, number) } }
        _ = try await Changing.commit(&exchange, gateway, about: key.map { .existing($0) }) {
            (current) throws(Problem) in
            let resource: Resource = try Reading.resource(definition, id, current)
            try Authorisation.require(.delete, of: resource.definition, current)
            // Before its state counts: whoever may not remove it is not told how to.
            let decision: Decision = try Authorisation.require(.delete, resource, current)
            guard !resource.isRemoved else {
                throw .methodNotAllowed("The \(definition.name) \(id) was removed before.")
            }
            let state: String = Availability.lifecycleState(resource)
            let isStarted: Bool =
                state == "removing" || resource.values["goal"]?.string == InstanceGoal.removed.rawValue
            guard !isStarted else { return nil }
            guard
                resource.definition.table == .instance
                    || resource.definition.states?.process(named: "remove", from: state) != nil
            else {
                throw .methodNotAllowed(
                    "\(definition.nameInProse) that is \(state) cannot be removed: call its action deactivate first."
                )
            }
            var planned: PlannedChange = try StateChanges.change("remove", resource, [:], current)
            planned.decision = decision.description
            return planned
        }
        if let preview: Answer = exchange.preview { return preview }
        let after: Resource = try Reading.resource(definition, id, exchange)
        return .document(status: 200, .object(exchange.renderer.document(after)))
    }
}
