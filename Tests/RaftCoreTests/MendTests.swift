import Testing

@testable import RaftCore

/// A member that lost a part of its log takes it anew and has no vote until it has all of it (T21, T22).
struct MendTests {
    private static let group = GroupIdentity(cluster: 1, incarnation: 1)

    private static func entries(_ range: ClosedRange<LogIndex>, term: Term = 1) -> [LogEntry] {
        range.map { LogEntry(index: $0, term: term, kind: .data, payload: [1]) }
    }

    /// Member 1 of three; it has `kept` entries of term 1, and had ten.
    private func member(kept: LogIndex, mending: LogIndex? = 10) -> RaftCore {
        RaftCore(
            id: MemberID(1),
            group: Self.group,
            ballot: Ballot(term: 1),
            log: EntryTail(base: .start, entries: kept == 0 ? [] : Self.entries(1...kept)),
            configuration: Configuration(voters: [MemberID(1), MemberID(2), MemberID(3)]),
            applied: 0,
            mending: mending,
            random: SeededRandom(seed: 1)
        )
    }

    private func from(_ sender: UInt64, _ body: Message.Body, term: Term = 1) -> RaftCore.Input {
        .received(Message(group: Self.group, from: MemberID(sender), to: MemberID(1), term: term, body: body))
    }

    private func sent(_ effects: [Effect]) -> [Message.Body] {
        effects.compactMap { if case .send(let message) = $0 { message.body } else { nil } }
    }

    private func append(_ range: ClosedRange<LogIndex>, after term: Term = 1, commit: LogIndex) -> Message.Body {
        .append(
            AppendRequest(
                previous: LogPosition(index: range.lowerBound - 1, term: range.lowerBound == 1 ? 0 : term),
                entries: Self.entries(range),
                commit: commit,
                number: 5
            )
        )
    }

    @Test func `it neither campaigns nor votes`() {
        var core: RaftCore = member(kept: 3)
        for _ in 0..<200 { _ = core.step(.tick) }
        #expect(core.role == .follower && core.term == 1)
        let last = LogPosition(index: 20, term: 1)
        let preVote: [Effect] = core.step(from(2, .preVoteRequest(VoteRequest(last: last)), term: 2))
        #expect(sent(preVote) == [.preVoteReply(granted: false)])
        var effects: [Effect] = core.step(from(2, .voteRequest(VoteRequest(last: last)), term: 2))
        effects += core.step(.ballotDurable(core.ballot))
        #expect(sent(effects) == [.voteReply(granted: false)])
        #expect(core.ballot == Ballot(term: 2), "the term is adopted, the vote is not given")
    }

