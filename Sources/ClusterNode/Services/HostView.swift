import Model
import Network
import Ownership
import Scheduler
import StoreFormat

/// A host with everything that is known of it.
struct HostView {
    var host: Stored<HostRecord>
    var observed: HostObservation
    var reservation: Stored<HostReservation>?

    init(_ host: Stored<HostRecord>, in state: some StateReading) {
        self.host = host
        observed = state.read(.hostObserved, host.number, as: HostObservation.self)?.record ?? HostObservation()
        reservation = state.read(.hostReservation, host.number)
    }

    init?(_ number: UInt64, in state: some StateReading) {
        guard let host: Stored<HostRecord> = state.read(.host, number) else { return nil }
        self.init(host, in: state)
    }

    var number: UInt64 { host.number }
    var reservationKey: RecordKey { RecordKey(.hostReservation, number) }
    var isGone: Bool { host.record.removed != nil }
    var isLeaving: Bool { isGone || host.record.state == "removing" }
    /// Whether its agent can carry out an order now.
    var isConnected: Bool { observed.agentState == "active" }
    /// Silent for its whole grace.
    var isLost: Bool { observed.agentState == "disconnected" }
    /// Whether its user counts on it: neither told to go nor taken out of use.
    var isInUse: Bool { !isLeaving && (host.record.state == "active" || host.record.state == "updating-active") }

    var obstacle: HostObstacle? {
        if isLeaving { return .removing }
        guard isInUse else {
            return .notActive(state: host.record.state)
        }
        return isConnected ? nil : .agentAway(state: observed.agentState)
    }

    /// The host as the scheduler sees it; what users put on it outranks what the agent says.
    func candidate(serviceInstances: Int = 0) -> HostCandidate {
        HostCandidate(
            number: number,
            name: host.record.displayName,
            labels: observed.labels.merging(host.record.labels) { _, user in user },
            obstacle: obstacle,
            ports: PortClaims(reservation?.record.ports ?? [:]),
            instanceCount: reservation?.record.instances.count ?? 0,
            serviceInstanceCount: serviceInstances
        )
    }
}

/// The hosts of an environment, ascending by number; removed ones are not among them.
struct HostViews {
    var views: [HostView]

    init(of account: UInt64, in state: some StateReading) {
        let hosts: [Stored<HostRecord>] = state.all(.host, "accountId", account)
        views = hosts.filter { $0.record.removed == nil }.map { HostView($0, in: state) }
    }

    subscript(number: UInt64) -> HostView? {
        var low: Int = 0
        var high: Int = views.count
        while low < high {
            let middle: Int = (low + high) / 2
            if views[middle].number < number { low = middle + 1 } else { high = middle }
        }
        return low < views.count && views[low].number == number ? views[low] : nil
    }

    /// Whether so many vanished at once that nothing is created elsewhere for it.
    var brake: VanishingBrake? {
        VanishingBrake(
            views.map {
                VanishingBrake.Host(awaySince: $0.isConnected ? nil : $0.observed.awaySince, isGivenUp: !$0.isInUse)
            }
        )
    }

    /// Candidates, with how many of `placed` (the service's own instances' hosts) each one has.
    func candidates(serviceHosts placed: [UInt64] = []) -> [HostCandidate] {
        var counts: [UInt64: Int] = [:]
        for host in placed { counts[host, default: 0] += 1 }
        return views.map { $0.candidate(serviceInstances: counts[$0.number] ?? 0) }
    }
}
