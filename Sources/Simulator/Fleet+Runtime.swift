internal import HostAgentCore
internal import HostProtocol
internal import Model
internal import Store
internal import StoreFormat

/// The simulated runtimes: containers are values, operations take their time and may fail.
extension Fleet {
    func begin(_ operation: Operation, _ host: Int) {
        if hosts[host].operations.values.contains(where: { $0.uuid == operation.uuid }) {
            return checker.fail("host \(hosts[host].number) does two things at once to \(operation.uuid)")
        }
        hosts[host].operations[operation.id] = operation
        hosts[host].servedBy[operation.id] = hosts[host].core?.orders.incarnation
        let number: UInt64 = hosts[host].number
        world.trace.record(
            now,
            145,
            number,
            operation.id,
            "host \(number) begins to \(operation.kind) \(operation.spec?.number ?? 0) (\(operation.uuid))"
        )
        let duration: Int
        switch operation.kind {
        case .pull: duration = 2 + below(30)
        case .create: duration = 1 + below(5)
        case .start: duration = 1 + below(8)
        case .stop: duration = 1 + below(20)
        case .remove: duration = 1 + below(5)
        case .inspect: duration = 1
        }
        at(now + duration, .finished(host: host, life: hosts[host].life, operation: operation.id))
    }

    func finish(_ host: Int, _ life: UInt64, _ id: UInt64) {
        guard hosts[host].life == life, let operation: Operation = hosts[host].operations.removeValue(forKey: id)
        else { return }
        guard !chance(percent: faults.operationFailurePercent) else {
            world.count(.operationFailed)
            // Failed, but perhaps it worked all the same.
            if chance(percent: 50) { _ = perform(operation, on: host) }
            let number: UInt64 = hosts[host].number
            world.trace.record(now, 146, number, id, "host \(number) fails to \(operation.kind) (\(operation.uuid))")
            let isTransient: Bool = isSteady(operation.spec?.number) || chance(percent: 80)
            let failure = OperationFailure("the runtime did not answer", isTransient: isTransient)
            return input(host, .finished(operation, .failed(failure)))
        }
        let outcome: OperationOutcome = perform(operation, on: host)
        input(host, .finished(operation, outcome))
    }

    func answerInventory(_ host: Int, _ life: UInt64) {
        guard hosts[host].life == life else { return }
        input(host, .inventory(hosts[host].engine.values.sorted { $0.externalID < $1.externalID }))
    }

    /// Does what the operation says, and lets the checker see what that changes.
    func perform(_ operation: Operation, on host: Int) -> OperationOutcome {
        let incarnation: String? = hosts[host].servedBy.removeValue(forKey: operation.id)
        switch operation.kind {
        case .pull: return .done
        case .inspect: break
        case .create:
            if hosts[host].containers(of: operation.uuid).isEmpty || flaws.contains(.createsBlindly) {
                make(operation, on: host, incarnation)
            }
        case .start(let id):
            guard var container: RuntimeContainer = hosts[host].engine[id], container.phase != .running else { break }
            container.phase = .running
            container.exitCode = nil
            hosts[host].engine[id] = container
            tell(140, "starts", container, host)
            checker.started(
                container,
                on: hosts[host].number,
                record(of: container, incarnation) ?? lostRecord(of: container),
                order: Int64(operation.spec?.generation ?? 0),
                isSteady: isSteady(container.number) && record(of: container, self.incarnation) != nil
            )
        case .stop(let id):
            guard var container: RuntimeContainer = hosts[host].engine[id], container.phase == .running else { break }
            tell(141, "stops", container, host)
            checker.stopped(container, on: hosts[host].number, record(of: container, incarnation))
            container.phase = .exited
            container.exitCode = 0
            hosts[host].engine[id] = container
        case .remove(let id):
            guard let container: RuntimeContainer = hosts[host].engine.removeValue(forKey: id) else { break }
            report.containersRemoved += 1
            tell(142, "is removed", container, host)
            checker.removed(container, on: hosts[host].number, record(of: container, incarnation))
        }
        return .container(hosts[host].containers(of: operation.uuid).first)
    }

    private func make(_ operation: Operation, on host: Int, _ incarnation: String?) {
        hosts[host].made += 1
        report.containersMade += 1
        let container = RuntimeContainer(
            uuid: operation.uuid,
            number: operation.spec?.number ?? 0,
            externalID: "c\(hosts[host].made)",
            name: operation.spec?.name ?? "",
            phase: .created
        )
        hosts[host].engine[container.externalID] = container
        tell(143, "is made", container, host)
        if pasts[incarnation ?? ""] != nil {
            bygone.insert(FleetPlace(host: host, externalID: container.externalID))
        }
        checker.made(container, on: hosts[host].number, record(of: container, incarnation))
    }

    /// A container ends by itself.
    func die(on host: Int) {
        let running: [RuntimeContainer] = hosts[host].engine.values
            .filter { $0.phase == .running && !isSteady($0.number) }.sorted { $0.externalID < $1.externalID }
        guard !running.isEmpty else { return }
        var container: RuntimeContainer = running[below(running.count)]
        container.phase = .exited
        container.exitCode = 1
        hosts[host].engine[container.externalID] = container
        tell(144, "ends", container, host)
        checker.died(container)
        world.count(.containerDied)
        // Events get lost; the next inventory shows it.
        if chance(percent: 70) {
            at(now + 1, .changed(host: host, life: hosts[host].life, uuid: container.uuid))
        }
    }

    private func tell(_ code: UInt64, _ what: String, _ container: RuntimeContainer, _ host: Int) {
        let number: UInt64 = hosts[host].number
        world.trace.record(
            now,
            code,
            number,
            container.number,
            "host \(number): container \(container.externalID) of instance \(container.number) \(what)"
        )
    }

    /// What the cluster that gave the order says of the container: after a restore that is for a while the one before.
    private func record(of container: RuntimeContainer, _ incarnation: String?) -> InstanceRecord? {
        let past: FleetReader? = pasts[incarnation ?? ""].map { FleetReader(view: $0, documents: documents) }
        // A number that was lost with the cluster is given to something else.
        return (past ?? head).instance(container.number).flatMap { $0.uuid == container.uuid ? $0 : nil }
    }

    /// What a cluster that is lost said of it, for a container that no other knows: it still runs as it was ordered to.
    private func lostRecord(of container: RuntimeContainer) -> InstanceRecord? {
        pasts.keys.sorted().lazy.compactMap { self.record(of: container, $0) }.first
    }

    private func isSteady(_ instance: UInt64?) -> Bool {
        guard let instance, let service: UInt64 = head.instance(instance)?.serviceID else { return false }
        return wishes[service]?.isSteady ?? false
    }
}
