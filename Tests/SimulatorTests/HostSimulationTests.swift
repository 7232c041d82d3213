import Simulator
import Testing

@Suite(.ownThread) struct HostSimulationTests {
    /// Seeds that once failed stay here for good, each with a word on what it found.
    static let regressions: [UInt64] = [
        40,  // a start again that failed for the moment was never tried again
        42,  // the answer to an owner's former self ended its present work
        234,  // a failure stayed on a container that ran after all
    ]

    @Test(arguments: regressions + Array(0..<4))
    func `hosts do what is wanted, and nothing else, while ownership moves`(seed: UInt64) {
        let report: HostReport = HostWorld(seed: seed).run(steps: 1_000)
        #expect(report.violation == nil, "\(report.summary)\n\(report.trace.joined(separator: "\n"))")
        #expect(report.moves >= 15, "\(report.summary)")
        #expect(report.fenced >= 3, "\(report.summary)")
        #expect(report.reports >= 60, "\(report.summary)")
        #expect(report.replaysRefused >= 100, "\(report.summary)")
        #expect(report.agentCrashes >= 8, "\(report.summary)")
        #expect(report.cuts >= 8, "\(report.summary)")
        #expect(report.containersMade >= 20, "\(report.summary)")
        #expect(report.running >= 5, "\(report.summary)")
    }

    @Test func `ownership moves between a hundred open streams`() {
        let report: HostReport = HostWorld(seed: 1, size: .hundredStreams, faults: .manyMoves).run(steps: 700)
        #expect(report.violation == nil, "\(report.summary)\n\(report.trace.joined(separator: "\n"))")
        #expect(report.moves >= 6, "\(report.summary)")
        // Agents crash all the time: a few of the hundred are down at any moment.
        #expect(report.streamsMoved >= 95, "\(report.summary)")
        #expect(report.reports >= 500, "\(report.summary)")
        #expect(report.replaysRefused >= 150, "\(report.summary)")
        #expect(report.agentCrashes >= 5, "\(report.summary)")
        #expect(report.containersMade >= 300, "\(report.summary)")
        #expect(report.containersRemoved >= 20, "\(report.summary)")
        #expect(report.running >= 100, "\(report.summary)")
    }

    @Test func `a move alone restarts nothing and writes nothing twice`() {
        var faults: HostFaults = .none
        faults.movePerThousand = 10
        let report: HostReport = HostWorld(seed: 3, faults: faults).run(steps: 1_000)
        #expect(report.violation == nil, "\(report.summary)\n\(report.trace.joined(separator: "\n"))")
        #expect(report.moves >= 10)
        #expect(report.starts == 42)
        #expect(report.containersMade == 42)
        #expect(report.containersRemoved == 0)
        #expect(report.running == 42)
    }

    @Test func `the same seed gives the same run, event for event`() {
        let first: HostReport = HostWorld(seed: 42).run(steps: 500)
        let second: HostReport = HostWorld(seed: 42).run(steps: 500)
        let other: HostReport = HostWorld(seed: 43).run(steps: 500)
        #expect(first.traceHash == second.traceHash)
        #expect(first.summary == second.summary)
        #expect(first.traceHash != other.traceHash)
    }
}

extension HostFaults {
    /// Everything goes wrong, but seldom enough for every stream to be open at once now and then.
    static let manyMoves: HostFaults = {
        var faults = HostFaults()
        faults.agentCrashPerThousand = 15
        faults.agentDownTicks = 30
        faults.cutPerThousand = 10
        faults.silentCutPercent = 20
        faults.stepCrashPerThousand = 0
        // Its host is started again each time.
        faults.strayPerThousand = 0
        return faults
    }()
}
