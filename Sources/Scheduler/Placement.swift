import Model
package import Network

/// One instance that needs a host.
package struct PlacementRequest: Hashable, Sendable {
    /// What it is called in explanations, such as `web-app-3`.
    package var unit: String
    /// What its labels ask of its host.
    package var affinity: Affinity
    package var ports: [HostPort]
    /// The host that its user named: only ports are then checked, and the host need not be active.
    package var requestedHost: UInt64?

    package init(
        unit: String,
        affinity: Affinity = Affinity([:]),
        ports: [HostPort] = [],
        requestedHost: UInt64? = nil
    ) {
        self.unit = unit
        self.affinity = affinity
        self.ports = ports
        self.requestedHost = requestedHost
    }
}

/// What became of a request.
package struct Placement: Hashable, Sendable {
    package enum Outcome: Hashable, Sendable {
        case host(UInt64)
        case refused(PlacementRefusal)
    }

    package var request: PlacementRequest
    package var outcome: Outcome
    /// Every host, ascending by number, for a refusal that hosts caused; empty otherwise (``Scheduler/explain(_:on:)`` makes them).
    package var verdicts: [HostVerdict]

    package var host: UInt64? {
        if case .host(let number) = outcome { number } else { nil }
    }
    package var refusal: PlacementRefusal? {
        if case .refused(let refusal) = outcome { refusal } else { nil }
    }
}

/// Why a request got no host.
///
/// Worded as in contract O16.
package enum PlacementRefusal: Hashable, Sendable, CustomStringConvertible {
    /// The request contradicts itself: no host will ever do.
    case portTwice(HostPort)
    /// It asks for something about other containers, which is not supported.
    case unsupportedAffinity(label: String)
    /// The named host is not there, or going.
    case requestedHostGone(UInt64)
    /// No host is active with a connected agent.
    case noHealthyHost
    /// No healthy host meets the demands; the reasons of the host that came closest.
    case noFit(closest: [HostReason])

    package var description: String { "Allocation failed: \(cause)" }

    /// The text without its prefix.
    package var cause: String {
        switch self {
        case .portTwice(let port): "Port \(port.number) requested more than once."
        case .unsupportedAffinity(let label):
            "the label \(label) is not supported: containers cannot be placed by other containers"
        case .requestedHostGone(let number):
            "the requested host \(ResourceID(number: number).rendered("h")) is not there or is being removed"
        case .noHealthyHost: "No healthy hosts with sufficient resources available"
        case .noFit(let reasons): PlacementRefusal.constraints(reasons)
        }
    }

    private static func constraints(_ reasons: [HostReason]) -> String {
        var texts: [String] = []
        var ports: [String] = []
        for reason in reasons {
            switch reason {
            // The bind address is never part of this text.
            case .portTaken(let port, _): ports.append(port.number)
            case .label(let rule): texts.append("needs host with label \(rule.key)\(rule.suffix): \(rule.value)")
            case .obstacle(let obstacle): texts.append(obstacle.description)
            case .otherRequested: break
            }
        }
        if !ports.isEmpty { texts.insert("host needs ports \(ports.joined(separator: ", ")) available", at: 0) }
        return texts.isEmpty ? "Failed to find placement" : texts.joined(separator: ", ")
    }
}
