import Simulator
import Testing

/// One thing goes wrong in a cluster where all else works: how long nobody is served, and how often the leader changes.
@Suite(.ownThread) struct ClusterTrialTests {
    private static let timeout: Int = ClusterWorld.electionTicks

    private static func endure(_ trial: ClusterTrial, members: Int, ticks: Int = 600, seed: UInt64 = 3)
        -> ClusterEndurance
    {
        let world = ClusterWorld(seed: seed, members: members, faults: .none)
        let endurance: ClusterEndurance = world.endure(trial, for: ticks)
        #expect(endurance.report.violation == nil, "\(trial): \(endurance.report.summary)")
        return endurance
    }

    @Test(arguments: [3, 5])
    func `one way that is cut changes the leader once at most`(members: Int) {
        for from in 0..<members {
            for to in 0..<members where to != from {
                let endurance: ClusterEndurance = Self.endure(.wayCut(from, to), members: members)
                let told: Comment = "\(from + 1) -> \(to + 1) of \(members): \(endurance)"
                #expect(endurance.leaderChanges <= 1, told)
                #expect(endurance.longestSilence <= 5 * Self.timeout, told)
                #expect(endurance.leaderChangesAfter == 0, told)
            }
        }
    }

    @Test(arguments: [3, 5])
    func `one link that is cut changes the leader once at most, and writes go on`(members: Int) {
        for one in 0..<members {
            for other in (one + 1)..<members {
                let endurance: ClusterEndurance = Self.endure(.linkCut(one, other), members: members)
                let told: Comment = "\(one + 1) – \(other + 1) of \(members): \(endurance)"
                #expect(endurance.leaderChanges <= 1, told)
                #expect(endurance.longestSilence <= 5 * Self.timeout, told)
                #expect(endurance.acknowledged > 300, told)
            }
        }
    }

    @Test(arguments: [1, 2, 3, 4, 5, 6])
    func `in a chain of five a leader that sees a majority stays`(seed: UInt64) {
        let endurance: ClusterEndurance = Self.endure(.chain, members: 5, seed: seed)
        #expect(endurance.leaderChanges <= 1, "\(endurance)")
        #expect(endurance.longestSilence <= 5 * Self.timeout, "\(endurance)")
        #expect(endurance.acknowledged > 150, "\(endurance)")
    }

    @Test(arguments: [0, 1, 2])
    func `a member that was away for long comes back without an election, by a snapshot`(place: Int) {
        let endurance: ClusterEndurance = Self.endure(.away(place), members: 3, ticks: 3_000)
        #expect(endurance.leaderChanges <= 1, "\(endurance)")
        #expect(endurance.leaderChangesAfter == 0, "\(endurance)")
        #expect(endurance.snapshots == 1, "\(endurance)")
    }

    @Test(arguments: [1, 2, 3, 4])
    func `a leader that stands still is replaced, and tells nothing old when it goes on`(seed: UInt64) {
        let endurance: ClusterEndurance = Self.endure(.leaderPaused, members: 3, ticks: 400, seed: seed)
        #expect(endurance.leaderChanges == 1, "\(endurance)")
        #expect(endurance.longestSilence <= 6 * Self.timeout, "\(endurance)")
        #expect(endurance.leaderChangesAfter == 0, "\(endurance)")
    }

    @Test(arguments: [1, 2, 3, 4])
    func `a leader whose disk hangs is replaced`(seed: UInt64) {
        let endurance: ClusterEndurance = Self.endure(.leaderStalled, members: 3, ticks: 800, seed: seed)
        #expect(endurance.leaderChanges == 1, "\(endurance)")
        // It watches its own disk for 80 ticks before it gives up office.
        #expect(endurance.longestSilence <= 80 + 5 * Self.timeout, "\(endurance)")
    }

    @Test(arguments: [1, 2, 3, 4])
    func `a former leader can win again when there is nobody else`(seed: UInt64) {
        let endurance: ClusterEndurance = Self.endure(.formerLeader, members: 3, ticks: 400, seed: seed)
        #expect(endurance.longestSilence <= 2 * Self.timeout + 4 * Self.timeout, "\(endurance)")
        #expect(endurance.acknowledged > 150, "\(endurance)")
    }
}
