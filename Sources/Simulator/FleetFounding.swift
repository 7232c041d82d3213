internal import HostProtocol
internal import JSON
internal import Model
internal import Services
internal import Store
internal import StoreFormat

/// What users want of one service in the end.
struct FleetWish {
    enum State { case running, stopped, removed }

    let project: UInt64
    let isGlobal: Bool
    /// Nobody touches it, and none of its containers ends: they must run through everything.
    let isSteady: Bool
    var scale: Int
    var state: State = .running
}

/// The environments, hosts and services with which a simulated cluster begins.
struct FleetFounding {
    struct Host {
        let number: UInt64
        let project: UInt64
        let facts: HostFacts
    }

    private let store = Store()
    private var entries: Revision = 0
    private(set) var projects: [UInt64] = []
    private(set) var stacks: [UInt64] = []
    private(set) var hosts: [Host] = []
    private(set) var wishes: [UInt64: FleetWish] = [:]

    init(_ size: FleetSize) {
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
        for (project, stack) in zip(projects, stacks) {
            for service in 0...size.services {
                let wish = FleetWish(
                    project: project,
                    isGlobal: service == size.services,
                    isSteady: service == 0,
                    scale: service == size.services ? 0 : size.scale
                )
                let fields: JSONObject = Self.service("service-\(wishes.count + 1)", stack, wish)
                wishes[create(.service, fields, in: project)] = wish
            }
        }
    }

    var view: StoreView { store.view }

    static func service(_ name: String, _ stack: UInt64, _ wish: FleetWish) -> JSONObject {
        let labels: JSONObject = wish.isGlobal ? [LaunchLabels.global: "true"] : [:]
        return [
            "kind": "service", "name": .string(name), "stackId": JSONValue(stack), "scale": JSONValue(wish.scale),
            "state": "registering", "startOnCreate": true, "creatorId": 1, "accountId": JSONValue(wish.project),
            "launchConfig": ["imageUuid": "sim:ok", "labels": .object(labels)],
        ]
    }

    private mutating func addHost(_ number: Int, to project: UInt64) {
        let name: String = "host-\(number + 1)"
        let host: UInt64 = create(
            .host,
            ["kind": "host", "hostname": .string(name), "uuid": .string(name), "state": "active"],
            in: project
        )
        let facts = HostFacts(
            hostUUID: name,
            agentVersion: "1",
            runtime: "simulated",
            hostname: name,
            address: "127.0.0.1"
        )
        hosts.append(Host(number: host, project: project, facts: facts))
    }

    private mutating func create(_ table: Table, _ fields: JSONObject, in project: UInt64) -> UInt64 {
        var fields: JSONObject = fields
        if project != 0 { fields["accountId"] = JSONValue(project) }
        entries += 1
        let outcome: TransactionOutcome = store.apply(
            index: entries,
            Transaction(
                time: ClusterWorld.beginning,
                actor: "1a1",
                requestID: "founding",
                writes: [RecordWriting.put(table, .created(0), fields, scope: .known(project))],
                created: 1
            )
        )
        guard case .committed(_, let numbers) = outcome, let number: UInt64 = numbers.first else { return 0 }
        return number
    }
}
