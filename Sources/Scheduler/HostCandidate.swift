import Model
package import Network

/// Why nothing new is placed on a host, whatever is asked for.
package enum HostObstacle: Hashable, Sendable, CustomStringConvertible {
    /// An operator took it out, or it is not in yet; containers that name it are still placed there.
    case notActive(state: String)
    /// Its agent does not answer; nil when it never did. Containers that name the host wait for it there.
    case agentAway(state: String?)
    /// It is going, or gone.
    case removing

    package var description: String {
        switch self {
        case .notActive(let state): "the host is \(state)"
        case .agentAway(let state?): "the host's agent is \(state)"
        case .agentAway(nil): "the host's agent never connected"
        case .removing: "the host is being removed"
        }
    }
}

/// A host as the scheduler sees it: a snapshot, updated while a batch is placed.
package struct HostCandidate: Sendable {
    package var number: UInt64
    package var name: String
    /// Keys and values in lower case: constraints compare without regard to case.
    package private(set) var labels: [String: String]
    /// nil for an eligible host.
    package var obstacle: HostObstacle?
    package var ports: PortClaims
    /// All instances placed here and not yet gone.
    package var instanceCount: Int
    /// Those of the service that asks.
    package var serviceInstanceCount: Int

    package init(
        number: UInt64,
        name: String,
        labels: [String: String] = [:],
        obstacle: HostObstacle? = nil,
        ports: PortClaims = PortClaims(),
        instanceCount: Int = 0,
        serviceInstanceCount: Int = 0
    ) {
        self.number = number
        self.name = name
        var lowered: [String: String] = [:]
        // Sorted, so that of two keys that differ only in case the same one wins on every node.
        for (key, value) in labels.sorted(by: { $0.key < $1.key }) { lowered[key.lowercased()] = value.lowercased() }
        self.labels = lowered
        self.obstacle = obstacle
        self.ports = ports
        self.instanceCount = instanceCount
        self.serviceInstanceCount = serviceInstanceCount
    }
}
