import Foundation
import Simulator
import Testing

/// Whole clusters with hosts: consensus on simulated disks, and on it ownership, controllers, host streams and agents.
@Suite(.ownThread) struct FleetSimulationTests {
    static let steps: Int = 2_000

    /// More of them when all tests are asked for.
    static var seeds: Range<UInt64> {
        ProcessInfo.processInfo.environment["DROVER_ALL_TESTS"] == "1" ? 0..<300 : 0..<8
    }

    /// Seeds that once failed stay here for good, each with a word on what it found.
    static let regressions: [(seed: UInt64, members: Int, steps: Int)] = [
        // A member that was removed and never heard of it kept its hosts from their new owner for good.
        (1_090, 3, steps),
        // The clock was set back an hour: what was to be tried again in a second waited as long.
        (1_127, 5, steps),
        // A word of a host's absence was written after its return: it was shown as away for good.
        (22_197, 3, 2_500),
    ]

    @Test(arguments: regressions)
    func `what once failed does not fail again`(seed: UInt64, members: Int, steps: Int) {
        let world = ClusterWorld(seed: seed, members: members, hosts: FleetSize())
        let report: ClusterReport = world.run(steps: steps)
        #expect(report.violation == nil, "\(report.summary)")
    }

    static func members(_ seed: UInt64) -> Int { seed % 2 == 0 ? 3 : 5 }

    static func world(_ seed: UInt64, hasWords: Bool = false) -> ClusterWorld {
        ClusterWorld(seed: seed, members: members(seed), hosts: FleetSize(), hasWords: hasWords)
    }

    @Test func `clusters with hosts keep every promise, and go through enough to show it`() {
        var totals = ClusterTotals()
        for seed in Self.seeds {
            let report: ClusterReport = Self.world(seed).run(steps: Self.steps)
            #expect(report.violation == nil, "\(report.summary)")
            // What a counted run must have gone through at least; written out, so that nobody lowers it unseen.
            guard report.isCounted, let hosts: FleetReport = report.fleet else {
                totals.add(report)
                continue
            }
            #expect(report.leaderChanges >= 2 && report.crashes >= 1 && report.snapshots >= 1, "\(report.summary)")
            #expect(report.configurations >= 1 && report.acknowledged >= 200, "\(report.summary)")
            #expect(hosts.moves >= 2 && hosts.fenced >= 1 && hosts.agentCrashes >= 3, "\(report.summary)")
            #expect(hosts.cuts >= 3 && hosts.reports >= 40 && hosts.containersMade >= 20, "\(report.summary)")
            totals.add(report)
        }
        let told: String = totals.lines.joined(separator: "\n")
        // Without a floor a world in which nothing happens would pass.
        #expect(totals.counted * 100 >= totals.runs * 70, "too few runs count:\n\(told)")
        #expect(totals.sum.acknowledged >= totals.runs * 250, "\(told)")
        for fault in ClusterFault.ofHosts {
            #expect(totals.sum.faults[fault, default: 0] > 0, "no \(fault.rawValue):\n\(told)")
        }
        let hosts: FleetReport? = totals.sum.fleet
        #expect(hosts?.moves ?? 0 >= 5 * totals.runs, "\(told)")
        #expect(hosts?.releases ?? 0 > 0, "\(told)")
        #expect(hosts?.orders ?? 0 >= 3 * totals.runs, "\(told)")
        #expect(hosts?.replaysRefused ?? 0 >= 100 * totals.runs, "\(told)")
        #expect(hosts?.containersRemoved ?? 0 >= totals.runs, "\(told)")
        #expect(hosts?.running ?? 0 >= 5 * totals.runs, "\(told)")
    }

    @Test func `a cluster with hosts that is restored from a backup removes nothing and starts nothing anew`() {
        var totals = ClusterTotals()
        for seed in UInt64(600)..<604 {
            let report: ClusterReport = Self.world(seed).runRestored(steps: 1_600)
            #expect(report.violation == nil, "\(report.summary)")
            totals.add(report)
        }
        let told: String = totals.lines.joined(separator: "\n")
        #expect(totals.sum.fleet?.running ?? 0 >= 20, "\(told)")
        #expect(totals.sum.fleet?.reports ?? 0 >= 100, "\(told)")
    }

    @Test func `agents that remove what a restored cluster does not name are found out`() {
        var seen: [String] = []
        for seed in UInt64(600)..<603 {
            let world = ClusterWorld(seed: seed, members: 3, hosts: FleetSize(), hostFlaws: .deletesOnAbsence)
            seen.append(world.runRestored(steps: 1_200).violation ?? "")
        }
        #expect(seen.contains { $0.contains("nobody had ordered it") || $0.contains("it was started anew") }, "\(seen)")
    }

    @Test func `ownership moves between a hundred open streams`() {
        let report: ClusterReport = ClusterWorld(
            seed: 1,
            members: 5,
            faults: .none,
            hosts: .hundredStreams,
            hostFaults: .manyMoves
        ).run(steps: 1_200)
        let hosts: FleetReport? = report.fleet
        #expect(report.violation == nil, "\(report.summary)")
        #expect(hosts?.moves ?? 0 >= 4, "\(report.summary)")
        // Agents crash all the time: a few of the hundred are down at any moment.
        #expect(hosts?.streamsMoved ?? 0 >= 90, "\(report.summary)")
        #expect(hosts?.reports ?? 0 >= 500, "\(report.summary)")
        #expect(hosts?.containersMade ?? 0 >= 200, "\(report.summary)")
        #expect(hosts?.running ?? 0 >= 100, "\(report.summary)")
    }

    @Test func `a move alone restarts nothing and writes nothing twice`() {
        var faults: FleetFaults = .none
        faults.movePerThousand = 10
        let report: ClusterReport = ClusterWorld(
            seed: 3,
            members: 3,
            faults: .none,
            hosts: FleetSize(),
            hostFaults: faults
        ).run(steps: 1_200)
        #expect(report.violation == nil, "\(report.summary)")
        #expect(report.elections == 1)
        #expect(report.fleet?.moves ?? 0 >= 10, "\(report.summary)")
        #expect(report.fleet?.starts == 42, "\(report.summary)")
        #expect(report.fleet?.containersMade == 42, "\(report.summary)")
        #expect(report.fleet?.containersRemoved == 0, "\(report.summary)")
        #expect(report.fleet?.running == 42, "\(report.summary)")
    }

    @Test func `the same seed gives the same run, bit for bit, and words change nothing about it`() {
        let first: ClusterReport = Self.world(42).run(steps: 600)
        let second: ClusterReport = Self.world(42, hasWords: true).run(steps: 600)
        let other: ClusterReport = Self.world(44).run(steps: 600)
        #expect(first.traceHash == second.traceHash)
        #expect(first.summary == second.summary)
        #expect(first.faults == second.faults)
        #expect(first.traceHash != other.traceHash)
        #expect(first.trace.isEmpty)
        #expect(second.trace.contains { $0.contains(" begins to ") })
    }
}

extension FleetFaults {
    /// Everything goes wrong, but seldom enough for every stream to be open at once now and then.
    static let manyMoves: FleetFaults = {
        var faults = FleetFaults()
        faults.isMixed = false
        faults.movePerThousand = 8
        faults.agentCrashPerThousand = 8
        faults.agentDownTicks = 60
        faults.cutPerThousand = 5
        faults.silentCutPercent = 20
        faults.stepCrashPerThousand = 0
        // Its host is started again each time.
        faults.strayPerThousand = 0
        return faults
    }()
}
