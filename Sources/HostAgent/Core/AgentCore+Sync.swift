import HostProtocol
import Limits

/// Taking over what the server wants.
extension AgentCore {
    mutating func onSync(_ sync: Sync, _ frameStamp: FrameStamp) {
        guard var current: Link = link else { return }
        // What was missed must not stay missed: a new stream starts from what is held.
        guard sync.isFull || sync.since <= orders.revision else {
            abandonLink("changes from revision \(orders.revision) to \(sync.since) were missed")
            return
        }
        if sync.part == 0 {
            current.parts = []
            current.partsStamp = frameStamp
        }
        guard sync.part == current.parts.count, frameStamp == current.partsStamp,
            current.parts.last.map({ $0.isFull == sync.isFull }) ?? true
        else {
            abandonLink("the parts of a sync came out of order")
            return
        }
        current.parts.append(sync)
        let instances: Int = current.parts.reduce(0) { $0 + $1.instances.count + $1.tombstones.count }
        guard instances <= Limits.hostInstances + Limits.hostTombstones else {
            abandonLink("a sync names \(instances) instances, which is more than a host keeps")
            return
        }
        guard sync.isLast else {
            link = current
            return
        }
        let parts: [Sync] = current.parts
        current.parts = []
        link = current
        carryOver(parts, isFull: sync.isFull)
        orders.revision = frameStamp.revision
    }

    private mutating func carryOver(_ parts: [Sync], isFull: Bool) {
        var named: Set<String> = []
        for tombstone in parts.flatMap(\.tombstones) {
            named.insert(tombstone.uuid)
            accept(tombstone)
        }
        for spec in parts.flatMap(\.instances) {
            named.insert(spec.uuid)
            accept(spec)
        }
        guard isFull else { return }
        for (uuid, held) in orders.instances.sorted(by: { $0.key < $1.key }) where !named.contains(uuid) {
            if held.isListed {
                orders.instances[uuid]?.isListed = false
                notes.append(.orphaned(uuid: uuid, name: held.spec.name))
            }
            touch(uuid)
        }
        // The server has forgotten them, so it does not wait for word of them.
        for uuid in Array(orders.done.keys) where !named.contains(uuid) { orders.done[uuid] = nil }
    }

    private mutating func accept(_ spec: InstanceSpec) {
        guard orders.tombstones[spec.uuid] == nil, orders.done[spec.uuid] == nil else {
            notes.append(.ignoredOrder(uuid: spec.uuid, reason: "the instance is to be removed"))
            return
        }
        if let held: InstanceSpec = orders.instances[spec.uuid]?.spec {
            guard spec.revision >= held.revision else {
                notes.append(
                    .ignoredOrder(uuid: spec.uuid, reason: "revision \(held.revision) of it is held already")
                )
                return
            }
            if spec.generation != held.generation || spec.goal != held.goal { failures[spec.uuid] = nil }
        }
        orders.instances[spec.uuid] = DesiredSet.Held(spec: spec, isListed: true)
        touch(spec.uuid)
    }

    private mutating func accept(_ tombstone: Tombstone) {
        // Said again: the server waits for word.
        link?.reported[tombstone.uuid] = nil
        touch(tombstone.uuid)
        guard orders.tombstones[tombstone.uuid] == nil, orders.done[tombstone.uuid] == nil else { return }
        if let held: InstanceSpec = orders.instances[tombstone.uuid]?.spec, held.revision > tombstone.revision {
            notes.append(
                .ignoredOrder(uuid: tombstone.uuid, reason: "it is wanted as of revision \(held.revision)")
            )
            return
        }
        orders.tombstones[tombstone.uuid] = tombstone
        orders.instances[tombstone.uuid] = nil
        failures[tombstone.uuid] = nil
        pulled.remove(tombstone.uuid)
        toRevive.remove(tombstone.uuid)
    }
}
