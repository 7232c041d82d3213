import HostProtocol
import Limits

/// From what is wanted and what there is to the next operation.
extension AgentCore {
    mutating func plan() {
        guard hasInventory, !dirty.isEmpty else { return }
        var pulls: Int = operations.values.count { $0.kind == .pull }
        var others: Int = operations.count - pulls
        guard others < Limits.hostOperations else { return }
        for uuid in dirty.sorted(by: isBefore) {
            guard others < Limits.hostOperations else { return }
            dirty.remove(uuid)
            // One that is busy comes back when its operation has finished.
            guard operations[uuid] == nil, let (kind, spec) = next(uuid) else { continue }
            if kind == .pull {
                // Pulls take long: they must not keep others from being stopped.
                guard pulls < Limits.hostPulls else {
                    waiting.insert(uuid)
                    continue
                }
                pulls += 1
            } else {
                others += 1
            }
            operationCount += 1
            let operation = Operation(id: operationCount, uuid: uuid, kind: kind, spec: spec)
            operations[uuid] = operation
            toReport.insert(uuid)
            if inventoryIsPending { inventoryOverlap.insert(uuid) }
            actions.append(.run(operation))
        }
    }

    func isBefore(_ left: String, _ right: String) -> Bool {
        (number(left), left) < (number(right), right)
    }

    private func number(_ uuid: String) -> UInt64 {
        orders.instances[uuid]?.spec.number ?? orders.tombstones[uuid]?.number ?? orders.done[uuid]?.number ?? 0
    }

    private mutating func next(_ uuid: String) -> (Operation.Kind, InstanceSpec?)? {
        if toInspect.remove(uuid) != nil { return (.inspect, nil) }
        if let tombstone: Tombstone = orders.tombstones[uuid] { return nextToRemove(tombstone).map { ($0, nil) } }
        guard let held: DesiredSet.Held = orders.instances[uuid] else { return nil }
        let kind: Operation.Kind?
        if held.isListed {
            kind = nextToConverge(held.spec)
        } else {
            kind = nextForUnlisted(held.spec)
        }
        return kind.map { ($0, held.spec) }
    }

    private func mayTry(_ uuid: String) -> Bool {
        guard let failure: Failure = failures[uuid] else { return true }
        return failure.retryAt.map { $0 <= now } ?? false
    }

    private mutating func nextToRemove(_ tombstone: Tombstone) -> Operation.Kind? {
        let uuid: String = tombstone.uuid
        guard let container: RuntimeContainer = containers[uuid] else {
            // A twin is one more container of the same instance: the order is about all of them.
            if let twin: RuntimeContainer = duplicates[uuid]?.first {
                duplicates[uuid] = duplicates[uuid].map { Array($0.dropFirst()) }.flatMap { $0.isEmpty ? nil : $0 }
                containers[uuid] = twin
                return nextToRemove(tombstone)
            }
            // To say that it is gone would leave it for ever.
            guard !unseen.contains(uuid) else { return nil }
            orders.tombstones[uuid] = nil
            orders.rememberDone(tombstone)
            starts.entries[uuid] = nil
            failures[uuid] = nil
            notes.append(.removed(uuid: uuid))
            return nil
        }
        guard mayTry(uuid) else { return nil }
        // A graceful stop comes first; what does not stop is removed all the same.
        guard container.phase == .running, failures[uuid] == nil else {
            return .remove(externalID: container.externalID)
        }
        return .stop(externalID: container.externalID)
    }

    private mutating func nextForUnlisted(_ spec: InstanceSpec) -> Operation.Kind? {
        guard let container: RuntimeContainer = containers[spec.uuid] else {
            guard !unseen.contains(spec.uuid) else { return nil }
            orders.instances[spec.uuid] = nil
            starts.entries[spec.uuid] = nil
            failures[spec.uuid] = nil
            return nil
        }
        return nextToRevive(spec, container)
    }

    private mutating func nextToRevive(_ spec: InstanceSpec, _ container: RuntimeContainer) -> Operation.Kind? {
        guard mayTry(spec.uuid) else { return nil }
        // Its order is in the ledger already, but that start failed, and for the moment only.
        let isRetry: Bool = !spec.runsOnce && failures[spec.uuid]?.kind.isStart == true
        guard toRevive.contains(spec.uuid) || isRetry else { return nil }
        toRevive.remove(spec.uuid)
        guard container.phase == .exited, spec.goal == .running else { return nil }
        if !isRetry { notes.append(.revived(uuid: spec.uuid, name: spec.name)) }
        return start(spec, container, generation: starts.entries[spec.uuid]?.generation ?? spec.generation)
    }

    private mutating func nextToConverge(_ spec: InstanceSpec) -> Operation.Kind? {
        guard let container: RuntimeContainer = containers[spec.uuid] else {
            // It was there and somebody else removed it: told about, not made again without a new order.
            guard spec.goal == .running, !wasStarted(spec), mayTry(spec.uuid) else { return nil }
            return pulled.contains(spec.uuid) ? .create : .pull
        }
        adoptGeneration(spec, container)
        // What failed worked all the same, or somebody else mended it.
        if isAsWanted(spec.uuid), failures.removeValue(forKey: spec.uuid) != nil { toReport.insert(spec.uuid) }
        guard mayTry(spec.uuid) else { return nil }
        let started: UInt64 = starts.entries[spec.uuid]?.generation ?? 0
        switch (spec.goal, container.phase) {
        case (.stopped, .running): return .stop(externalID: container.externalID)
        case (.stopped, _): return nil
        case (.running, .created): return start(spec, container, generation: spec.generation)
        case (.running, .running):
            // Stopped now, it is found dead and older than its order next time, and started.
            return spec.generation > started ? .stop(externalID: container.externalID) : nil
        case (.running, .exited):
            if spec.generation > started { return start(spec, container, generation: spec.generation) }
            if let kind: Operation.Kind = nextToRevive(spec, container) { return kind }
            starts.entries[spec.uuid]?.hasExited = true
            // Nothing is left to try: what there is to tell is how it ended.
            if failures.removeValue(forKey: spec.uuid) != nil { toReport.insert(spec.uuid) }
            return nil
        }
    }

    /// Whether its present order was carried out once.
    func wasStarted(_ spec: InstanceSpec) -> Bool {
        guard let entry: StartLedger.Entry = starts.entries[spec.uuid] else { return false }
        return entry.generation >= spec.generation
    }

    /// A container that has run for an order that nobody remembers counts as started for the present one: to
    /// restart it would be to guess.
    private mutating func adoptGeneration(_ spec: InstanceSpec, _ container: RuntimeContainer) {
        guard container.phase != .created, (starts.entries[spec.uuid]?.generation ?? 0) == 0 else { return }
        starts.entries[spec.uuid] = StartLedger.Entry(
            generation: spec.generation,
            count: max(1, starts.entries[spec.uuid]?.count ?? 0),
            hasExited: container.phase == .exited && !toRevive.contains(spec.uuid)
        )
    }

    /// The ledger goes to disk before the container starts: a crash in between starts it once more, never for
    /// an order that was carried out.
    private mutating func start(
        _ spec: InstanceSpec,
        _ container: RuntimeContainer,
        generation: UInt64
    ) -> Operation.Kind {
        let entry: StartLedger.Entry? = starts.entries[spec.uuid]
        starts.entries[spec.uuid] = StartLedger.Entry(
            generation: generation,
            count: (entry?.count ?? 0) + 1,
            hasExited: false
        )
        toRevive.remove(spec.uuid)
        return .start(externalID: container.externalID)
    }
}
