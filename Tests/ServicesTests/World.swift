import JSON
import Model
import Services
import StoreFormat
import TestSupport
import Testing

/// One environment with its hosts and the driver of its controllers, under a clock of its own.
///
/// Hosts are simulated agents that know nothing but desired records. What an image does: `sim:ok` runs,
/// `sim:fail` cannot be made, `sim:exit` ends with code 1 a step after each start, `sim:once` ends with code 0.
struct World {
    static let account: UInt64 = 5

    var state = MemoryState()
    var time: Int64 = 1_000_000
    var random: Seeded
    /// Items wait here; which one is next is drawn, for the order must not matter.
    private var queue: [WorkItem] = []
    private var wakes: [WorkItem: Int64] = [:]
    private var epoch: UInt64 = 3
    /// Committed transactions of controllers.
    private(set) var commits: Int = 0
    private(set) var refusals: Int = 0
    /// What runs on each host, by instance: the agents' own memory.
    private var containers: [UInt64: [UInt64: Container]] = [:]
    var connected: Set<UInt64> = []
    /// Called before each proposal; for changes that come in between.
    var disturb: ((inout World) -> Void)?

    /// Sees each transaction before it is proposed.
    var inspect: ((Transaction) -> Void)?

    struct Container: Equatable {
        var generation: Int64
        var condition: InstanceCondition
        var starts: Int64
        var exitCode: Int64?
        var message: String?
    }

    init(seed: UInt64 = 1) {
        random = Seeded(seed)
        state.epochs[World.account] = epoch
        put(.account, World.account, ["kind": "project", "name": "Default", "uuid": "p-5", "state": "active"])
    }

    // MARK: What users do

    @discardableResult
    mutating func put(_ table: Table, _ number: UInt64, _ fields: JSONObject) -> UInt64 {
        write(RecordWriting.put(table, .known(number), fields, scope: .known(World.account)))
        return number
    }

    @discardableResult
    mutating func create(_ table: Table, _ fields: JSONObject) -> UInt64 {
        var fields: JSONObject = fields
        fields["accountId"] = JSONValue(World.account)
        fields["creatorId"] = 1
        let write: Write = RecordWriting.put(table, .created(0), fields, scope: .known(World.account))
        let transaction = Transaction(time: time, actor: "1a1", requestID: "t", writes: [write], created: 1)
        guard case .committed(_, let numbers) = state.apply(transaction, isController: false) else {
            Issue.record("could not create \(fields)")
            return 0
        }
        enqueue(state.changed)
        return numbers[0]
    }

    mutating func patch(_ table: Table, _ number: UInt64, _ change: JSONObject) {
        var fields: JSONObject = state.document(RecordKey(table, number))?.fields ?? [:]
        for (key, value) in change { fields[key] = value }
        put(table, number, fields)
    }

    private mutating func write(_ write: Write) {
        let transaction = Transaction(time: time, actor: "1a1", requestID: "t", writes: [write])
        guard case .committed = state.apply(transaction, isController: false) else {
            Issue.record("could not write \(write)")
            return
        }
        enqueue(state.changed)
    }

    mutating func addHost(_ name: String, labels: JSONObject = [:]) -> UInt64 {
        let host: UInt64 = create(
            .host,
            [
                "kind": "host", "hostname": .string(name), "uuid": .string("u-\(name)"), "state": "active",
                "labels": .object(labels),
            ]
        )
        create(
            .credential,
            [
                "kind": "agentApiKey", "hostId": JSONValue(host), "publicValue": .string("k-\(name)"),
                "state": "active",
            ]
        )
        connect(host)
        return host
    }

    mutating func connect(_ host: UInt64) {
        connected.insert(host)
        put(.hostObserved, host, ["agentState": "active"])
    }

    mutating func disconnect(_ host: UInt64) {
        connected.remove(host)
        put(.hostObserved, host, ["agentState": "disconnected", "awaySince": .int(time)])
    }

