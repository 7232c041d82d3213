internal import HostAgentCore
internal import HostProtocol
internal import JSON
internal import Model
internal import Services
internal import Store
internal import StoreFormat

/// What users want of one service in the end.
struct HostWorldWish {
    enum State { case running, stopped, removed }

    let project: UInt64
    let isGlobal: Bool
    /// Nobody touches it, and none of its containers ends: they must run through everything.
    let isSteady: Bool
    var scale: Int
    var state: State = .running
}

/// The founding, the users, and what they must find in the end.
extension HostWorld {
    func found() {
        for number in 1...max(1, size.servers) {
            servers.append(HostWorldServer(name: "server-\(number)", view: store.view))
        }
        for environment in 1...max(1, size.environments) {
            let name: String = "environment-\(environment)"
            let project: UInt64 = create(
                .account,
                ["kind": "project", "name": .string(name), "uuid": .string(name), "state": "active"],
                in: 0
            )
            projects.append(project)
            stacks.append(
                create(
                    .stack,
                    ["kind": "stack", "name": .string("stack-\(environment)"), "state": "active", "creatorId": 1],
                    in: project
                )
            )
        }
        for number in 0..<size.hosts { addHost(number, to: projects[number % projects.count]) }
        for project in projects {
            for service in 0..<size.services { addService(to: project, scale: size.scale, isSteady: service == 0) }
            addService(to: project, scale: 0, isGlobal: true)
            move(project)
        }
    }

    private func addHost(_ number: Int, to project: UInt64) {
        let name: String = "host-\(number + 1)"
        let host: UInt64 = create(
            .host,
            ["kind": "host", "hostname": .string(name), "uuid": .string(name), "state": "active"],
            in: project
        )
        hostIndex[host] = hosts.count
        hosts.append(
            HostWorldHost(
                number: host,
                project: project,
                facts: HostFacts(
                    hostUUID: name,
                    agentVersion: "1",
                    runtime: "simulated",
                    hostname: name,
                    address: "127.0.0.1"
                )
            )
        )
    }

    private func addService(to project: UInt64, scale: Int, isSteady: Bool = false, isGlobal: Bool = false) {
        guard let index: Int = projects.firstIndex(of: project) else { return }
        let labels: JSONObject = isGlobal ? [LaunchLabels.global: "true"] : [:]
        let service: UInt64 = create(
            .service,
            [
                "kind": "service", "name": .string("service-\(wishes.count + 1)"), "stackId": JSONValue(stacks[index]),
                "scale": JSONValue(scale), "state": "registering", "startOnCreate": true, "creatorId": 1,
                "launchConfig": ["imageUuid": "sim:ok", "labels": .object(labels)],
            ],
            in: project
        )
        wishes[service] = HostWorldWish(project: project, isGlobal: isGlobal, isSteady: isSteady, scale: scale)
    }

    /// A user's own transaction, at the newest state: gateways need not own anything.
    private func create(_ table: Table, _ fields: JSONObject, in project: UInt64) -> UInt64 {
        var fields: JSONObject = fields
        if project != 0 { fields["accountId"] = JSONValue(project) }
        let outcome: TransactionOutcome = commit(
            Transaction(
                time: time,
                actor: "1a1",
                requestID: "user",
                writes: [RecordWriting.put(table, .created(0), fields, scope: .known(project))],
                created: 1
            )
        )
        guard case .committed(_, let numbers) = outcome, let number: UInt64 = numbers.first else {
            checker.fail("a user could not create \(fields): \(outcome)")
            return 0
        }
        return number
    }

    // MARK: Users

    func userActs() {
        let free: [UInt64] = wishes.filter { !$0.value.isSteady && $0.value.state != .removed }.keys.sorted()
        guard !free.isEmpty, !chance(percent: 10) else {
            let project: UInt64 = projects[below(projects.count)]
            if wishes.count < projects.count * (size.services + 1) * 3 {
                addService(to: project, scale: below(size.scale + 1))
            }
            return
        }
        let number: UInt64 = free[below(free.count)]
        guard let stored: Stored<ServiceRecord> = head.read(.service, number), var wish = wishes[number] else { return }
        var record: ServiceRecord = stored.record
        let isUp: Bool = ["active", "activating", "updating-active"].contains(record.state)
        switch below(10) {
        case 0..<6:
            guard isUp, !wish.isGlobal else { return }
            wish.scale = below(size.scale * 3 / 2 + 1)
            record.scale = wish.scale
            if record.state == "active" { record.state = "updating-active" }
        case 6, 7:
            guard isUp else { return }
            wish.state = .stopped
            record.state = "deactivating"
        case 8:
            guard record.state == "inactive" else { return }
            wish.state = .running
            record.state = "activating"
        default:
            guard !wish.isGlobal else { return }
            wish.state = .removed
            record.state = "removing"
        }
        let write: Write = RecordWriting.put(
            .service,
            .known(number),
            record.fields,
            scope: .known(wish.project)
        )
        commit(
            Transaction(
                time: time,
                actor: "1a1",
                requestID: "user: service \(number) \(record.state) \(record.scale)",
                preconditions: [.revision(stored.key, stored.revision)],
                writes: [write]
            )
        )
        wishes[number] = wish
    }

    // MARK: The end

    /// The first thing that is not as users want it; nil when all is.
    func shortcoming() -> String? {
        let state: HostWorldReader = head
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
        for host in hosts {
            for container in host.engine.values.sorted(by: { $0.externalID < $1.externalID })
            where !expected.contains(container.uuid) {
                return "host \(host.number) has a container of instance \(container.number), which nobody wants"
            }
        }
        for uuid in checker.steady.sorted() where !expected.contains(uuid) || checker.starts[uuid] != 1 {
            return "\(uuid) should have run all the time; it was started \(checker.starts[uuid] ?? 0) times"
        }
        return nil
    }

    private func shortcoming(
        of instance: Stored<InstanceRecord>,
        _ wish: HostWorldWish,
        _ state: HostWorldReader
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
