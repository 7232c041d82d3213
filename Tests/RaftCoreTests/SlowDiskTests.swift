import Testing

@testable import RaftCore

/// A leader that everybody waits for hands over, and one that is slow for a moment does not.
struct SlowDiskTests {
    private static let group = GroupIdentity(cluster: 1, incarnation: 1)

    /// Member 1, leader of three voters and a learner, with clients that write at every tick.
    private struct Busy {
        var core: RaftCore
        /// Writes that its disk is at, each with the tick at which it ends.
        private var writes: [(number: UInt64, done: Int)] = []
        private var tick: Int = 0
        /// How far behind the log each of the others is.
        var lag: [UInt64: LogIndex] = [2: 0, 3: 0, 4: 0]

        init() {
            core = RaftCore(
                id: MemberID(1),
                group: SlowDiskTests.group,
                ballot: Ballot(),
                log: EntryTail(base: .start),
                configuration: Configuration(voters: (1...3).map { MemberID($0) }, learners: [MemberID(4)]),
                applied: 0,
                random: SeededRandom(seed: 1)
            )
            while core.role == .follower { _ = core.step(.tick) }
            _ = answer(2, .preVoteReply(granted: true))
            _ = core.step(.ballotDurable(core.ballot))
            note(answer(2, .voteReply(granted: true)), diskTicks: 0)
        }

        private mutating func answer(_ member: UInt64, _ body: Message.Body) -> [Effect] {
            core.step(.received(Message(group: group, from: MemberID(member), to: MemberID(1), term: 1, body: body)))
        }

        private mutating func note(_ effects: [Effect], diskTicks: Int) {
            for effect in effects {
                if case .append(_, let write) = effect { writes.append((write, tick + diskTicks)) }
            }
        }

        /// - Returns: whom it hands over to, when it does.
        mutating func turn(writes count: Int = 1, diskTicks: Int) -> MemberID? {
            tick += 1
            while let first = writes.first, first.done < tick {
                _ = core.step(.logDurable(write: first.number))
                writes.removeFirst()
            }
            var effects: [Effect] = core.step(.tick)
            for number in 0..<count {
                effects += core.step(.propose([RaftCore.Proposal(id: UInt64(number), payload: [1])]))
            }
            note(effects, diskTicks: diskTicks)
            for (member, behind) in lag.sorted(by: { $0.key < $1.key }) {
                _ = answer(member, .heartbeatReply(round: 0))
                let last: LogIndex = core.log.lastIndex
                _ = answer(member, .appendAccepted(match: last > behind ? last - behind : 0))
            }
            for case .note(.diskSlow(let heir)) in effects { return heir }
            return nil
        }

        private var group: GroupIdentity { SlowDiskTests.group }
    }

    @Test func `it hands over to the voter that has most once it was waited for long enough`() {
        var busy = Busy()
        busy.lag = [2: 2, 3: 1, 4: 0]
        let limit: Int = RaftSettings().slowDiskTicks
        var ticks: Int = 0
        var heir: MemberID?
        while heir == nil, ticks < 3 * limit {
            ticks += 1
            heir = busy.turn(diskTicks: 6)
        }
        #expect(heir == MemberID(3), "the learner has more, and cannot lead")
        #expect(ticks >= limit && ticks <= limit + 10, "\(ticks) ticks")
    }

    @Test func `a disk that is as fast as those of the others is no reason`() {
        var busy = Busy()
        #expect((0..<1_000).allSatisfy { _ in busy.turn(diskTicks: 1) == nil })
        #expect(busy.core.role == .leader)
    }

    @Test func `one that is slow now and then is none either`() {
        var busy = Busy()
        let limit: Int = RaftSettings().slowDiskTicks
        for turn in 0..<(12 * limit) {
            // For half as long as it may, then twice as long not.
            let isSlow: Bool = turn % (3 * limit / 2) < limit / 2
            #expect(busy.turn(diskTicks: isSlow ? 6 : 0) == nil, "turn \(turn)")
        }
        #expect(busy.core.role == .leader)
    }

    @Test func `when nobody writes nobody waits`() {
        var busy = Busy()
        let limit: Int = RaftSettings().slowDiskTicks
        for _ in 0..<(limit - 20) { _ = busy.turn(diskTicks: 6) }
        #expect((0..<(4 * limit)).allSatisfy { _ in busy.turn(writes: 0, diskTicks: 6) == nil })
        // And what was counted before is forgotten by then.
        #expect((0..<(limit / 2)).allSatisfy { _ in busy.turn(diskTicks: 6) == nil })
    }

    @Test func `a disk that is quicker than those of the others is no reason, however slow it is`() {
        var busy = Busy()
        busy.lag = [2: 20, 3: 20, 4: 20]
        #expect((0..<1_000).allSatisfy { _ in busy.turn(diskTicks: 6) == nil })
        #expect(busy.core.role == .leader)
    }

    @Test func `of two that have as much the first is handed to, and when it does not come it begins to count anew`() {
        var busy = Busy()
        var turns: [Int] = []
        for turn in 1...1_000 {
            guard let heir = busy.turn(diskTicks: 6) else { continue }
            #expect(heir == MemberID(2))
            turns.append(turn)
        }
        let limit: Int = RaftSettings().slowDiskTicks
        let pauses: [Int] = zip(turns.dropFirst(), turns).map { $0 - $1 }
        #expect(turns.count > 2 && pauses.allSatisfy { $0 >= limit }, "\(turns)")
    }

    @Test func `how long it was quick before does not put it off`() {
        var busy = Busy()
        for _ in 0..<500 { #expect(busy.turn(diskTicks: 0) == nil) }
        let limit: Int = RaftSettings().slowDiskTicks
        let ticks: Int = (1...1_000).first { _ in busy.turn(diskTicks: 6) != nil } ?? .max
        #expect(ticks >= limit && ticks <= limit + 10, "\(ticks) ticks")
    }

    @Test func `a quick moment makes up for a slow one of the same length, not for more`() {
        var busy = Busy()
        let limit: Int = RaftSettings().slowDiskTicks
        for _ in 0..<(limit - 20) { #expect(busy.turn(diskTicks: 6) == nil) }
        for _ in 0..<20 { #expect(busy.turn(diskTicks: 0) == nil) }
        let ticks: Int = (1...1_000).first { _ in busy.turn(diskTicks: 6) != nil } ?? .max
        #expect(ticks >= 30 && ticks <= 60, "\(ticks) ticks")
    }
}
