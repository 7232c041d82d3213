import JSON
import Model
import StoreFormat

/// Computes `healthState` and `currentScale` from what runs (contract O11), and writes them where they changed.
package enum HealthController {
    package static func service(_ number: UInt64, in state: some StateReading, _ context: ControlContext) -> Plan {
        var plan = Plan()
        guard let service: Stored<ServiceRecord> = state.read(.service, number), service.record.removed == nil else {
            return plan
        }
        let instances: [Stored<InstanceRecord>] = state.all(.instance, "serviceId", number)
        let views: [InstanceView] = instances.filter { $0.record.removed == nil && $0.record.goal != .removed }
            .map { InstanceView($0, in: state) }.filter { !$0.isFailed }
        let stored: Stored<ServiceObservation>? = state.read(.serviceObserved, number)
        var next: ServiceObservation = stored?.record ?? ServiceObservation()
        next.currentScale = views.count
        next.healthState = health(of: service.record, views, in: state).rawValue
        guard next != stored?.record else { return plan }
        var draft = Draft(context)
        draft.put(RecordKey(.serviceObserved, number), replacing: stored?.revision, next)
        plan.propose(draft)
        return plan
    }

    package static func stack(_ number: UInt64, in state: some StateReading, _ context: ControlContext) -> Plan {
        var plan = Plan()
        guard let stack: Stored<StackRecord> = state.read(.stack, number), stack.record.removed == nil else {
            return plan
        }
        let services: [Stored<ServiceRecord>] = state.all(.service, "stackId", number)
            .filter { $0.record.removed == nil && $0.record.state != "removing" }
        let members: [HealthRules.Member] = services.map { service in
            let observed: Stored<ServiceObservation>? = state.read(.serviceObserved, service.number)
            return HealthRules.Member(
                isActive: HealthRules.activeStates.contains(service.record.state),
                health: observed?.record.healthState.flatMap { HealthState(rawValue: $0) }
            )
        }
        let stored: Stored<StackObservation>? = state.read(.stackObserved, number)
        var next: StackObservation = stored?.record ?? StackObservation()
        next.healthState = HealthRules.stack(members).rawValue
        guard next != stored?.record else { return plan }
        var draft = Draft(context)
        draft.put(RecordKey(.stackObserved, number), replacing: stored?.revision, next)
        plan.propose(draft)
        return plan
    }

    private static func health(
        of service: ServiceRecord,
        _ views: [InstanceView],
        in state: some StateReading
    ) -> HealthState {
        var counts = HealthRules.Counts()
        for view in views {
            if service.isGlobal {
                let host: Stored<HostRecord>? = view.record.hostID.flatMap { state.read(.host, $0) }
                guard host?.record.state == "active" || host?.record.state == "updating-active" else { continue }
            }
            counts.instances += 1
            if view.isStartedOnce {
                counts.startedOnce += 1
            } else if view.isRunning {
                switch view.record.fields["healthCheck"]?.object == nil ? nil : view.observed?.text("healthState") {
                case nil, "healthy", "updating-healthy": counts.healthy += 1
                case "initializing", "reinitializing": counts.initializing += 1
                default: break
                }
            }
        }
        return HealthRules.service(counts, expected: service.isGlobal ? nil : max(0, service.scale))
    }
}
