import Simulator
import Testing

struct HostSimulationTests {
    @Test(arguments: Array(UInt64(0)..<6))
    func `small worlds`(seed: UInt64) {
        let clock = ContinuousClock()
        let start = clock.now
        let report: HostReport = HostWorld(seed: seed).run(steps: 1_500)
        print(report.summary, clock.now - start)
        #expect(report.violation == nil, "\(report.summary)\n\(report.trace.joined(separator: "\n"))")
    }

    @Test func `big`() {
        let clock = ContinuousClock()
        let start = clock.now
        let report: HostReport = HostWorld(seed: 1, size: .hundredStreams).run(steps: 600)
        print(report.summary, clock.now - start)
        #expect(report.violation == nil, "\(report.summary)\n\(report.trace.joined(separator: "\n"))")
    }
}
