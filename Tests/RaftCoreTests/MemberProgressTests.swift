import RaftCore
import Testing

/// What a leader tells of the others.
struct MemberProgressTests {
    private static func seen(_ core: RaftCore, _ member: UInt64) throws -> MemberProgress {
        try #require(core.memberProgress.first { $0.id == MemberID(member) })
    }

    @Test func `who does not lead knows nothing of the others`() {
        var core: RaftCore = Elected.leader()
        #expect(core.memberProgress.map(\.id) == [MemberID(2), MemberID(3)])
        _ = Elected.hear(&core, .outdated, from: 2, term: 9)
        #expect(core.memberProgress.isEmpty)
    }

    @Test func `it tells what each has, and what each lacks`() throws {
        var core: RaftCore = Elected.leader(learners: [MemberID(4)])
        _ = Elected.propose(&core, 3)
        _ = Elected.hear(&core, .appendAccepted(match: 3), from: 2)
        _ = Elected.hear(&core, .appendAccepted(match: 4), from: 4)
        let told: [[UInt64]] = core.memberProgress.map { [$0.id.number, $0.match, $0.lag] }
        #expect(told == [[2, 3, 1], [3, 1, 3], [4, 4, 0]])
        #expect(core.memberProgress.map(\.isVoter) == [true, true, false])
    }

    @Test func `it tells whom it has not heard for one election timeout`() throws {
        var core: RaftCore = Elected.leader()
        for tick in 1...30 {
            _ = Elected.tick(&core, answering: [2])
            let silent: MemberProgress = try Self.seen(core, 3)
            #expect(silent.silentTicks == tick)
            #expect(silent.isActive == (tick < RaftSettings().electionTicks))
            let heard: MemberProgress = try Self.seen(core, 2)
            #expect(heard.silentTicks == 0 && heard.isActive)
        }
    }

    @Test(arguments: [
        Message.Body.appendAccepted(match: 1), .heartbeatReply(round: 0),
        .appendRejected(AppendRejection(previousIndex: 1, hint: LogPosition(index: 1, term: 1), number: 1)),
    ])
    func `whatever a member answers, it was heard`(answer: Message.Body) throws {
        var core: RaftCore = Elected.leader()
        for _ in 0..<5 { _ = Elected.tick(&core, answering: [2]) }
        _ = Elected.hear(&core, answer, from: 3)
        #expect(try Self.seen(core, 3).silentTicks == 0)
        #expect(try !Self.seen(core, 3).hasLostLog)
    }

    @Test func `it tells how it reaches each`() throws {
        var core: RaftCore = Elected.leader()
        _ = Elected.propose(&core, 3)
        _ = core.step(.logDurable(write: 2))
        _ = Elected.hear(&core, .appendAccepted(match: 4), from: 2)
        #expect(try Self.seen(core, 3).phase == .replicating)
        func reject(_ previous: LogIndex, _ hint: LogPosition) {
            let rejection = AppendRejection(previousIndex: previous, hint: hint, number: 1)
            _ = Elected.hear(&core, .appendRejected(rejection), from: 3)
        }
        reject(4, LogPosition(index: 2, term: 1))
        #expect(try Self.seen(core, 3).phase == .probing)
        _ = core.step(.compact(through: 3))
        reject(3, LogPosition(index: 2, term: 1))
        #expect(try Self.seen(core, 3).phase == .snapshot)
    }
}
