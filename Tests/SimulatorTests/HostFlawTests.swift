import Simulator
import Testing

/// What ``PlantedFlawTests`` is for the Raft group, for servers and hosts.
@Suite(.ownThread) struct HostFlawTests {
    struct Row: Sendable {
        let name: String
        let flaw: HostFlaws
        /// It must be found within this many seeds.
        let seeds: UInt64
        /// How it is seen.
        let sign: String
    }

    static let table: [Row] = [
        Row(name: "an agent takes frames of old epochs", flaw: .ignoresFence, seeds: 3, sign: "a frame of the past"),
        Row(
            name: "an agent removes what is not named",
            flaw: .deletesOnAbsence,
            seeds: 3,
            sign: "nobody had ordered it"
        ),
        Row(
            name: "a move of ownership restarts containers",
            flaw: .restartsOnMove,
            seeds: 3,
            sign: "though it is to keep running"
        ),
        Row(name: "a runtime makes a second container", flaw: .createsBlindly, seeds: 8, sign: "which has others on"),
        Row(name: "a server acts under its old epoch", flaw: .keepsOldEpoch, seeds: 5, sign: "when its epoch was"),
    ]

    @Test(arguments: table)
    func `a planted flaw is found`(_ row: Row) {
        var seen: [String] = []
        for seed in 0..<row.seeds where !seen.contains(where: { $0.contains(row.sign) }) {
            var faults = HostFaults()
            // An agent looks before it makes anything: to see nothing, the look must fail as well.
            if row.flaw == .createsBlindly { faults.operationFailurePercent = 30 }
            let report: HostReport = HostWorld(seed: seed, faults: faults, flaws: row.flaw).run(steps: 1_000)
            seen.append(report.violation ?? "")
        }
        #expect(seen.contains { $0.contains(row.sign) }, "\(row.name): not found within \(row.seeds) seeds: \(seen)")
    }
}
