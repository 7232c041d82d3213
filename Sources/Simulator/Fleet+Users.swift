internal import HostAgentCore
internal import HostProtocol
internal import JSON
internal import Model
internal import Services
internal import Store
internal import StoreFormat

/// What a user asks for: a change of one service, and what that makes of the wish.
struct FleetOrder {
    /// Nil for a new one.
    var service: UInt64?
    var wish: FleetWish
    var preconditions: [Precondition] = []
    var write: Write
}

/// Users: what they ask for, and what they must find in the end.
extension Fleet {
    /// Something about a service that a client asks for, on what it reads at a gateway; nil when nothing comes to its mind.
    func order(_ name: String, at view: StoreView) -> FleetOrder? {
        let free: [UInt64] = wishes.filter { !$0.value.isSteady && $0.value.state != .removed }.keys.sorted()
        guard !free.isEmpty, !chance(percent: 10) else { return newService(name) }
        let number: UInt64 = free[below(free.count)]
        let reader = FleetReader(view: view, documents: documents)
        guard let stored: Stored<ServiceRecord> = reader.read(.service, number), var wish = wishes[number] else {
            return nil
        }
        var record: ServiceRecord = stored.record
        let isUp: Bool = Self.isUp(record) && record.state != "registering"
        // What the gateway shows, not what others have asked for since: then this is refused.
        wish.scale = record.scale
        wish.state = Self.isUp(record) ? .running : .stopped
        switch below(10) {
        case 0..<6:
            guard isUp, !wish.isGlobal else { return nil }
            wish.scale = below(size.scale * 3 / 2 + 1)
            record.scale = wish.scale
            if record.state == "active" { record.state = "updating-active" }
        case 6, 7:
            guard isUp else { return nil }
            wish.state = .stopped
            record.state = "deactivating"
        case 8:
            guard record.state == "inactive" else { return nil }
            wish.state = .running
            record.state = "activating"
        default:
            guard !wish.isGlobal, !["removing", "removed"].contains(record.state) else { return nil }
            wish.state = .removed
            record.state = "removing"
        }
        return FleetOrder(
            service: number,
            wish: wish,
            preconditions: [.revision(stored.key, stored.revision)],
            write: RecordWriting.put(.service, .known(number), record.fields, scope: .known(wish.project))
        )
    }

    private func newService(_ name: String) -> FleetOrder? {
        guard wishes.count < projects.count * (size.services + 1) * 3 else { return nil }
        let place: Int = below(projects.count)
        let wish = FleetWish(
            project: projects[place],
            isGlobal: false,
            isSteady: false,
            scale: below(size.scale + 1)
        )
        let fields: JSONObject = FleetFounding.service(name, stacks[place], wish)
        return FleetOrder(
            wish: wish,
            write: RecordWriting.put(.service, .created(0), fields, scope: .known(wish.project))
        )
    }

    /// It is committed: from now on that is what is wanted.
    func take(_ order: FleetOrder, _ numbers: [UInt64]) {
        report.orders += 1
        guard let service: UInt64 = order.service ?? numbers.first else { return }
        wishes[service] = order.wish
    }

    // MARK: The end

    /// The first thing that is not as users want it; nil when all is.
    func shortcoming() -> String? {
        let state: FleetReader = head
        var expected: Set<String> = []
        for (service, wish) in wishes.sorted(by: { $0.key < $1.key }) {
            let instances: [Stored<InstanceRecord>] = state.all(.instance, "serviceId", service)
                .filter { $0.record.removed == nil }
            let scale: Int
            switch wish.state {
            case .running: scale = wish.isGlobal ? hosts.count { $0.project == wish.project } : wish.scale
            case .stopped: scale = instances.count
            case .removed: scale = 0
            }
            guard instances.count == scale else {
                return "service \(service) has \(instances.count) instances and should have \(scale)"
            }
            for instance in instances {
                if let reason: String = shortcoming(of: instance, wish, state) { return reason }
                expected.insert(instance.record.uuid)
            }
        }
        for (index, host) in hosts.enumerated() {
            for container in host.engine.values.sorted(by: { $0.externalID < $1.externalID })
            where !expected.contains(container.uuid) {
                // What a cluster that began from a backup does not know is kept, and told of.
                guard !bygone.contains(FleetPlace(host: index, externalID: container.externalID)) else { continue }
                return "host \(host.number) has a container of instance \(container.number), which nobody wants"
            }
        }
        for uuid in checker.steady.sorted() where !expected.contains(uuid) || checker.starts[uuid] != 1 {
            // What began on a host that was lost before it could say so is replaced.
            if isLost, let loss, checker.origins[uuid] == hosts[loss.host].number { continue }
            return "\(uuid) should have run all the time; it was started \(checker.starts[uuid] ?? 0) times"
        }
        for uuid in checker.unbroken.sorted() where expected.contains(uuid) && checker.starts[uuid] != nil {
            return "\(uuid) ran when the cluster was lost; it was started anew"
        }
        return nil
    }

    private func shortcoming(
        of instance: Stored<InstanceRecord>,
        _ wish: FleetWish,
        _ state: FleetReader
    ) -> String? {
        let name: String = "instance \(instance.number)"
        guard let host: Int = instance.record.hostID.flatMap({ hostIndex[$0] }) else { return "\(name) has no host" }
        let containers: [RuntimeContainer] = hosts[host].containers(of: instance.record.uuid)
        let observed: InstanceObservation? = state.read(.instanceObserved, instance.number)?.record
        let shown: String = InstanceState(desired: instance.record, observed: observed).state
        if wish.state == .running {
            guard instance.record.goal == .running else { return "\(name) is to be \(instance.record.goal)" }
            guard containers.map(\.phase) == [.running] else {
                let found: String = containers.map { "\($0.externalID) \($0.phase)" }.joined(separator: ", ")
                return "\(name) should run on host \(hosts[host].number), is shown as \(shown), and has: \(found)"
            }
            guard shown == "running" else { return "\(name) runs, but is shown as \(shown)" }
        } else {
            guard containers.count <= 1, containers.allSatisfy({ $0.phase != .running }) else {
                let found: String = containers.map { "\($0.externalID) \($0.phase)" }.joined(separator: ", ")
                return "\(name) should rest on host \(hosts[host].number), is shown as \(shown), and has: \(found)"
            }
            guard shown == "stopped" else { return "\(name) rests, but is shown as \(shown)" }
        }
        return nil
    }
}
