/// What one simulated run came to.
package struct SimulationReport: Sendable {
    package let seed: UInt64
    /// The first rule that was broken, and when; nil when none was.
    package var violation: String?
    package var elections: Int = 0
    package var commits: Int = 0
    package var crashes: Int = 0
    package var partitions: Int = 0
    package var snapshots: Int = 0
    package var configurations: Int = 0
    package var reads: Int = 0
    package var messages: Int = 0
    /// Equal for equal runs: every event went into it.
    package var traceHash: UInt64 = 0
    /// The last events, readable.
    package var trace: [String] = []

    package init(seed: UInt64) { self.seed = seed }

    package var summary: String {
        """
        seed \(seed): \(violation.map { "VIOLATED: \($0)" } ?? "ok") · \(elections) elections, \(commits) commits, \
        \(crashes) crashes, \(partitions) partitions, \(snapshots) snapshots, \(configurations) member changes, \
        \(reads) reads, \(messages) messages · trace \(String(traceHash, radix: 16))
        """
    }
}
