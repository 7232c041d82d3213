import JSON
import Model
import StoreFormat

/// Moves a service through its states and keeps its instances as many, and as alive, as they should be.
///
/// States: contract O4. What counts is what is stored: a run that finds everything as it should be plans nothing.
package enum ServiceController {
    package static func plan(_ number: UInt64, in state: some StateReading, _ context: ControlContext) -> Plan {
        guard let service: Stored<ServiceRecord> = state.read(.service, number), service.record.removed == nil else {
            return Plan()
        }
        switch service.record.state {
        case "registering":
            return moved(service, to: service.record.startsOnCreate ? "activating" : "inactive", context)
        case "updating-inactive":
            return moved(service, to: "inactive", context)
        case "activating", "active", "updating-active":
            var reconciliation = ServiceReconciliation(service, in: state, context)
            return reconciliation.run()
        case "deactivating":
            return deactivation(of: service, in: state, context)
        case "removing":
            return removal(of: service, in: state, context)
        default:
            return Plan()
        }
    }

    private static func moved(
        _ service: Stored<ServiceRecord>,
        to next: String,
        _ context: ControlContext
    ) -> Plan {
        var plan = Plan()
        var draft = Draft(context)
        var record: ServiceRecord = service.record
        record.state = next
        draft.rewrite(service, to: record)
        plan.propose(draft)
        return plan
    }

    /// Every instance is told to stop; nobody waits until it has (contract O12).
    private static func deactivation(
        of service: Stored<ServiceRecord>,
        in state: some StateReading,
        _ context: ControlContext
    ) -> Plan {
        let running: [Stored<InstanceRecord>] = state.all(.instance, "serviceId", service.number)
            .filter { $0.record.removed == nil && $0.record.goal == .running }
        var plan = Plan()
        var draft = Draft(context)
        draft.builds(on: service)
        if draft.order(.stopped, running) {
            var record: ServiceRecord = service.record
            record.state = "inactive"
            draft.rewrite(service, to: record)
        }
        plan.propose(draft)
        plan.settle(problem: nil, placement: nil, of: service, in: state, context)
        return plan
    }

    /// Every instance is ordered to go; the service goes when the last one has gone.
    private static func removal(
        of service: Stored<ServiceRecord>,
        in state: some StateReading,
        _ context: ControlContext
    ) -> Plan {
        let present: [Stored<InstanceRecord>] = state.all(.instance, "serviceId", service.number)
            .filter { $0.record.removed == nil }
        let staying: [Stored<InstanceRecord>] = present.filter { $0.record.goal != .removed }
        var plan = Plan()
        var draft = Draft(context)
        draft.builds(on: service)
        draft.order(.removed, staying)
        if present.isEmpty {
            var record: ServiceRecord = service.record
            record.state = "removed"
            record.removed = context.time
            draft.rewrite(service, to: record)
        } else if staying.isEmpty {
            plan.notes.append("waits for \(present.count) instances to be gone")
        }
        plan.propose(draft)
        plan.settle(problem: nil, placement: nil, of: service, in: state, context)
        return plan
    }
}

extension Draft {
    /// Gives instances another goal; false when some are left for the next run.
    @discardableResult
    mutating func order(_ goal: InstanceGoal, _ instances: [Stored<InstanceRecord>]) -> Bool {
        for instance in instances {
            guard !isFull else { return false }
            var record: InstanceRecord = instance.record
            record.goal = goal
            rewrite(instance, to: record)
        }
        return true
    }
}

extension Plan {
    /// Writes what stands in a service's way, where that differs from what is written.
    ///
    /// A transaction of its own: a health flip that comes between must not cost the instances their placement.
    mutating func settle(
        problem: String?,
        placement: JSONValue?,
        of service: Stored<ServiceRecord>,
        in state: some StateReading,
        _ context: ControlContext
    ) {
        let key = RecordKey(.serviceObserved, service.number)
        let stored: Stored<ServiceObservation>? = state.read(key.table, key.number)
        let current: ServiceObservation = stored?.record ?? ServiceObservation()
        let known: JSONValue? = current.placement.flatMap { $0.isNull ? nil : $0 }
        guard current.problem != problem || known != placement else { return }
        var next: ServiceObservation = current
        next.problem = problem
        next.placement = placement
        var draft = Draft(context)
        draft.put(key, replacing: stored?.revision, next)
        propose(draft)
    }
}
