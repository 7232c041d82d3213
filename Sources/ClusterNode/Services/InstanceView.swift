import Model
import Network
import StoreFormat

/// An instance with what its host says about it.
struct InstanceView {
    var instance: Stored<InstanceRecord>
    var observed: InstanceObservation?
    var state: InstanceState

    init(_ instance: Stored<InstanceRecord>, in state: some StateReading) {
        self.instance = instance
        observed = state.read(.instanceObserved, instance.number, as: InstanceObservation.self)?.record
        self.state = InstanceState(desired: instance.record, observed: observed)
    }

    init?(_ number: UInt64, in state: some StateReading) {
        guard let instance: Stored<InstanceRecord> = state.read(.instance, number) else { return nil }
        self.init(instance, in: state)
    }

    var number: UInt64 { instance.number }
    var record: InstanceRecord { instance.record }
    var isRunning: Bool { state.state == "running" }
    var isStopped: Bool { state.state == "stopped" }
    var isFailed: Bool { state.state == "error" }
    /// Wanted to exist: neither removed nor ordered to go.
    var isWanted: Bool { record.removed == nil && record.goal != .removed }
    var isLeaving: Bool { record.removed == nil && record.goal == .removed }

    var isStartOnce: Bool { record.labels[LaunchLabels.startOnce]?.lowercased() == "true" }
    /// Whether it was ever started: a container that ends of itself was.
    var hasRun: Bool {
        guard let observed: InstanceObservation = observed else { return false }
        let endedItself: Bool =
            record.goal == .running && observed.condition == .stopped && observed.generation >= record.generation
        return observed.startCount > 0 || endedItself
    }
    /// Ordered to run, and never seen to: what its host has told ends before the first start.
    var isUnborn: Bool {
        guard record.goal == .running, record.removed == nil, record.failure == nil, !hasRun else { return false }
        switch observed?.condition {
        case nil, .pulling?, .creating?: return true
        default: return false
        }
    }
    /// A start-once instance that has done, or is doing, its work: it is not started again.
    var isStartedOnce: Bool { isStartOnce && hasRun && (isStopped || state.state == "stopping") }

    /// Nothing is left of it on its host, or there is no host that could say so.
    func isGone(in state: some StateReading) -> Bool {
        guard let hostID: UInt64 = record.hostID else { return true }
        // An older report may be overtaken by a start that the host has not yet told about.
        if observed?.condition == .gone, (observed?.generation ?? 0) >= record.generation { return true }
        guard let host: Stored<HostRecord> = state.read(.host, hostID) else { return true }
        return host.record.removed != nil
    }
}

/// The published ports of a container.
struct PublishedPorts {
    var ports: [HostPort] = []
    /// Specifications that cannot be read.
    ///
    /// Such a record does not come through the API; it is refused, not guessed at.
    var unreadable: [String] = []

    init(_ specifications: [String]) {
        for text in specifications {
            do throws(PortSpecError) {
                let spec = try PortSpec(parsing: text)
                if let port = HostPort(spec) { ports.append(port) }
            } catch {
                unreadable.append(text)
            }
        }
    }
}
