import Model
import Ownership
import Scheduler

extension Explanation {
    static func stack(_ number: UInt64, in state: some StateReading) -> Explanation? {
        guard let stack: StackRecord = state.read(.stack, number)?.record else { return nil }
        var text = Explanation(title: "stack \(stack.name) (\(id(number, "st")))", state: stack.state)
        guard stack.removed == nil else {
            text.because.append("it was removed")
            return text
        }
        let services: [Stored<ServiceRecord>] = state.all(.service, "stackId", number)
            .filter { $0.record.removed == nil }
        if stack.state == "removing" {
            text.because.append("it was told to go, and goes when everything in it has gone")
            for service in services {
                text.waitsFor.append("service \(service.record.name) (\(id(service.number, "s"))) to be removed")
            }
            let instances: [Stored<InstanceRecord>] = state.all(.instance, "stackId", number)
            for instance in instances where instance.record.removed == nil {
                text.addDeparture(of: InstanceView(instance, in: state), in: state)
            }
            return text
        }
        let observed: StackObservation? = state.read(.stackObserved, number)?.record
        text.because.append(
            "its health is \(observed?.healthState ?? "not known yet"), from \(services.count) services"
        )
        for service in services {
            let seen: ServiceObservation? = state.read(.serviceObserved, service.number)?.record
            let health: String = seen?.healthState ?? "healthy"
            guard health != "healthy" || seen?.problem != nil || service.record.state != "active" else { continue }
            let name: String = "service \(service.record.name) (\(id(service.number, "s")))"
            text.because.append(
                "\(name) is \(service.record.state) and \(health)" + (seen?.problem.map { ": \($0)" } ?? "")
            )
            text.advise("`drover explain \(id(service.number, "s"))`")
        }
        return text
    }

    static func host(_ number: UInt64, in state: some StateReading) -> Explanation? {
        guard let host = HostView(number, in: state) else { return nil }
        var text = Explanation(
            title: "host \(host.host.record.displayName) (\(id(number, "h")))",
            state: HostState.shown(desired: host.host.record, observed: host.observed)
        )
        guard !host.isGone else {
            text.because.append("it was removed")
            return text
        }
        let instances: [Stored<InstanceRecord>] = state.all(.instance, "hostId", number)
            .filter { $0.record.removed == nil }
        text.because.append("\(instances.count) containers are placed on it")
        if host.host.record.state == "removing" {
            text.because.append("it was told to go, and goes when its containers have gone")
            for instance in instances { text.addDeparture(of: InstanceView(instance, in: state), in: state) }
            return text
        }
        if let obstacle: HostObstacle = host.obstacle {
            text.because.append("nothing new is placed on it: \(obstacle)")
            if case .notActive = obstacle { text.advise("activate it: its action `activate`") }
        } else {
            text.because.append("it takes new containers")
        }
        if !host.isConnected {
            text.waitsFor.append("its agent to connect")
            text.advise("start its agent: `drover agent --url URL --token TOKEN --data DIR`")
            text.because.append("its containers are left as they are: lost contact removes nothing")
            if let brake: VanishingBrake = HostViews(of: host.host.record.accountID ?? 0, in: state).brake, host.isInUse
            {
                text.because.append(brake.reason)
            }
        }
        return text
    }
}
