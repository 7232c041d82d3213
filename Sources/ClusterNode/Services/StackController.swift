import JSON
import Model

/// Moves a stack through its states.
///
/// They do not follow the services' (contract O5).
package enum StackController {
    package static func plan(_ number: UInt64, in state: some StateReading, _ context: ControlContext) -> Plan {
        var plan = Plan()
        guard let stack: Stored<StackRecord> = state.read(.stack, number), stack.record.removed == nil else {
            return plan
        }
        var draft = Draft(context)
        switch stack.record.state {
        case "registering", "activating", "updating-active":
            var record: StackRecord = stack.record
            record.state = "active"
            draft.rewrite(stack, to: record)
        case "removing":
            remove(stack, in: state, context, &draft, &plan)
        default:
            break
        }
        plan.propose(draft)
        return plan
    }

    /// Its services remove their own instances; containers that no service made are removed from here.
    private static func remove(
        _ stack: Stored<StackRecord>,
        in state: some StateReading,
        _ context: ControlContext,
        _ draft: inout Draft,
        _ plan: inout Plan
    ) {
        let services: [Stored<ServiceRecord>] = state.all(.service, "stackId", stack.number)
            .filter { $0.record.removed == nil }
        let instances: [Stored<InstanceRecord>] = state.all(.instance, "stackId", stack.number)
            .filter { $0.record.removed == nil }
        guard !services.isEmpty || !instances.isEmpty else {
            var record: StackRecord = stack.record
            record.state = "removed"
            record.removed = context.time
            draft.rewrite(stack, to: record)
            return
        }
        draft.builds(on: stack)
        for service in services where service.record.state != "removing" && !draft.isFull {
            var record: ServiceRecord = service.record
            record.state = "removing"
            draft.rewrite(service, to: record)
        }
        let standalone: [Stored<InstanceRecord>] = instances.filter {
            $0.record.serviceID == nil && $0.record.goal != .removed
        }
        draft.order(.removed, standalone)
        if draft.isEmpty {
            plan.notes.append("waits for \(services.count) services and \(instances.count) containers to be gone")
        }
    }
}
