internal import HostAgentCore
internal import HostProtocol
internal import Model
internal import Store
internal import StoreFormat

/// The simulated runtimes: containers are values, operations take their time and may fail.
extension HostWorld {
    func begin(_ operation: Operation, _ host: Int) {
        if hosts[host].operations.values.contains(where: { $0.uuid == operation.uuid }) {
            return checker.fail("host \(hosts[host].number) does two things at once to \(operation.uuid)")
        }
        hosts[host].operations[operation.id] = operation
        let number: UInt64 = hosts[host].number
        trace.record(now, 45, number, operation.id) {
            "host \(number) begins to \(operation.kind) \(operation.spec?.number ?? 0) (\(operation.uuid))"
        }
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
            // Failed, but perhaps it worked all the same.
            if chance(percent: 50) { _ = perform(operation, on: host) }
            let number: UInt64 = hosts[host].number
            trace.record(now, 46, number, id) { "host \(number) fails to \(operation.kind) (\(operation.uuid))" }
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
        switch operation.kind {
        case .pull: return .done
        case .inspect: break
        case .create:
            if hosts[host].containers(of: operation.uuid).isEmpty || flaws.contains(.createsBlindly) {
                make(operation, on: host)
            }
        case .start(let id):
            guard var container: RuntimeContainer = hosts[host].engine[id], container.phase != .running else { break }
            container.phase = .running
            container.exitCode = nil
            hosts[host].engine[id] = container
            tell(40, "starts", container, host)
            let record: InstanceRecord? = head.instance(container.number)
            checker.started(
                container,
                on: hosts[host].number,
                record,
                order: Int64(operation.spec?.generation ?? 0),
                isSteady: isSteady(container.number)
            )
        case .stop(let id):
            guard var container: RuntimeContainer = hosts[host].engine[id], container.phase == .running else { break }
            tell(41, "stops", container, host)
            checker.stopped(container, on: hosts[host].number, head.instance(container.number))
            container.phase = .exited
            container.exitCode = 0
            hosts[host].engine[id] = container
        case .remove(let id):
            guard let container: RuntimeContainer = hosts[host].engine.removeValue(forKey: id) else { break }
            report.containersRemoved += 1
            tell(42, "is removed", container, host)
            checker.removed(container, on: hosts[host].number, head.instance(container.number))
        }
        return .container(hosts[host].containers(of: operation.uuid).first)
    }

    private func make(_ operation: Operation, on host: Int) {
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
        tell(43, "is made", container, host)
        checker.made(container, on: hosts[host].number, head.instance(container.number))
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
        tell(44, "ends", container, host)
        checker.died(container)
        // Events get lost; the next inventory shows it.
        if chance(percent: 70) {
            at(now + 1, .changed(host: host, life: hosts[host].life, uuid: container.uuid))
        }
    }

    private func tell(_ code: UInt64, _ what: String, _ container: RuntimeContainer, _ host: Int) {
        let number: UInt64 = hosts[host].number
        trace.record(now, code, number, container.number) {
            "host \(number): container \(container.externalID) of instance \(container.number) \(what)"
        }
    }

    private func isSteady(_ instance: UInt64?) -> Bool {
        guard let instance, let service: UInt64 = head.instance(instance)?.serviceID else { return false }
        return wishes[service]?.isSteady ?? false
    }
}
