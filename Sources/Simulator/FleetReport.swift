/// What the hosts of a simulated cluster went through, and those who own them.
package struct FleetReport: Sendable {
    /// Changes of an environment's owner.
    package var moves: Int = 0
    /// Of these, by a drain that was answered.
    package var releases: Int = 0
    /// The most streams that were open and welcomed when an environment was moved.
    package var streamsMoved: Int = 0
    /// Changes that members made for what they own.
    package var acts: Int = 0
    /// Those of members that had lost the scope.
    package var fenced: Int = 0
    /// Changes that came of reports.
    package var reports: Int = 0
    /// What users wanted of services, and got committed.
    package var orders: Int = 0
    package var replays: Int = 0
    /// Replayed frames that the agent refused.
    package var replaysRefused: Int = 0
    package var agentCrashes: Int = 0
    package var cuts: Int = 0
    package var containersMade: Int = 0
    package var containersRemoved: Int = 0
    package var starts: Int = 0
    /// Those that run when all is over.
    package var running: Int = 0

    init() {}

    /// Whether it went through enough to say anything.
    package var isCounted: Bool {
        moves >= 2 && fenced >= 1 && cuts >= 3 && agentCrashes >= 3 && reports >= 40 && containersMade >= 20
    }

    mutating func add(_ other: FleetReport) {
        moves += other.moves
        releases += other.releases
        streamsMoved = max(streamsMoved, other.streamsMoved)
        acts += other.acts
        fenced += other.fenced
        reports += other.reports
        orders += other.orders
        replays += other.replays
        replaysRefused += other.replaysRefused
        agentCrashes += other.agentCrashes
        cuts += other.cuts
        containersMade += other.containersMade
        containersRemoved += other.containersRemoved
        starts += other.starts
        running += other.running
    }

    var summary: String {
        """
        \(moves) moves of up to \(streamsMoved) streams, \(releases) released, \(acts) acts, \(fenced) fenced, \
        \(reports) reports, \(orders) orders, \(replaysRefused) of \(replays) replays refused, \
        \(agentCrashes) agent crashes, \(cuts) streams cut, \(containersMade) containers made, \
        \(containersRemoved) removed, \(starts) starts, \(running) running
        """
    }

    var numbers: [(String, Int)] {
        [
            ("moves of ownership", moves), ("of them after a release", releases), ("acts of owners", acts),
            ("acts fenced off", fenced), ("reports of hosts written", reports), ("orders of users", orders),
            ("replays refused", replaysRefused), ("containers made", containersMade),
            ("containers removed", containersRemoved), ("starts", starts), ("running in the end", running),
        ]
    }
}
