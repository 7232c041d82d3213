internal import HostAgentCore
internal import HostProtocol

/// Stands between the network and an agent that has a planted flaw.
enum FlawedAgent {
    /// The frame as the agent takes it.
    static func hears(_ frame: ServerFrame, _ core: AgentCore, _ flaws: FleetFlaws) -> ServerFrame {
        guard !flaws.isEmpty else { return frame }
        var frame: ServerFrame = frame
        if flaws.contains(.ignoresFence) {
            frame.stamp.epoch = max(frame.stamp.epoch, core.orders.epoch)
            frame.stamp.revision = max(frame.stamp.revision, core.orders.revision)
        }
        guard case .sync(var sync) = frame.message else { return frame }
        if flaws.contains(.deletesOnAbsence), sync.isFull {
            let named: Set<String> = Set(sync.instances.map(\.uuid)).union(sync.tombstones.map(\.uuid))
            for (uuid, held) in core.orders.instances.sorted(by: { $0.key < $1.key }) where !named.contains(uuid) {
                sync.tombstones.append(
                    Tombstone(
                        uuid: uuid,
                        number: held.spec.number,
                        generation: held.spec.generation,
                        revision: max(frame.stamp.revision, held.spec.revision)
                    )
                )
            }
        }
        if flaws.contains(.restartsOnMove), sync.isFull, core.orders.revision > 0 {
            for index in sync.instances.indices { sync.instances[index].generation += 1 }
        }
        frame.message = .sync(sync)
        return frame
    }
}
