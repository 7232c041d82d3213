import Simulator
import Testing

/// Bugs that are put into the members and agents of clusters with hosts, each found within a stated number of seeds.
@Suite(.ownThread) struct FleetFlawTests {
    struct Row: Sendable, CustomTestStringConvertible {
        let name: String
        let flaw: FleetFlaws
        /// It must be found within this many seeds.
        let seeds: UInt64
        /// How it is seen, one of these.
        let signs: [String]

        var testDescription: String { name }
    }

    static let table: [Row] = [
        Row(name: "an agent takes frames of old epochs", flaw: .ignoresFence, seeds: 3, signs: ["a frame of the past"]),
        Row(
            name: "an agent removes what is not named",
            flaw: .deletesOnAbsence,
            seeds: 3,
            // What runs is stopped before it is removed.
            signs: ["nobody had ordered it", "though it is to keep running"]
        ),
        Row(
            name: "a move of ownership restarts containers",
            flaw: .restartsOnMove,
            seeds: 3,
            signs: ["though it is to keep running"]
        ),
        Row(
            name: "a runtime makes a second container",
            flaw: .createsBlindly,
            seeds: 8,
            signs: ["which has others on"]
        ),
        Row(name: "a member acts under its old epoch", flaw: .keepsOldEpoch, seeds: 5, signs: ["when its epoch was"]),
        Row(name: "a process goes on under inherited epochs", flaw: .inheritsEpochs, seeds: 5, signs: ["which node-"]),
    ]

    @Test(arguments: table)
    func `a planted flaw is found`(_ row: Row) {
        var seen: [String] = []
        for seed in 0..<row.seeds {
            var faults = FleetFaults()
            // An agent looks before it makes anything: to see nothing, the look must fail as well.
            if row.flaw == .createsBlindly { faults.operationFailurePercent = 30 }
            let report: ClusterReport = ClusterWorld(
                seed: seed,
                members: 3,
                hosts: FleetSize(),
                hostFaults: faults,
                hostFlaws: row.flaw
            ).run(steps: 1_500)
            guard let violation = report.violation else { continue }
            if row.signs.contains(where: violation.contains) { return }
            seen.append(violation)
        }
        Issue.record("\(row.name): not found within \(row.seeds) seeds, but: \(seen)")
    }
}
