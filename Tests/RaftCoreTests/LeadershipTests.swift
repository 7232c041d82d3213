import Testing

@testable import RaftCore

/// What a leader begins with, and what it makes of answers.
struct LeadershipTests {
    @Test func `a new leader counts what is not committed, and no more than that`() {
        let entries: [LogEntry] = Elected.entries([1, 1, 1])
        let own: Int = LogEntry(index: 4, term: 2, kind: .noop).cost
        var settings = RaftSettings()
        // Two entries and its own are on their way; with one byte more allowed there is room for another.
        settings.uncommittedBytes = 2 * entries[0].cost + own
        var full: RaftCore = Elected.member(log: entries, applied: 1, settings: settings)
        Elected.elect(&full)
        #expect(Elected.propose(&full, 1).contains(.rejected(ids: [0], .busy)))
        settings.uncommittedBytes += 1
        var free: RaftCore = Elected.member(log: entries, applied: 1, settings: settings)
        Elected.elect(&free)
        #expect(!Elected.propose(&free, 1).contains(.rejected(ids: [0], .busy)))
    }

    @Test func `one that leads for the second time begins anew`() {
        var settings = RaftSettings()
        settings.uncommittedBytes = 1_000
        var core: RaftCore = Elected.leader(settings: settings)
        _ = core.step(.propose([RaftCore.Proposal(id: 9, payload: [UInt8](repeating: 0, count: 600))]))
        _ = core.step(.read(ids: [1]))
        _ = core.step(.read(ids: [2]))
        _ = core.step(.transferLeadership(to: MemberID(2)))
        for _ in 0..<2 { _ = Elected.tick(&core, answering: []) }
        let down: [Effect] = Elected.hear(&core, .outdated, from: 2, term: 5)
        for read: UInt64 in [1, 2] { #expect(down.contains(.readRefused(ids: [read], leader: nil))) }
        Elected.elect(&core)
        #expect(core.role == .leader)
        // Neither the transfer nor the bytes of the first time are in the way.
        #expect(Elected.propose(&core, 1).contains { if case .accepted = $0 { true } else { false } })
        // Nobody is believed to have anything: two entries, the own one and the proposal.
        #expect(core.memberProgress.map(\.match) == [0, 0])
        #expect(core.memberProgress.map(\.silentTicks) == [0, 0])
        let beats: [Bool] = (0..<4).map { _ in !Elected.sent(core.step(.tick)).isEmpty }
        #expect(beats == [false, false, false, true])
        // And what was refused is not answered after all.
        let last: LogIndex = core.log.lastIndex
        var effects: [Effect] = core.step(.logDurable(write: core.lastWrite))
        for member: UInt64 in [2, 3] {
            effects += Elected.hear(&core, .appendAccepted(match: last), from: member)
            effects += Elected.hear(&core, .heartbeatReply(round: core.reads.round), from: member)
        }
        #expect(core.takesProposals)
        #expect(!effects.contains { if case .readReady = $0 { true } else { false } })
    }

    @Test func `a leader takes proposals in earnest when its own first entry is applied`() {
        var core: RaftCore = Elected.member()
        Elected.elect(&core)
        #expect(!core.takesProposals)
        for member: UInt64 in [2, 3] { _ = Elected.hear(&core, .appendAccepted(match: 1), from: member) }
        #expect(core.commit == 1 && !core.takesProposals, "its own disk does not have it")
        _ = core.step(.logDurable(write: 1))
        #expect(core.takesProposals)
        _ = Elected.hear(&core, .outdated, from: 2, term: 5)
        #expect(!core.takesProposals)
    }

    @Test func `with fewer voters more is committed at once`() {
        var core: RaftCore = Elected.leader()
        _ = core.step(.proposeConfiguration(voters: [MemberID(1)], learners: []))
        _ = Elected.propose(&core, 1)
        _ = core.step(.logDurable(write: 3))
        // The joint configuration stands at 2, the proposal at 3; the final one follows at 4.
        let effects: [Effect] = Elected.hear(&core, .appendAccepted(match: 2), from: 2)
        #expect(!core.configuration.isJoint && core.log.lastIndex == 4)
        #expect(core.commit == 3 && effects.contains(.commit(through: 3)))
    }

    @Test func `a leader that is removed leads until that is committed, says so, and goes`() {
        var core: RaftCore = Elected.leader()
        _ = core.step(.proposeConfiguration(voters: [MemberID(2), MemberID(3)], learners: []))
        _ = core.step(.logDurable(write: 2))
        for member: UInt64 in [2, 3] { _ = Elected.hear(&core, .appendAccepted(match: 2), from: member) }
        #expect(core.configuration.voters == [MemberID(2), MemberID(3)] && !core.configuration.isJoint)
        _ = Elected.hear(&core, .appendAccepted(match: 3), from: 2)
        #expect(core.role == .leader && core.commit == 2)
        let effects: [Effect] = Elected.hear(&core, .appendAccepted(match: 3), from: 3)
        #expect(effects.contains(.note(.leaderRemoved)))
        #expect(effects.contains(.note(.steppedDown(1, .removed))))
        #expect(core.role == .follower && core.commit == 3)
    }

    @Test(arguments: [(LogIndex(3), true), (2, false)])
    func `a learner becomes a voter that lacks no more than it may`(match: LogIndex, isTaken: Bool) {
        var settings = RaftSettings()
        settings.promotionLagEntries = 3
        var core: RaftCore = Elected.leader(learners: [MemberID(4)], settings: settings)
        _ = Elected.propose(&core, 5)
        _ = Elected.hear(&core, .appendAccepted(match: match), from: 4)
        let voters: [MemberID] = (1...4).map { MemberID($0) }
        let effects: [Effect] = core.step(.proposeConfiguration(voters: voters, learners: []))
        let refusal: Effect = .configurationRefused(.tooFarBehind(MemberID(4), entries: 4))
        #expect(effects.contains(refusal) == !isTaken)
        #expect(core.configuration.isJoint == isTaken)
    }

    @Test func `a change can follow the one before as soon as that is committed`() {
        var core: RaftCore = Elected.leader()
        let voters: [MemberID] = (1...3).map { MemberID($0) }
        _ = core.step(.proposeConfiguration(voters: voters, learners: [MemberID(4)]))
        let early: [Effect] = core.step(.proposeConfiguration(voters: voters, learners: []))
        #expect(early.contains(.configurationRefused(.changePending)))
        _ = core.step(.logDurable(write: 2))
        _ = Elected.hear(&core, .appendAccepted(match: 2), from: 2)
        _ = core.step(.proposeConfiguration(voters: voters, learners: []))
        #expect(core.configuration.learners.isEmpty && core.configuration.removed == [MemberID(4)])
    }

    @Test func `a sign of life finds out whether what was sent has arrived`() {
        var core: RaftCore = Elected.leader()
        _ = Elected.propose(&core, 1)
        let asked: [Message.Body] = Elected.sent(Elected.hear(&core, .heartbeatReply(round: 0), from: 2))
        guard case .append(let request)? = asked.first, asked.count == 1 else {
            Issue.record("not one request: \(asked)")
            return
        }
        #expect(request.previous == LogPosition(index: 2, term: 1) && request.entries.isEmpty)
    }

    @Test(arguments: [
        // What it has when it refuses the request with this number, asked about the entry it acknowledged as the third request
        // was the newest; whether its log is taken for lost.
        (LogIndex(1), UInt64(4), true), (2, 4, true), (3, 4, false), (1, 3, false),
    ])
    func `a log is lost when less is there than was acknowledged, by an answer to a later question`(
        has: LogIndex,
        number: UInt64,
        isLost: Bool
    ) throws {
        var core: RaftCore = Elected.member()
        Elected.elect(&core)
        _ = core.step(.logDurable(write: 1))
        _ = Elected.hear(&core, .appendAccepted(match: 1), from: 2)
        _ = Elected.propose(&core, 2)
        let first: UInt64 = core.appendNumber
        _ = Elected.hear(&core, .appendAccepted(match: 3), from: 2)
        let rejection = AppendRejection(
            previousIndex: 3,
            hint: LogPosition(index: has, term: 1),
            number: number == 3 ? first : core.appendNumber + 1
        )
        _ = Elected.hear(&core, .appendRejected(rejection), from: 2)
        let seen: MemberProgress = try #require(core.memberProgress.first)
        #expect(seen.id == MemberID(2) && seen.hasLostLog == isLost && seen.match == 3)
    }

    @Test(arguments: [(LogIndex(0), true), (1, false)])
    func `who mends is believed when it has less than is known, and only then`(has: LogIndex, isLoss: Bool) {
        var core: RaftCore = Elected.leader()
        let hint = LogPosition(index: has, term: has == 0 ? 0 : 1)
        let rejection = AppendRejection(previousIndex: 1, hint: hint, number: RaftCore.mendingNumber)
        let effects: [Effect] = Elected.hear(&core, .appendRejected(rejection), from: 2)
        #expect(effects.contains(.note(.memberMends(MemberID(2), acknowledged: 1, has: has))) == isLoss)
        #expect(core.memberProgress[0].match == (isLoss ? 0 : 1))
    }
}
