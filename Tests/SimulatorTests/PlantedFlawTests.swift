import RaftCore
import Simulator
import Testing

/// A simulation is trusted only when it has found bugs that are known to be there.
struct PlantedFlawTests {
    struct Row: Sendable {
        let name: String
        let flaw: Flaws
        /// It must be found within this many seeds.
        let seeds: UInt64
    }

    static let table: [Row] = [
        Row(name: "votes are forgotten", flaw: .forgetsVotes, seeds: 40),
        Row(name: "two votes in a term", flaw: .votesTwice, seeds: 20),
        Row(name: "older terms are committed by counting", flaw: .commitsOldTerms, seeds: 60),
        Row(name: "entries are acknowledged before they are flushed", flaw: .acknowledgesEarly, seeds: 20),
        Row(name: "half of a joint configuration decides", flaw: .ignoresOutgoing, seeds: 60),
    ]

    @Test(arguments: table)
    func `a planted flaw is found`(_ row: Row) {
        var faults = RaftFaults()
        faults.crashPerThousand = 20
        faults.partitionPerThousand = 15
        faults.changePerThousand = 20
        if row.flaw == .ignoresOutgoing { faults.changePerThousand = 60 }
        var found: SimulationReport?
        for seed in 0..<row.seeds where found == nil {
            let members: Int = seed % 2 == 0 ? 3 : 5
            let report: SimulationReport = RaftWorld(seed: seed, members: members, faults: faults, flaws: row.flaw)
                .run(steps: 1_200)
            // "No agreement" would also be said of a group that is merely stuck.
            if let violation = report.violation, !violation.hasPrefix("no agreement") { found = report }
        }
        #expect(found != nil, "\(row.name): not found within \(row.seeds) seeds")
        if let found { print("\(row.name): \(found.summary)") }
    }
}
