import HostProtocol
import JSON
import Limits

/// What there is, and what came of what was done.
extension AgentCore {
    mutating func askForInventory() {
        inventoryAt = now + Int64(Limits.hostInventorySeconds) * 1_000
        guard !inventoryIsPending else { return }
        inventoryIsPending = true
        inventoryOverlap = Set(operations.keys)
        actions.append(.takeInventory)
    }

    mutating func onInventory(_ found: [RuntimeContainer]) {
        inventoryIsPending = false
        var byInstance: [String: [RuntimeContainer]] = [:]
        for container in found { byInstance[container.uuid, default: []].append(container) }
        let known: Set<String> = Set(containers.keys).union(duplicates.keys).union(byInstance.keys)
        for uuid in known.subtracting(inventoryOverlap).sorted() {
            let held: String? = containers[uuid]?.externalID
            // The one that is held, else one that runs, else any: but the same one each time.
            let all: [RuntimeContainer] = (byInstance[uuid] ?? []).sorted { left, right in
                func rank(_ each: RuntimeContainer) -> Int {
                    each.externalID == held ? 0 : each.phase == .running ? 1 : 2
                }
                return (rank(left), left.externalID) < (rank(right), right.externalID)
            }
            setContainer(uuid, all.first)
            let others: [RuntimeContainer] = Array(all.dropFirst())
            for other in others where duplicates[uuid]?.contains(where: { $0.externalID == other.externalID }) != true {
                notes.append(.duplicate(uuid: uuid, externalID: other.externalID))
            }
            duplicates[uuid] = others.isEmpty ? nil : others
        }
        for uuid in unseen.subtracting(inventoryOverlap) {
            unseen.remove(uuid)
            touch(uuid)
        }
        inventoryOverlap = []
        guard !hasInventory else { return }
        hasInventory = true
        for uuid in orders.instances.keys { touch(uuid) }
        for uuid in orders.tombstones.keys { touch(uuid) }
        chooseToRevive()
    }

    /// What ran when the agent or the host went down, and whose end nobody saw, is started again; but not what
    /// is to run once only.
    private mutating func chooseToRevive() {
        for (uuid, held) in orders.instances where held.spec.goal == .running {
            guard containers[uuid]?.phase == .exited, let entry: StartLedger.Entry = starts.entries[uuid],
                !entry.hasExited, !held.spec.runsOnce
            else { continue }
            toRevive.insert(uuid)
        }
    }

    mutating func setContainer(_ uuid: String, _ container: RuntimeContainer?) {
        guard containers[uuid] != container else { return }
        containers[uuid] = container
        touch(uuid)
    }

    mutating func onFinished(_ operation: Operation, _ outcome: OperationOutcome) {
        let uuid: String = operation.uuid
        guard operations[uuid]?.id == operation.id else { return }
        operations[uuid] = nil
        if inventoryIsPending { inventoryOverlap.insert(uuid) }
        touch(uuid)
        if operation.kind == .pull {
            dirty.formUnion(waiting)
            waiting = []
        }
        switch outcome {
        case .done:
            // An earlier failure stays counted until its container is there: else the wait would never grow.
            if operation.kind == .pull { pulled.insert(uuid) }
        case .container(let container):
            unseen.remove(uuid)
            setContainer(uuid, container)
            if operation.kind != .inspect || isAsWanted(uuid) {
                failures[uuid] = nil
                pulled.remove(uuid)
            }
        case .failed(let failure): onFailed(operation, failure)
        }
    }

    /// Somebody else may have mended what the agent could not do.
    func isAsWanted(_ uuid: String) -> Bool {
        guard let spec: InstanceSpec = orders.instances[uuid]?.spec, let container = containers[uuid] else {
            return false
        }
        switch spec.goal {
        case .running: return container.phase == .running && wasStarted(spec)
        case .stopped: return container.phase != .running
        }
    }

    private mutating func onFailed(_ operation: Operation, _ failure: OperationFailure) {
        let uuid: String = operation.uuid
        // Nobody ordered a look: the next inventory makes up for it.
        guard operation.kind != .inspect else {
            inventoryAt = min(inventoryAt, now + 5_000)
            notes.append(.inventoryFailed(message: failure.message))
            return
        }
        // The attempt may have changed something all the same.
        toInspect.insert(uuid)
        if operation.kind == .create { unseen.insert(uuid) }
        pulled.remove(uuid)
        let held: InstanceSpec? = orders.instances[uuid]?.spec
        notes.append(.failed(uuid: uuid, name: held?.name ?? uuid, message: failure.message))
        // Who was told otherwise meanwhile tries anew.
        if let tried: InstanceSpec = operation.spec, let held,
            tried.generation != held.generation || tried.goal != held.goal
        {
            return
        }
        let attempts: Int = (failures[uuid]?.attempts ?? 0) + 1
        // An order to start may be wrong in itself; one to stop or remove never is.
        let isRetried: Bool = failure.isTransient || orders.tombstones[uuid] != nil || operation.kind.isStop
        let waitSeconds: Int = min(Limits.hostRetrySeconds, 1 << min(attempts - 1, 10))
        failures[uuid] = Failure(
            kind: operation.kind,
            message: failure.message,
            retryAt: isRetried ? now + Int64(waitSeconds) * 1_000 : nil,
            attempts: attempts
        )
    }
}

extension Operation.Kind {
    var isStart: Bool {
        if case .start = self { true } else { false }
    }

    var isStop: Bool {
        if case .stop = self { true } else { false }
    }
}

extension InstanceSpec {
    /// The label that asks for a container to be started once and never again.
    var runsOnce: Bool { launch["labels"]?["io.rancher.container.start_once"]?.string == "true" }
}
