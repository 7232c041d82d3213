import RaftCore
import Testing

struct DiskStallTests {
    private static let group = GroupIdentity(cluster: 1, incarnation: 1)

    /// Member 1, leader of three, whose followers answer everything.
    private func leader() -> RaftCore {
        var core = RaftCore(
            id: MemberID(1),
            group: Self.group,
            ballot: Ballot(),
            log: EntryTail(base: .start),
            configuration: Configuration(voters: [MemberID(1), MemberID(2), MemberID(3)]),
            applied: 0,
            random: SeededRandom(seed: 1)
        )
        while core.role == .follower { _ = core.step(.tick) }
        _ = core.step(message(.preVoteReply(granted: true), term: 1))
        _ = core.step(.ballotDurable(core.ballot))
        _ = core.step(message(.voteReply(granted: true), term: 1))
        return core
    }

    private func message(_ body: Message.Body, term: Term) -> RaftCore.Input {
        .received(Message(group: Self.group, from: MemberID(2), to: MemberID(1), term: term, body: body))
    }

    @Test func `a leader whose disk hangs steps down and does not campaign until the disk answers`() {
        var core: RaftCore = leader()
        #expect(core.role == .leader)
        var ticks: Int = 0
        while core.role == .leader, ticks < 500 {
            ticks += 1
            _ = core.step(.tick)
            _ = core.step(message(.heartbeatReply(round: 0), term: 1))
        }
        #expect(ticks == RaftSettings().diskStallTicks)
        for _ in 0..<200 { _ = core.step(.tick) }
        #expect(core.role == .follower)
        _ = core.step(.logDurable(write: 1))
        for _ in 0..<200 where core.role == .follower { _ = core.step(.tick) }
        #expect(core.role == .preCandidate)
    }

    @Test func `a slow disk that does answer is no reason to step down`() {
        var core: RaftCore = leader()
        var write: UInt64 = 1
        for tick in 0..<500 {
            _ = core.step(.tick)
            _ = core.step(message(.heartbeatReply(round: 0), term: 1))
            guard tick % 60 == 59 else { continue }
            _ = core.step(.logDurable(write: write))
            for effect in core.step(.propose([RaftCore.Proposal(id: 1, payload: [])])) {
                if case .append(_, let number) = effect { write = number }
            }
        }
        #expect(core.role == .leader)
    }
}
