package import Network

/// Why one host cannot take one instance.
///
/// A host may have several.
package enum HostReason: Hashable, Sendable, CustomStringConvertible {
    case obstacle(HostObstacle)
    case portTaken(HostPort, by: PortClaims.Holder)
    /// It lacks a label that it must have, or has one that it must not have.
    case label(HostLabelRule)
    /// The container names another host.
    case otherRequested

    package var description: String {
        switch self {
        case .obstacle(let obstacle): obstacle.description
        case .portTaken(let port, let holder): "port \(port) is taken by \(holder)"
        case .label(let rule) where rule.isWanted: "needs host with label \(rule.key)=\(rule.value)"
        case .label(let rule): "needs host without label \(rule.key)=\(rule.value)"
        case .otherRequested: "another host was asked for"
        }
    }
}

/// What the scheduler thinks of one host for one request.
package struct HostVerdict: Hashable, Sendable, CustomStringConvertible {
    package var host: UInt64
    package var name: String
    /// Empty when the instance fits.
    package var reasons: [HostReason]
    /// Preferences that the host does not meet; they only make it a worse choice.
    package var misses: [HostLabelRule]

    package var fits: Bool { reasons.isEmpty }

    /// The reasons on one line; `fits` where there are none.
    package var summary: String {
        guard reasons.isEmpty else { return reasons.map(\.description).joined(separator: ", ") }
        guard !misses.isEmpty else { return "fits" }
        let wishes: [String] = misses.map { "\($0.isWanted ? "" : "no ")\($0.key)=\($0.value)" }
        return "fits, but does not meet the preference \(wishes.joined(separator: ", "))"
    }

    package var description: String { "host \(name): \(summary)" }
}
