/// How well a service or a stack does, as the API spells it.
package enum HealthState: String, Sendable, Hashable, CaseIterable {
    case healthy, initializing, degraded, unhealthy
    case startedOnce = "started-once"
}

/// The tables of contract O11, as functions.
package enum HealthRules {
    package struct Counts: Hashable, Sendable {
        package var instances: Int = 0
        package var healthy: Int = 0
        package var initializing: Int = 0
        package var startedOnce: Int = 0

        package init(instances: Int = 0, healthy: Int = 0, initializing: Int = 0, startedOnce: Int = 0) {
            self.instances = instances
            self.healthy = healthy
            self.initializing = initializing
            self.startedOnce = startedOnce
        }
    }

    package struct Member: Hashable, Sendable {
        package var isActive: Bool
        /// nil counts as healthy.
        package var health: HealthState?

        package init(isActive: Bool, health: HealthState?) {
            self.isActive = isActive
            self.health = health
        }
    }

    /// States in which a service is kept going.
    package static let activeStates: Set<String> = [
        "activating", "active", "updating-active", "upgrading", "rolling-back", "canceling-upgrade",
        "canceled-upgrade", "finishing-upgrade", "upgraded", "restarting",
    ]

    /// `expected` is nil for a global service, which expects what it has.
    package static func service(_ counts: Counts, expected: Int?) -> HealthState {
        if counts.startedOnce > 0, counts.startedOnce >= expected ?? counts.instances { return .startedOnce }
        let healthy: Int = counts.healthy + counts.startedOnce
        let isHealthy: Bool =
            expected.map { healthy >= $0 } ?? (healthy >= counts.instances && counts.instances > 0)
        if isHealthy { return .healthy }
        if counts.initializing > 0 { return .initializing }
        return healthy > 0 ? .degraded : .unhealthy
    }

    package static func stack(_ members: [Member]) -> HealthState {
        guard !members.isEmpty else { return .healthy }
        let health: [HealthState] = members.map { $0.health ?? .healthy }
        if health.allSatisfy({ $0 == .startedOnce }) { return .startedOnce }
        let isHealthy: Bool = members.allSatisfy { member in
            let health: HealthState = member.health ?? .healthy
            return member.isActive && (health == .healthy || health == .startedOnce)
        }
        if isHealthy { return .healthy }
        if health.contains(.initializing) { return .initializing }
        return health.contains(.healthy) ? .degraded : .unhealthy
    }
}
