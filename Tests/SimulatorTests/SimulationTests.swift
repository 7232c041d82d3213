import Simulator
import Testing

@Suite(.ownThread) struct SimulationTests {
    @Test func `the command prints a line for each world of each seed, and what they went through`() {
        var lines: [String] = []
        let isSound: Bool = Simulation(seed: 5, count: 2, members: 3, steps: 200).run { lines.append($0) }
        #expect(isSound)
        #expect(lines.count { $0.hasPrefix("cluster ") } == 2)
        #expect(lines.count { $0.hasPrefix("seed ") } == 2)
        #expect(lines.count { $0.hasPrefix("hosts ") } == 2)
        for fault in ClusterFault.allCases {
            #expect(lines.contains { $0.hasSuffix("  \(fault.rawValue)") }, "\(fault.rawValue)")
        }
    }

    @Test func `many seeds are told of now and then`() {
        var lines: [String] = []
        let simulation = Simulation(seed: 0, count: 200, members: 3, steps: 5, worlds: [.cluster])
        #expect(simulation.run { lines.append($0) })
        #expect(lines.first?.hasPrefix("100 of 200 seeds") == true)
        #expect(lines.contains { $0.hasPrefix("200 of 200 seeds") })
        #expect(!lines.contains { $0.hasPrefix("cluster ") })
    }

    @Test func `a trace is shown to whoever asks for it`() {
        var lines: [String] = []
        var simulation = Simulation(seed: 0, count: 1, members: 3, steps: 100, worlds: [.cluster])
        simulation.showsTrace = true
        #expect(simulation.run { lines.append($0) })
        #expect(lines.contains { $0.contains(" leads term ") })
    }
}
