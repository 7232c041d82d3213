internal import HostAgentCore
internal import Model

/// Sees every container of every host and what the state says of it, and finds the first thing that must not have
/// happened.
///
/// It stands outside the servers and the agents, and believes neither.
struct FleetChecker {
    private(set) var violation: String?
    /// By instance, the host on which a container of it was made last.
    private(set) var origins: [String: UInt64] = [:]
    /// By instance, how often its container began to run.
    private(set) var starts: [String: Int] = [:]
    /// By instance, how often its container ended by itself.
    private var deaths: [String: Int] = [:]
    /// By instance, the order of its last start.
    private var startedGeneration: [String: Int64] = [:]
    /// By instance, the hosts that have a container of it, once for each container.
    private var places: [String: [UInt64]] = [:]
    /// Instances of services that nothing disturbs, which ran once.
    private(set) var steady: Set<String> = []
    /// Of an earlier cluster, whose successor knows them, too.
    private(set) var unbroken: Set<String> = []
    /// By incarnation, scope and epoch, the process that acts under it.
    private var holders: [String: String] = [:]

    /// Never two containers of one instance, on one host or on two.
    mutating func made(_ container: RuntimeContainer, on host: UInt64, _ record: InstanceRecord?) {
        let name: String = "a container of instance \(container.number) (\(container.uuid)) was made on host \(host)"
        places[container.uuid, default: []].append(host)
        origins[container.uuid] = host
        if let all: [UInt64] = places[container.uuid], all.count > 1 {
            return fail("\(name), which has others on hosts \(all.dropLast())")
        }
        guard let record, record.uuid == container.uuid else { return fail("\(name), which nobody knows") }
        guard record.hostID == host else { return fail("\(name), but it is placed on \(record.hostID ?? 0)") }
        if record.removed != nil { fail("\(name) after its removal had ended") }
    }

    /// Each order starts a container once; beyond that only what ended by itself is started.
    ///
    /// - Parameter order: the generation that the agent had heard of when it began.
    mutating func started(
        _ container: RuntimeContainer,
        on host: UInt64,
        _ record: InstanceRecord?,
        order: Int64,
        isSteady: Bool
    ) {
        let uuid: String = container.uuid
        starts[uuid, default: 0] += 1
        if isSteady { steady.insert(uuid) }
        let generation: Int64 = record?.generation ?? 0
        startedGeneration[uuid] = min(generation, order)
        let allowed: Int = Int(generation) + deaths[uuid, default: 0]
        guard starts[uuid, default: 0] <= allowed else {
            return fail(
                """
                the container of instance \(container.number) on host \(host) was started \
                \(starts[uuid, default: 0]) times for \(generation) orders and \(deaths[uuid, default: 0]) ends
                """
            )
        }
    }

    /// What should keep running is not stopped.
    mutating func stopped(_ container: RuntimeContainer, on host: UInt64, _ record: InstanceRecord?) {
        guard let record, record.removed == nil, record.goal == .running else { return }
        guard record.generation <= startedGeneration[container.uuid] ?? 0 else { return }
        fail("the container of instance \(container.number) on host \(host) was stopped, though it is to keep running")
    }

    mutating func died(_ container: RuntimeContainer) { deaths[container.uuid, default: 0] += 1 }

    /// Nothing is removed but on a tombstone.
    mutating func removed(_ container: RuntimeContainer, on host: UInt64, _ record: InstanceRecord?) {
        if let place: Int = places[container.uuid]?.firstIndex(of: host) {
            places[container.uuid]?.remove(at: place)
        }
        guard record?.goal != .removed else { return }
        fail("the container of instance \(container.number) on host \(host) was removed, and nobody had ordered it")
    }

    /// An epoch is one process's, for good.
    mutating func held(_ scope: UInt64, _ epoch: UInt64, in incarnation: String, by process: String) {
        let name: String = "\(incarnation) \(scope) \(epoch)"
        guard let other: String = holders.updateValue(process, forKey: name), other != process else { return }
        fail("\(process) acts for scope \(scope) under epoch \(epoch), which \(other) had")
    }

    /// A transaction of a server is made under the epoch of that moment.
    mutating func committed(by server: String, scope: UInt64, under epoch: UInt64, actual: UInt64) {
        guard epoch != actual else { return }
        fail("\(server) changed scope \(scope) under epoch \(epoch), when its epoch was \(actual)")
    }

    /// Another incarnation of the cluster begins, and counts for itself.
    ///
    /// - Parameters:
    ///   - placed: the instances that it knows to be on some host.
    ///   - present: those that have a container; what the cluster before had ordered may still be done to them.
    mutating func beginAgain(placed: Set<String>, present: [String]) {
        unbroken = steady.intersection(placed)
        steady = []
        places = [:]
        starts = [:]
        deaths = Dictionary(present.map { ($0, 1) }, uniquingKeysWith: max)
        startedGeneration = [:]
    }

    mutating func fail(_ reason: String) {
        if violation == nil { violation = reason }
    }
}