    mutating func addStack(_ name: String) -> UInt64 {
        create(.stack, ["kind": "stack", "name": .string(name), "state": "activating"])
    }

    mutating func addService(
        _ name: String,
        in stack: UInt64,
        scale: Int64 = 1,
        image: String = "sim:ok",
        labels: JSONObject = [:],
        ports: [String] = [],
        state: String = "registering"
    ) -> UInt64 {
        create(
            .service,
            [
                "kind": "service", "name": .string(name), "stackId": JSONValue(stack), "scale": .int(scale),
                "state": .string(state), "startOnCreate": true,
                "launchConfig": [
                    "imageUuid": .string(image), "labels": .object(labels), "ports": JSONValue(ports),
                    "restartPolicy": ["name": "always"],
                ],
            ]
        )
    }

    mutating func addContainer(
        _ name: String,
        ports: [String] = [],
        labels: JSONObject = [:],
        requestedHost: UInt64? = nil
    ) -> UInt64 {
        create(
            .instance,
            [
                "kind": "container", "name": .string(name), "uuid": .string("c-\(name)"), "imageUuid": "sim:ok",
                "ports": JSONValue(ports), "labels": .object(labels), "goal": "running", "generation": 1,
                "requestedHostId": requestedHost.map { JSONValue($0) } ?? .null,
            ]
        )
    }

    // MARK: The driver

    private mutating func enqueue(_ keys: [RecordKey]) {
        for key in keys {
            for item in Controllers.affected(by: key, in: state) where !queue.contains(item) { queue.append(item) }
        }
    }

    func context() -> ControlContext {
        var random: Seeded = random
        return ControlContext(
            scope: World.account,
            epoch: epoch,
            time: time,
            uuids: UUIDSource(seed: (high: random.next(), low: random.next() &+ UInt64(commits + refusals))),
            requestID: "ctl"
        )
    }

    /// Runs controllers and agents until neither has anything to do now.
    mutating func settle(steps limit: Int = 20_000) {
        var steps: Int = 0
        while true {
            while !queue.isEmpty {
                steps += 1
                guard steps < limit else {
                    Issue.record("does not come to rest")
                    return
                }
                run(queue.remove(at: Int(random.next() % UInt64(queue.count))))
            }
            guard runAgents() else { return }
        }
    }

    /// Runs a few waiting items, and no agent.
    mutating func run(atMost count: Int) {
        for _ in 0..<count where !queue.isEmpty {
            run(queue.remove(at: Int(random.next() % UInt64(queue.count))))
        }
    }

    private mutating func run(_ item: WorkItem) {
        let plan: Plan = Controllers.run(item, state, context())
        _ = random.next()
        wakes[item] = plan.wakeAt
        disturb?(&self)
        for transaction in plan.transactions {
            inspect?(transaction)
            switch state.apply(transaction) {
            case .committed:
                commits += 1
                enqueue(state.changed)
            case .refused:
                refusals += 1
                if !queue.contains(item) { queue.append(item) }
            }
        }
    }

    /// Lets time pass, and runs what wanted to be woken on the way.
    mutating func advance(seconds: Int64) {
        let end: Int64 = time + seconds * 1_000
        while let next: Int64 = wakes.values.min(), next <= end {
            time = max(time, next)
            for item in wakes.filter({ $0.value <= time }).keys.sorted() {
                wakes[item] = nil
                if !queue.contains(item) { queue.append(item) }
            }
            settle()
        }
        time = end
        settle()
    }

    /// What every controller would still do, though everything has settled: nothing, if all is well.
    func pending() -> [String] {
        Controllers.everything(in: World.account, state).flatMap { item in
            Controllers.run(item, state, context()).transactions.map { "\(item): \($0)" }
        }
    }

    // MARK: Agents

