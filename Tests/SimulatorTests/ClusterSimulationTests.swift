import Foundation
import Simulator
import Testing

@Suite(.ownThread) struct ClusterSimulationTests {
    /// Seeds that once failed stay here for good, each with a word on what it found.
    static let regressions: [UInt64] = [
        // Who alone had the uncommitted entry that removed him never campaigned, and rightly refused all others his vote.
        4_463
    ]

    static let steps: Int = 2_000

    /// More of them when all tests are asked for.
    static var seeds: Range<UInt64> {
        ProcessInfo.processInfo.environment["DROVER_ALL_TESTS"] == "1" ? 0..<1_000 : 0..<34
    }

    static func members(_ seed: UInt64) -> Int { seed % 2 == 0 ? 3 : 5 }

    @Test func `whole clusters keep every promise, and go through enough to show it`() {
        var totals = ClusterTotals()
        for seed in Self.seeds {
            let report: ClusterReport = ClusterWorld(seed: seed, members: Self.members(seed)).run(steps: Self.steps)
            #expect(report.violation == nil, "\(report.summary)")
            totals.add(report)
        }
        let told: String = totals.lines.joined(separator: "\n")
        // Without a floor a world in which nothing happens would pass.
        #expect(totals.counted * 100 >= totals.runs * 80, "too few runs count:\n\(told)")
        #expect(totals.sum.acknowledged >= totals.runs * 250, "\(told)")
        #expect(totals.sum.faults[.leaderKill, default: 0] >= 2 * totals.runs, "\(told)")
        for fault in ClusterFault.ofMembers where fault != .tailTorn {
            #expect(totals.sum.faults[fault, default: 0] > 0, "no \(fault.rawValue):\n\(told)")
        }
    }

    @Test(arguments: regressions)
    func `what once failed does not fail again`(seed: UInt64) {
        let report: ClusterReport = ClusterWorld(seed: seed, members: Self.members(seed)).run(steps: 2_500)
        #expect(report.violation == nil, "\(report.summary)")
    }

    @Test func `the same seed gives the same run, bit for bit`() {
        for seed in [42, 43] as [UInt64] {
            let first: ClusterReport = ClusterWorld(seed: seed, members: 5).run(steps: 800)
            let second: ClusterReport = ClusterWorld(seed: seed, members: 5).run(steps: 800)
            #expect(first.traceHash == second.traceHash)
            #expect(first.summary == second.summary)
            #expect(first.faults == second.faults)
        }
        let one: ClusterReport = ClusterWorld(seed: 42, members: 5).run(steps: 800)
        let other: ClusterReport = ClusterWorld(seed: 43, members: 5).run(steps: 800)
        #expect(one.traceHash != other.traceHash)
    }

    @Test func `words change nothing about a run`() {
        let silent: ClusterReport = ClusterWorld(seed: 7, members: 5).run(steps: 500)
        let told: ClusterReport = ClusterWorld(seed: 7, members: 5, hasWords: true).run(steps: 500)
        #expect(silent.summary == told.summary)
        #expect(silent.trace.isEmpty)
        #expect(told.trace.count == 600)
    }

    @Test func `without faults there is one election and no request is lost`() {
        let report: ClusterReport = ClusterWorld(seed: 1, members: 5, faults: .none).run(steps: 1_000)
        #expect(report.violation == nil, "\(report.summary)")
        #expect(report.elections == 1)
        #expect(report.unknown == 0)
        #expect(report.acknowledged > 800, "\(report.summary)")
        #expect(report.crashes == 0)
    }

    @Test(arguments: [1, 2, 4, 7])
    func `clusters of other sizes keep every promise`(members: Int) {
        for seed in UInt64(300)..<304 {
            let report: ClusterReport = ClusterWorld(seed: seed, members: members).run(steps: 1_000)
            #expect(report.violation == nil, "\(report.summary)")
        }
    }

    @Test func `a cluster that is restored from a backup goes on, and nothing of its past is taken`() {
        var totals = ClusterTotals()
        for seed in UInt64(500)..<512 {
            let world = ClusterWorld(seed: seed, members: Self.members(seed))
            let report: ClusterReport = world.runRestored(steps: 1_500)
            #expect(report.violation == nil, "\(report.summary)")
            totals.add(report)
        }
        #expect(totals.sum.acknowledged >= 2_000, "\(totals.lines.joined(separator: "\n"))")
        #expect(totals.sum.configurations >= 12, "\(totals.lines.joined(separator: "\n"))")
    }

    @Test func `a restored cluster that takes sessions of its past is found out`() {
        var seen: [String] = []
        for seed in UInt64(500)..<506 {
            let world = ClusterWorld(seed: seed, members: Self.members(seed), worldFlaws: .keepsSessions)
            seen.append(world.runRestored(steps: 1_500).violation ?? "")
        }
        #expect(seen.contains { $0.contains("under a session of another incarnation") }, "\(seen)")
    }
}
