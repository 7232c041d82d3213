import Benchmarks
import JSON
import Testing

@Suite struct FiguresTests {
    @Test func `medians and percentiles are those of the sorted values`() {
        #expect(Statistics.median([3, 1, 2]) == 2)
        #expect(Statistics.median([4, 1, 2, 3]) == 2.5)
        #expect(Statistics.median([]) == nil)
        let hundred: [Double] = (1...100).map(Double.init).shuffled()
        #expect(Statistics.percentile(hundred, 99) == 99)
        #expect(Statistics.percentile(hundred, 0.5) == 1)
        #expect(Statistics.percentile([7], 95) == 7)
    }

    @Test(arguments: [
        (1234.5, "1235"), (12.34, "12.3"), (1.005, "1.00"), (0.0451, "0.045"), (-0.5, "-0.500"), (0, "0.000"),
    ])
    func `figures have the digits that count`(value: Double, text: String) {
        #expect(Statistics.text(value) == text)
    }

    @Test func `ticks are read behind any program name`() {
        let line: String = "12 (a (b) c) S 1 2 3 4 5 6 7 8 9 10 111 22 0 0"
        #expect(ProcessUsage.ticks(inStat: line) == 133)
        #expect(ProcessUsage.ticks(inStat: "12 (x) S 1") == nil)
        #expect(ProcessUsage.residentKilobytes(inStatus: "Name:\tx\nVmRSS:\t  2048 kB\n") == 2048)
    }

    @Test func `a ratio is ours divided by the peer's, and null without a peer`() throws {
        let report = BenchReport(
            benchmark: "raft",
            cases: [
                BenchCase(name: "put-100", unit: "ops/s", ours: 300, peer: 100, peerName: "etcd 3.4"),
                BenchCase(name: "alone", unit: "ms", ours: 1),
            ]
        )
        let cases: [JSONValue] = try #require(report.json()["cases"]?.array)
        #expect(cases[0]["ratio"] == .double(3) && cases[0]["peerName"]?.string == "etcd 3.4")
        #expect(cases[1]["ratio"] == .null && cases[1]["peer"] == .null && cases[1]["peerName"] == .null)
        #expect(report.table().contains("put-100"))
    }
}
