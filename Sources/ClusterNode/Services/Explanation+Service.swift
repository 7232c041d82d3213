import Model
import Scheduler

extension Explanation {
    static func service(_ number: UInt64, in state: some StateReading) -> Explanation? {
        guard let service: Stored<ServiceRecord> = state.read(.service, number) else { return nil }
        let record: ServiceRecord = service.record
        let blueprint = InstanceBlueprint(service, in: state)
        var text = Explanation(
            title: "service \(blueprint.stackName)/\(record.name) (\(id(number, "s")))",
            state: record.shownState
        )
        let present: [InstanceView] = state.all(.instance, "serviceId", number, as: InstanceRecord.self)
            .filter { $0.record.removed == nil }.map { InstanceView($0, in: state) }
        let wanted: [InstanceView] = present.filter(\.isWanted)
        switch record.state {
        case "removed":
            text.because.append("it was removed")
            return text
        case "removing":
            text.because.append("it was told to go, and goes when its \(present.count) containers have gone")
            for view in present { text.addDeparture(of: view, in: state) }
            return text
        case "inactive", "updating-inactive", "deactivating":
            text.because.append("it is not active: its \(wanted.count) containers are kept and do not run")
            text.fix.append("activate it: its action `activate`")
            return text
        default: break
        }
        if let restart: ServiceRestart = record.restart {
            let left: Int = wanted.filter { restart.includes($0.record) }.count
            text.because.append(
                "it is being restarted, \(restart.batchSize) at a time: \(left) containers are still to come"
            )
            text.waitsFor.append("all containers to run before the next are restarted")
        }
        let running: Int = wanted.filter { $0.isRunning || $0.isStartedOnce }.count
        let goal: String = record.isGlobal ? "one instance on each host that qualifies" : "scale \(record.scale)"
        text.because.append("\(goal): \(wanted.count) placed, \(running) of them run or have done their work")
        for view in wanted where !view.isRunning && !view.isStartedOnce { text.addTrouble(of: view, in: state) }
        text.addMissing(service, blueprint, wanted, in: state)
        for view in present where view.isLeaving { text.addDeparture(of: view, in: state) }
        return text
    }

    /// What keeps a container from running.
    private mutating func addTrouble(of view: InstanceView, in state: some StateReading) {
        let name: String = "\(view.record.name) (\(Explanation.id(view.number, "i")))"
        because.append("\(name) is \(view.state.state)" + (view.state.message.map { ": \($0)" } ?? ""))
        if let host: HostView = view.record.hostID.flatMap({ HostView($0, in: state) }), !host.isConnected {
            waitsFor.append("host \(host.host.record.displayName) to connect again: \(name) is there")
            addLoss(of: host, view, in: state)
        } else if Backoff(of: view.record).failures > 0 {
            waitsFor.append("\(name) to be started again or replaced, later with each failure")
            advise("see why it fails: `drover logs \(view.record.name)`")
        } else if view.state.transitioning == "yes" {
            waitsFor.append("its host to bring up \(name)")
        }
    }

    mutating func addDeparture(of view: InstanceView, in state: some StateReading) {
        let name: String = "\(view.record.name) (\(Explanation.id(view.number, "i")))"
        guard let host: HostView = view.record.hostID.flatMap({ HostView($0, in: state) }), !host.isGone else { return }
        let hostName: String = "host \(host.host.record.displayName) (\(Explanation.id(host.number, "h")))"
        waitsFor.append(
            host.isConnected
                ? "\(hostName) to report that \(name) is gone"
                : "\(hostName) to connect again and remove \(name)"
        )
        if !host.isConnected { advise("bring \(hostName) back, or remove it: deactivate it, then delete it") }
    }

    private mutating func addMissing(
        _ service: Stored<ServiceRecord>,
        _ blueprint: InstanceBlueprint,
        _ wanted: [InstanceView],
        in state: some StateReading
    ) {
        let account: UInt64 = service.record.accountID ?? 0
        let placed: [UInt64] = wanted.compactMap(\.record.hostID)
        let candidates: [HostCandidate] = HostViews(of: account, in: state).candidates(serviceHosts: placed)
        var uuids = UUIDSource(seed: (0, 0))
        let sample: InstanceRecord = blueprint.instance(
            index: 0,
            createIndex: 0,
            requestedHost: nil,
            time: 0,
            uuids: &uuids
        )
        let affinity = Affinity(sample.labels)
        let ports = PublishedPorts(sample.ports)
        if service.record.isGlobal {
            let verdicts: [HostVerdict] = Scheduler.globalVerdicts(affinity, on: candidates)
                .filter { !placed.contains($0.host) }
            for verdict in verdicts {
                guard verdict.fits else {
                    because.append("not on \(verdict.description)")
                    continue
                }
                let request = PlacementRequest(
                    unit: service.record.name,
                    affinity: affinity,
                    ports: ports.ports,
                    requestedHost: verdict.host
                )
                add(Scheduler.explain(request, on: candidates), of: account, in: state)
            }
            if candidates.isEmpty { add([], of: account, in: state) }
            return
        }
        let missing: Int = service.record.scale - wanted.count
        guard missing > 0 else { return }
        let request = PlacementRequest(
            unit: service.record.name,
            affinity: affinity,
            ports: ports.ports,
            requestedHost: sample.requestedHostID
        )
        let placement: Placement? = Scheduler.place([request], on: candidates).first
        guard let refusal: PlacementRefusal = placement?.refusal else {
            waitsFor.append("its controller to create \(missing) more")
            return
        }
        because.append("\(missing) cannot be placed: \(refusal.cause)")
        if case .noFit = refusal { add(Scheduler.explain(request, on: candidates), of: account, in: state) }
        if case .noHealthyHost = refusal { add(Scheduler.explain(request, on: candidates), of: account, in: state) }
        waitsFor.append("a host that can take it")
    }
}
