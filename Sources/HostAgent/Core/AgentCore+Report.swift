import HostProtocol
import Limits

/// What the server hears.
extension AgentCore {
    mutating func report() {
        guard hasInventory, var current: Link = link, current.isWelcomed else {
            if link?.isWelcomed != true { toReport = [] }
            return
        }
        let isFull: Bool = current.needsFullReport
        let candidates: [String]
        if isFull {
            let all: Set<String> = Set(orders.instances.keys).union(orders.tombstones.keys).union(orders.done.keys)
            candidates = all.sorted(by: isBefore)
        } else {
            candidates = toReport.sorted(by: isBefore)
        }
        toReport = []
        var observations: [Observation] = []
        for uuid in candidates {
            guard let observation: Observation = observation(uuid) else {
                current.reported[uuid] = nil
                continue
            }
            guard isFull || current.reported[uuid] != observation else { continue }
            current.reported[uuid] = observation
            observations.append(observation)
        }
        let orphans: [Orphan] = self.orphans
        let hasNewOrphans: Bool = isFull || orphans != current.reportedOrphans
        current.needsFullReport = false
        current.reportedOrphans = orphans
        link = current
        guard isFull || hasNewOrphans || !observations.isEmpty else { return }
        let report = Report(isFull: isFull, observations: observations, orphans: hasNewOrphans ? orphans : nil)
        for part in report.parts() { actions.append(.send(AgentFrame(stamp, .report(part)))) }
    }

    private var orphans: [Orphan] {
        var orphans: [Orphan] = []
        for (uuid, container) in containers {
            guard orders.instances[uuid]?.isListed != true, orders.tombstones[uuid] == nil else { continue }
            orphans.append(Orphan(externalID: container.externalID, name: container.name, uuid: uuid))
        }
        for twin in duplicates.values.joined() {
            orphans.append(Orphan(externalID: twin.externalID, name: twin.name, uuid: twin.uuid))
        }
        return Array(orphans.sorted { $0.externalID < $1.externalID }.prefix(Limits.hostOrphans))
    }

    /// What there is to say of an instance; nil when the server did not ask.
    func observation(_ uuid: String) -> Observation? {
        if let tombstone: Tombstone = orders.tombstones[uuid] {
            return Observation(
                uuid: uuid,
                number: tombstone.number,
                generation: tombstone.generation,
                condition: .stopping,
                externalID: containers[uuid]?.externalID,
                message: failures[uuid]?.message,
                startCount: starts.entries[uuid]?.count ?? 0
            )
        }
        if let tombstone: Tombstone = orders.done[uuid] {
            return Observation(
                uuid: uuid,
                number: tombstone.number,
                generation: tombstone.generation,
                condition: .gone
            )
        }
        guard let held: DesiredSet.Held = orders.instances[uuid], held.isListed else { return nil }
        return observation(held.spec)
    }

    private func observation(_ spec: InstanceSpec) -> Observation {
        let container: RuntimeContainer? = containers[spec.uuid]
        let started: UInt64 = starts.entries[spec.uuid]?.generation ?? 0
        var observation = Observation(
            uuid: spec.uuid,
            number: spec.number,
            generation: spec.generation,
            condition: .creating,
            externalID: container?.externalID,
            message: container?.message,
            startCount: starts.entries[spec.uuid]?.count ?? 0,
            startedAt: container?.startedAt
        )
        if let operation: Operation = operations[spec.uuid], let condition = operation.kind.condition {
            observation.condition = condition
            if condition == .stopping { observation.generation = started }
            return observation
        }
        if let failure: Failure = failures[spec.uuid] {
            observation.message = failure.message
            observation.condition = failure.retryAt == nil ? .error : failure.kind.condition ?? .error
            observation.exitCode = container?.exitCode
            return observation
        }
        switch container?.phase {
        case .running:
            observation.condition = .running
            observation.generation = started
            observation.primaryIPAddress = container?.primaryIPAddress
        case .exited:
            observation.exitCode = container?.exitCode
            // Dead, and waiting for its turn to be started.
            let waits: Bool = spec.goal == .running && spec.generation > started
            observation.condition = waits ? .starting : .stopped
            observation.generation = max(started, spec.generation)
            if !waits, observation.message == nil, let code: Int64 = container?.exitCode {
                observation.message = "exited with code \(code)"
            }
        case .created: observation.condition = spec.goal == .running ? .creating : .stopped
        case nil:
            guard spec.goal == .running else {
                observation.condition = .gone
                break
            }
            guard wasStarted(spec) else { break }
            observation.condition = .gone
            observation.message = "the container was removed by somebody else"
        }
        return observation
    }
}

extension Operation.Kind {
    /// What the instance is doing meanwhile; nil when it is only looked at.
    var condition: ContainerCondition? {
        switch self {
        case .pull: .pulling
        case .create: .creating
        case .start: .starting
        case .stop, .remove: .stopping
        case .inspect: nil
        }
    }
}
