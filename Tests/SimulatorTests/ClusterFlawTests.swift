import RaftCore
import Simulator
import Testing

/// Bugs that are put into whole clusters on purpose, each found within a stated number of seeds.
@Suite(.ownThread) struct ClusterFlawTests {
    struct Row: Sendable, CustomTestStringConvertible {
        let name: String
        var flaw: Flaws = []
        var worldFlaw: ClusterFlaws = []
        var first: UInt64 = 0
        /// It must be found within this many seeds.
        let seeds: UInt64
        /// How it is seen, one of these.
        let signs: [String]

        var testDescription: String { name }
    }

    static let table: [Row] = [
        Row(
            name: "a flush is skipped",
            worldFlaw: .skipsFlush,
            seeds: 6,
            signs: ["memberLostLog", "does not explain", "has no committed entry"]
        ),
        Row(name: "two votes in a term", flaw: .votesTwice, seeds: 6, signs: ["two leaders in term"]),
        Row(name: "votes are forgotten", flaw: .forgetsVotes, seeds: 30, signs: ["two leaders in term"]),
        Row(
            name: "an old term's entry is committed by counting",
            flaw: .commitsOldTerms,
            // About one seed in sixteen finds it; these begin shortly before one, to spare the waiting.
            first: 15,
            seeds: 40,
            signs: ["has no committed entry"]
        ),
        Row(
            name: "half of a joint configuration decides",
            flaw: .ignoresOutgoing,
            seeds: 50,
            signs: ["has no committed entry", "two leaders in term"]
        ),
        Row(
            name: "entries are acknowledged before they are flushed",
            flaw: .acknowledgesEarly,
            seeds: 6,
            signs: ["memberLostLog", "has no committed entry"]
        ),
        Row(
            name: "voters do not protect their leader",
            flaw: .forgetsStickiness,
            seeds: 6,
            signs: ["though it heard its leader"]
        ),
        Row(
            name: "a truncated configuration stays in force",
            flaw: .keepsTruncatedConfiguration,
            seeds: 8,
            signs: ["does not say"]
        ),
        Row(
            name: "the last entry is applied twice after a start",
            worldFlaw: .appliesTwice,
            seeds: 40,
            signs: ["has another state", "made", "the list is"]
        ),
        Row(
            name: "a read is answered without asking the others",
            flaw: .readsWithoutRound,
            seeds: 40,
            signs: ["was committed when it was asked"]
        ),
        Row(
            name: "a read is answered before it can see what it must",
            worldFlaw: .readsTooEarly,
            seeds: 6,
            signs: ["no order of its operations explains"]
        ),
        Row(
            name: "a snapshot is taken for installed before it is on the disk",
            worldFlaw: .forgetsCheckpoint,
            seeds: 12,
            signs: ["does not explain"]
        ),
        Row(
            name: "a retry gets a number of its own",
            worldFlaw: .renumbersRetries,
            seeds: 4,
            signs: ["and again at", "which only makes"]
        ),
        Row(
            name: "a watch goes on one revision too late",
            worldFlaw: .skipsOnResume,
            seeds: 4,
            signs: ["was left out", "was not delivered"]
        ),
    ]

    @Test(arguments: table)
    func `a planted flaw is found`(_ row: Row) {
        var seen: [String] = []
        for seed in row.first..<row.first + row.seeds {
            let report: ClusterReport = ClusterWorld(
                seed: seed,
                members: seed % 2 == 0 ? 3 : 5,
                faults: Self.faults(for: row),
                flaws: row.flaw,
                worldFlaws: row.worldFlaw
            ).run(steps: 1_500)
            guard let violation = report.violation else { continue }
            if row.signs.contains(where: violation.contains) { return }
            seen.append(violation)
        }
        Issue.record("\(row.name): not found within \(row.seeds) seeds, but: \(seen)")
    }

    /// What gives the flaw a chance to show.
    private static func faults(for row: Row) -> ClusterFaults {
        var faults = ClusterFaults()
        switch row.flaw {
        case .forgetsVotes:
            faults.crashPerThousand = 20
            faults.partitionPerThousand = 15
        case .commitsOldTerms:
            // Leaders must change while old entries are on their way, one at a time.
            faults.isMixed = false
            faults.isForced = false
            faults.lossPercent = 5
            faults.delayTicks = 4
            faults.diskTicks = 3
            faults.appendBytes = 1
            faults.newLeaderMutePercent = 90
            faults.newLeaderCrashPercent = 0
            faults.crashPerThousand = 0
            faults.leaderCrashPerThousand = 0
            faults.blackoutPerTenThousand = 0
            faults.flushErrorPerThousand = 0
            faults.stallPerThousand = 0
            faults.pausePerThousand = 0
            faults.partitionPerThousand = 0
            faults.changePerThousand = 0
            faults.checkpointPerThousand = 0
        case .ignoresOutgoing:
            faults.isMixed = false
            faults.isForced = false
            faults.changePerThousand = 40
            faults.splitAtChangePercent = 60
        case .readsWithoutRound:
            // An old leader must not notice for a while that it leads no more.
            faults.isMixed = false
            faults.isForced = false
            faults.clockPerThousand = 60
            faults.pausePerThousand = 30
            faults.newLeaderMutePercent = 90
            faults.crashPerThousand = 0
            faults.leaderCrashPerThousand = 0
            faults.changePerThousand = 0
        default: break
        }
        return faults
    }
}
