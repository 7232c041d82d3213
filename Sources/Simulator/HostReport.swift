/// What one simulated run of servers and hosts came to.
package struct HostReport: Sendable {
    package let seed: UInt64
    /// The first rule that was broken, and when; nil when none was.
    package var violation: String?
    /// Changes of an environment's owner.
    package var moves: Int = 0
    /// The most streams that were open and welcomed when an environment was moved.
    package var streamsMoved: Int = 0
    package var transactions: Int = 0
    /// Transactions of servers that had lost the scope.
    package var fenced: Int = 0
    /// Transactions that came of reports.
    package var reports: Int = 0
    package var replays: Int = 0
    /// Replayed frames that the agent refused.
    package var replaysRefused: Int = 0
    package var agentCrashes: Int = 0
    package var cuts: Int = 0
    /// Visits of hosts to a server of another incarnation.
    package var strays: Int = 0
    package var containersMade: Int = 0
    package var containersRemoved: Int = 0
    package var starts: Int = 0
    /// Those that run when all is over.
    package var running: Int = 0
    /// Equal for equal runs: every event went into it.
    package var traceHash: UInt64 = 0
    /// The last events, readable.
    package var trace: [String] = []

    package init(seed: UInt64) { self.seed = seed }

    package var summary: String {
        """
        hosts \(seed): \(violation.map { "VIOLATED: \($0)" } ?? "ok") · \(moves) moves of up to \(streamsMoved) streams, \
        \(transactions) transactions, \(fenced) fenced, \(reports) reports, \(replaysRefused) of \(replays) replays \
        refused, \(agentCrashes) agent crashes, \(cuts) cuts, \(strays) strays, \
        \(containersMade) containers made, \(containersRemoved) removed, \(starts) starts, \(running) running · trace \(String(traceHash, radix: 16))
        """
    }
}