    @Test func `it says that it lost what the leader knows it had, takes it, and votes again when all is on its disk`()
    {
        var core: RaftCore = member(kept: 3)
        let rejected: [Effect] = core.step(from(2, append(11...11, commit: 10)))
        #expect(
            sent(rejected) == [
                .appendRejected(
                    AppendRejection(
                        previousIndex: 10,
                        hint: LogPosition(index: 3, term: 1),
                        number: RaftCore.mendingNumber
                    )
                )
            ]
        )
        _ = core.step(from(2, append(4...9, commit: 10)))
        #expect(sent(core.step(.logDurable(write: 1))) == [.appendAccepted(match: 9)])
        #expect(core.mending == 10, "one is missing still")
        _ = core.step(from(2, append(10...10, commit: 10)))
        #expect(core.mending == 10, "it is not on the disk")
        let effects: [Effect] = core.step(.logDurable(write: 2))
        #expect(effects.contains(.note(.mended(through: 10))))
        #expect(core.mending == nil)
        for _ in 0..<200 where core.role == .follower { _ = core.step(.tick) }
        #expect(core.role == .preCandidate)
    }

    @Test func `an idle leader learns of the loss by the answer to a heartbeat`() {
        var core: RaftCore = member(kept: 3)
        let lost: [Effect] = core.step(from(2, .heartbeat(commit: LogPosition(index: 10, term: 1), round: 4)))
        let rejection = AppendRejection(
            previousIndex: 10,
            hint: LogPosition(index: 3, term: 1),
            number: RaftCore.mendingNumber
        )
        #expect(sent(lost) == [.heartbeatReply(round: 4), .appendRejected(rejection)])
        let known: [Effect] = core.step(from(2, .heartbeat(commit: LogPosition(index: 3, term: 1), round: 5)))
        #expect(sent(known) == [.heartbeatReply(round: 5)])
        var whole: RaftCore = member(kept: 3, mending: nil)
        let silent: [Effect] = whole.step(from(2, .heartbeat(commit: LogPosition(index: 10, term: 1), round: 4)))
        #expect(sent(silent) == [.heartbeatReply(round: 4)])
    }

    @Test func `what the leader has committed beyond what is readable is waited for, too`() {
        var core: RaftCore = member(kept: 3, mending: 5)
        _ = core.step(from(2, append(4...5, commit: 8)))
        _ = core.step(.logDurable(write: 1))
        #expect(core.mending == 8)
        _ = core.step(from(2, append(6...8, commit: 8)))
        _ = core.step(.logDurable(write: 2))
        #expect(core.mending == nil)
    }

    @Test func `a snapshot beyond it mends it at once`() {
        var core: RaftCore = member(kept: 0)
        _ = core.step(from(2, append(11...11, commit: 12)))
        let configuration = Configuration(voters: [MemberID(1), MemberID(2), MemberID(3)])
        let effects: [Effect] = core.step(.snapshotInstalled(LogPosition(index: 12, term: 1), configuration))
        #expect(effects.contains(.note(.mended(through: 12))))
        #expect(core.mending == nil)
    }

    /// Member 1 leads three; 2 has acknowledged everything.
    private func leader() -> RaftCore {
        var core = RaftCore(
            id: MemberID(1),
            group: Self.group,
            ballot: Ballot(term: 1),
            log: EntryTail(base: .start, entries: Self.entries(1...10)),
            configuration: Configuration(voters: [MemberID(1), MemberID(2), MemberID(3)]),
            applied: 0,
            random: SeededRandom(seed: 1)
        )
        while core.role == .follower { _ = core.step(.tick) }
        _ = core.step(from(2, .preVoteReply(granted: true), term: 2))
        _ = core.step(.ballotDurable(core.ballot))
        _ = core.step(from(2, .voteReply(granted: true), term: 2))
        _ = core.step(.logDurable(write: 1))
        _ = core.step(from(2, .appendAccepted(match: 11), term: 2))
        return core
    }

    @Test func `a leader that is told of the loss counts nothing of it and sends it again`() throws {
        var core: RaftCore = leader()
        #expect(core.role == .leader && core.commit == 11)
        let rejection = AppendRejection(
            previousIndex: 11,
            hint: LogPosition(index: 3, term: 1),
            number: RaftCore.mendingNumber
        )
        let effects: [Effect] = core.step(from(2, .appendRejected(rejection), term: 2))
        #expect(effects.contains(.note(.memberMends(MemberID(2), acknowledged: 11, has: 3))))
        let seen: MemberProgress = try #require(core.memberProgress.first { $0.id == MemberID(2) })
        #expect(seen.match == 0 && !seen.hasLostLog)
        guard case .append(let request)? = sent(effects).last else {
            Issue.record("nothing was sent: \(effects)")
            return
        }
        #expect(request.previous == LogPosition(index: 3, term: 1))
        // What it had acknowledged does not commit anything new; what it acknowledges now does.
        _ = core.step(.propose([RaftCore.Proposal(id: 1, payload: [])]))
        _ = core.step(.logDurable(write: 2))
        #expect(core.commit == 11)
        _ = core.step(from(2, .appendAccepted(match: 12), term: 2))
        #expect(core.commit == 12)
    }

    @Test func `one that does not say so is still not believed`() throws {
        var core: RaftCore = leader()
        let rejection = AppendRejection(previousIndex: 11, hint: LogPosition(index: 3, term: 1), number: 99)
        let effects: [Effect] = core.step(from(2, .appendRejected(rejection), term: 2))
        #expect(effects.contains(.note(.memberLostLog(MemberID(2), acknowledged: 11, has: 3))))
    }
}
