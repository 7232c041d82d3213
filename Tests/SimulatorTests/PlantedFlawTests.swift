import RaftCore
import Simulator
import Testing

/// A simulation is trusted only when it has found bugs that are known to be there.
@Suite(.ownThread) struct PlantedFlawTests {
    struct Row: Sendable {
        let name: String
        let flaw: Flaws
        var first: UInt64 = 0
        /// It must be found within this many seeds.
        let seeds: UInt64
    }

    static let table: [Row] = [
        Row(name: "votes are forgotten", flaw: .forgetsVotes, seeds: 60),
        Row(name: "two votes in a term", flaw: .votesTwice, seeds: 20),
        Row(name: "entries are acknowledged before they are flushed", flaw: .acknowledgesEarly, seeds: 40),
        Row(name: "half of a joint configuration decides", flaw: .ignoresOutgoing, seeds: 80),
        // About one seed in fifteen finds it; these begin shortly before one, to spare the waiting.
        Row(name: "older terms are committed by counting", flaw: .commitsOldTerms, first: 30, seeds: 80),
    ]

    @Test(arguments: table)
    func `a planted flaw is found`(_ row: Row) {
        let faults: RaftFaults = Self.faults(for: row.flaw)
        var found: SimulationReport?
        for seed in row.first..<row.first + row.seeds where found == nil {
            let members: Int = seed % 2 == 0 && row.flaw != .commitsOldTerms ? 3 : 5
            let report: SimulationReport = RaftWorld(seed: seed, members: members, faults: faults, flaws: row.flaw)
                .run(steps: row.flaw == .commitsOldTerms ? 1_200 : 1_000)
            // "No agreement" would also be said of a group that is merely stuck.
            if let violation = report.violation, !violation.hasPrefix("no agreement") { found = report }
        }
        #expect(found != nil, "\(row.name): not found within \(row.seeds) seeds")
    }

    /// What gives the flaw a chance to show.
    private static func faults(for flaw: Flaws) -> RaftFaults {
        var faults = RaftFaults()
        switch flaw {
        case .forgetsVotes, .votesTwice:
            faults.crashPerThousand = 20
            faults.partitionPerThousand = 15
        case .acknowledgesEarly:
            faults.blackoutPerThousand = 10
            faults.downTicks = 20
        case .ignoresOutgoing:
            faults.changePerThousand = 40
            faults.splitAtChangePercent = 60
        case .commitsOldTerms:
            // Leaders must change while old entries are on their way, one at a time.
            faults.appendBytes = 1
            faults.changePerThousand = 0
            faults.crashPerThousand = 0
            faults.partitionPerThousand = 0
            faults.pausePerThousand = 0
            faults.checkpointPerThousand = 0
            faults.newLeaderCrashPercent = 0
            faults.newLeaderMutePercent = 90
        default: break
        }
        return faults
    }
}