    /// One step of each connected host; whether any had something to report.
    private mutating func runAgents() -> Bool {
        var isChanged: Bool = false
        for host in connected.sorted() {
            for number in state.numbers(.instance, term: RecordWriting.term("hostId", host)) {
                guard let record: InstanceRecord = instance(number), record.removed == nil else { continue }
                let before: Container? = containers[host]?[number]
                let after: Container? = World.step(before, record)
                guard let after, after != before else { continue }
                containers[host, default: [:]][number] = after
                report(after, of: number)
                isChanged = true
            }
        }
        return isChanged
    }

    private static func step(_ before: Container?, _ record: InstanceRecord) -> Container? {
        var container: Container = before ?? Container(generation: 0, condition: .gone, starts: 0)
        switch record.goal {
        case .running:
            if container.generation < record.generation {
                container.generation = record.generation
                if record.imageUUID == "sim:fail" {
                    container.condition = .error
                    container.message = "no such image"
                } else {
                    container.condition = .running
                    container.starts += 1
                }
                container.exitCode = nil
            } else if container.condition == .running, record.imageUUID == "sim:exit" || record.imageUUID == "sim:once"
            {
                container.condition = .stopped
                container.exitCode = record.imageUUID == "sim:exit" ? 1 : 0
            }
        case .stopped:
            container.generation = record.generation
            container.condition = .stopped
        case .removed:
            container.generation = record.generation
            container.condition = .gone
        }
        return container
    }

    private mutating func report(_ container: Container, of number: UInt64) {
        put(
            .instanceObserved,
            number,
            [
                "condition": .string(container.condition.rawValue), "generation": .int(container.generation),
                "startCount": .int(container.starts), "exitCode": JSONValue(container.exitCode),
                "message": JSONValue(container.message),
            ]
        )
    }

    /// A container ends by itself, as if it had crashed.
    mutating func kill(_ number: UInt64) {
        guard let host: UInt64 = instance(number)?.hostID, var container: Container = containers[host]?[number] else {
            return
        }
        guard container.condition == .running else { return }
        container.condition = .stopped
        container.exitCode = 137
        containers[host]?[number] = container
        report(container, of: number)
    }

    // MARK: What can be seen

    func instance(_ number: UInt64) -> InstanceRecord? {
        state.read(.instance, number, as: InstanceRecord.self)?.record
    }

    func service(_ number: UInt64) -> ServiceRecord {
        state.read(.service, number, as: ServiceRecord.self)?.record ?? ServiceRecord(fields: [:])
    }

    func observed(_ service: UInt64) -> ServiceObservation {
        state.read(.serviceObserved, service, as: ServiceObservation.self)?.record ?? ServiceObservation()
    }

    func hostState(_ number: UInt64) -> String {
        state.read(.host, number, as: HostRecord.self)?.record.state ?? "removed"
    }

    /// The service's instances that are wanted, ascending by number.
    func instances(of service: UInt64) -> [UInt64] {
        state.numbers(.instance, term: RecordWriting.term("serviceId", service)).filter { number in
            guard let record: InstanceRecord = instance(number) else { return false }
            return record.removed == nil && record.goal != .removed
        }
    }

    func names(of service: UInt64) -> [String] {
        instances(of: service).compactMap { instance($0)?.name }.sorted()
    }

    func shown(_ number: UInt64) -> InstanceState? {
        guard let record: InstanceRecord = instance(number) else { return nil }
        let observed: Stored<InstanceObservation>? = state.read(.instanceObserved, number)
        return InstanceState(desired: record, observed: observed?.record)
    }

    func running(of service: UInt64) -> [UInt64] {
        instances(of: service).filter { shown($0)?.state == "running" }
    }

    func reservation(_ host: UInt64) -> HostReservation {
        state.read(.hostReservation, host, as: HostReservation.self)?.record ?? HostReservation()
    }

    /// Containers that really run on a host, whatever the records say.
    func containersRunning(on host: UInt64) -> [UInt64] {
        (containers[host] ?? [:]).filter { $0.value.condition == .running }.keys.sorted()
    }
}
