/// What one simulated cluster went through, and what came of it.
package struct ClusterReport: Sendable {
    package let seed: UInt64
    package let members: Int
    /// The first rule that was broken, and when; nil when none was.
    package var violation: String?
    package var faults: [ClusterFault: Int] = [:]
    package var elections: Int = 0
    /// Members that ended without being asked to.
    package var crashes: Int = 0
    package var snapshots: Int = 0
    package var checkpoints: Int = 0
    /// Configurations that were committed and are not joint.
    package var configurations: Int = 0
    /// Operations of clients that were answered: reads, changes, refusals.
    package var acknowledged: Int = 0
    package var reads: Int = 0
    package var writes: Int = 0
    package var unknown: Int = 0
    package var watchEvents: Int = 0
    package var commits: Int = 0
    package var messages: Int = 0
    package var ticks: Int = 0
    /// What hosts went through; nil in a cluster without.
    package var fleet: FleetReport?
    /// Equal for equal runs: every event went into it.
    package var traceHash: UInt64 = 0
    /// The last events, readable; empty unless asked for.
    package var trace: [String] = []

    package init(seed: UInt64, members: Int) {
        self.seed = seed
        self.members = members
    }

    package var leaderChanges: Int { max(0, elections - 1) }

    /// Whether it went through enough to say anything.
    package var isCounted: Bool {
        leaderChanges >= 2 && crashes >= 1 && snapshots >= 1 && configurations >= 1 && acknowledged >= 200
            && fleet?.isCounted ?? true
    }

    package var summary: String {
        """
        \(fleet == nil ? "cluster" : "hosts") \(seed): \(violation.map { "VIOLATED: \($0)" } ?? "ok")\
        \(isCounted ? "" : " (not counted)") · \
        \(leaderChanges) leader changes, \(crashes) crashes, \(snapshots) snapshots, \(configurations) member changes, \
        \(acknowledged) acknowledged, \(unknown) unknown, \(watchEvents) watch events, \(commits) commits, \
        \(messages) messages, \(ticks) ticks\(fleet.map { ", " + $0.summary } ?? "") · \
        trace \(String(traceHash, radix: 16))
        """
    }
}

/// Many runs, added up.
package struct ClusterTotals: Sendable {
    package private(set) var runs: Int = 0
    package private(set) var counted: Int = 0
    package private(set) var violated: Int = 0
    package private(set) var sum = ClusterReport(seed: 0, members: 0)

    package init() {}

    package mutating func add(_ report: ClusterReport) {
        runs += 1
        if report.isCounted { counted += 1 }
        if report.violation != nil { violated += 1 }
        sum.faults.merge(report.faults, uniquingKeysWith: +)
        sum.elections += report.leaderChanges
        sum.crashes += report.crashes
        sum.snapshots += report.snapshots
        sum.configurations += report.configurations
        sum.acknowledged += report.acknowledged
        sum.reads += report.reads
        sum.writes += report.writes
        sum.unknown += report.unknown
        sum.watchEvents += report.watchEvents
        sum.commits += report.commits
        sum.messages += report.messages
        sum.ticks += report.ticks
        if let fleet: FleetReport = report.fleet {
            var together: FleetReport = sum.fleet ?? FleetReport()
            together.add(fleet)
            sum.fleet = together
        }
    }

    /// For people: what all runs went through together.
    package var lines: [String] {
        var numbers: [(String, Int)] = [
            ("runs", runs), ("counted", counted), ("violated", violated), ("leader changes", sum.elections),
            ("crashes", sum.crashes), ("snapshots installed", sum.snapshots),
            ("member changes", sum.configurations), ("operations acknowledged", sum.acknowledged),
            ("of them reads", sum.reads), ("of them changes", sum.writes), ("without an answer", sum.unknown),
            ("watch events", sum.watchEvents), ("entries committed", sum.commits), ("messages", sum.messages),
            ("ticks", sum.ticks),
        ]
        numbers += sum.fleet?.numbers ?? []
        let kinds: [ClusterFault] = sum.fleet == nil ? ClusterFault.ofMembers : ClusterFault.allCases
        let faults: [(String, Int)] = kinds.map { ($0.rawValue, sum.faults[$0] ?? 0) }
        return numbers.map { "\(Self.padded($0.1))  \($0.0)" } + ["faults:"]
            + faults.map { "\(Self.padded($0.1))  \($0.0)" }
    }

    private static func padded(_ number: Int) -> String {
        let text: String = "\(number)"
        return String(repeating: " ", count: max(0, 12 - text.count)) + text
    }
}
