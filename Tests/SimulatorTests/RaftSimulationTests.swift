import RaftCore
import Simulator
import Testing

@Suite(.ownThread) struct RaftSimulationTests {
    /// Seeds that once failed stay here for good, each with a word on what it found.
    static let regressions: [UInt64] = []

    @Test(arguments: regressions + Array(0..<12))
    func `five members keep every rule through loss, crashes, partitions and member changes`(seed: UInt64) {
        let report: SimulationReport = RaftWorld(seed: seed, members: 5).run(steps: 1_500)
        #expect(report.violation == nil, "\(report.summary)\n\(report.trace.joined(separator: "\n"))")
        #expect(report.elections >= 2, "\(report.summary)")
        #expect(report.commits >= 60, "\(report.summary)")
        #expect(report.crashes >= 2, "\(report.summary)")
        #expect(report.partitions >= 2, "\(report.summary)")
        #expect(report.reads >= 5, "\(report.summary)")
    }

    @Test(arguments: [1, 2, 3])
    func `small groups keep every rule`(members: Int) {
        var commits: Int = 0
        for seed in UInt64(100)..<104 {
            let report: SimulationReport = RaftWorld(seed: seed, members: members).run(steps: 1_000)
            #expect(report.violation == nil, "\(report.summary)\n\(report.trace.joined(separator: "\n"))")
            commits += report.commits
        }
        #expect(commits >= 100)
    }

    @Test func `all seeds together change members and send snapshots`() {
        var configurations: Int = 0
        var snapshots: Int = 0
        for seed in UInt64(200)..<206 {
            let report: SimulationReport = RaftWorld(seed: seed, members: 3).run(steps: 1_500)
            #expect(report.violation == nil, "\(report.summary)\n\(report.trace.joined(separator: "\n"))")
            configurations += report.configurations
            snapshots += report.snapshots
        }
        #expect(configurations >= 6)
        #expect(snapshots >= 1)
    }

    @Test func `the same seed gives the same run, event for event`() {
        let first: SimulationReport = RaftWorld(seed: 42, members: 5).run(steps: 800)
        let second: SimulationReport = RaftWorld(seed: 42, members: 5).run(steps: 800)
        let other: SimulationReport = RaftWorld(seed: 43, members: 5).run(steps: 800)
        #expect(first.traceHash == second.traceHash)
        #expect(first.summary == second.summary)
        #expect(first.traceHash != other.traceHash)
    }

    @Test func `without faults one election is enough`() {
        let report: SimulationReport = RaftWorld(seed: 1, members: 5, faults: .none).run(steps: 1_000)
        #expect(report.violation == nil)
        #expect(report.elections == 1)
        #expect(report.commits > 300)
    }
}
