internal import HostAgentCore
internal import JSON
internal import Model
internal import Services
internal import Store
internal import StoreFormat

/// The cluster is lost, and another one goes on from its backup: hosts still have what the lost one ordered.
extension Fleet {
    /// Nobody of the cluster is there any more; its last orders may still be carried out.
    func endLife() {
        pasts[incarnation] = world.checker.head
        orders = [:]
        acts = [:]
        owners = [:]
        draining = []
        for (index, host) in hosts.enumerated() {
            for id in host.engine.keys { bygone.insert(FleetPlace(host: index, externalID: id)) }
        }
    }

    /// Another incarnation begins: what users wanted after the backup is as lost as what they were told of it.
    func beginAgain(from view: StoreView) {
        view.forEachScope { scope, owner in
            owners[scope] = (owner.node, owner.epoch)
            return true
        }
        let reader = FleetReader(view: view, documents: documents)
        var wanted: [UInt64: FleetWish] = [:]
        for record in view.records(in: .service) {
            guard let service: ServiceRecord = reader.read(.service, record.key.number)?.record else { continue }
            let known: FleetWish? = wishes[record.key.number]
            wanted[record.key.number] = FleetWish(
                project: record.scope,
                isGlobal: service.fields["launchConfig"]?["labels"]?[LaunchLabels.global]?.string == "true",
                isSteady: known?.isSteady ?? false,
                scale: service.scale,
                state: Self.wanted(service)
            )
        }
        wishes = wanted
        var placed: Set<String> = []
        for record in view.records(in: .instance) {
            guard let instance: InstanceRecord = reader.instance(record.key.number), instance.hostID != nil else {
                continue
            }
            placed.insert(instance.uuid)
        }
        checker.beginAgain(placed: placed, present: hosts.flatMap { $0.engine.values.map(\.uuid) })
    }

    private static func wanted(_ service: ServiceRecord) -> FleetWish.State {
        if service.removed != nil || ["removing", "removed"].contains(service.state) { return .removed }
        return isUp(service) ? .running : .stopped
    }

    static func isUp(_ service: ServiceRecord) -> Bool {
        ["registering", "active", "activating", "updating-active"].contains(service.state)
    }
}
