import RaftCore
import Testing

/// When a member asks for votes, and when it refuses to hear of it.
struct PatienceTests {
    private static let limit: Int = RaftSettings().electionTicks
    private static let word: Message.Body = .heartbeat(commit: .start, round: 0)

    private static func ticksToCampaign(_ core: inout RaftCore) -> Int {
        (1...200).first { _ in
            _ = core.step(.tick)
            return core.role != .follower
        } ?? .max
    }

    private static func answersPreVote(_ core: inout RaftCore) -> [Message.Body] {
        Elected.sent(Elected.hear(&core, .preVoteRequest(VoteRequest(last: .start)), from: 2, term: core.term + 1))
    }

    @Test func `voters protect a leader for one election timeout after its last word`() {
        // Patient enough not to campaign itself before that.
        for seed in UInt64(0)..<8 {
            var core: RaftCore = Elected.member(seed: seed)
            _ = Elected.hear(&core, Self.word, from: 3)
            // The last word counts, not the first.
            for _ in 0..<20 { _ = core.step(.tick) }
            _ = Elected.hear(&core, Self.word, from: 3)
            for tick in 1...Self.limit {
                _ = core.step(.tick)
                guard core.role == .follower else { break }
                let expected: [Message.Body] = tick < Self.limit ? [] : [.preVoteReply(granted: true)]
                #expect(Self.answersPreVote(&core) == expected, "after \(tick) ticks")
            }
        }
    }

    @Test func `a leader answers nobody who wants to be elected`() {
        var core: RaftCore = Elected.leader()
        for tick in 0..<60 {
            #expect(Self.answersPreVote(&core).isEmpty, "after \(tick) ticks")
            let request: Message.Body = .voteRequest(VoteRequest(last: LogPosition(index: 9, term: 1)))
            #expect(Elected.hear(&core, request, from: 2, term: 2).isEmpty)
            _ = Elected.tick(&core, answering: [2, 3])
        }
        #expect(core.role == .leader && core.term == 1)
    }

    @Test(arguments: [
        // The term of the request beside the member's, where the candidate's log ends, and the answer.
        (Term(2), LogPosition(index: 2, term: 1), false), (3, LogPosition(index: 2, term: 1), true),
        (3, LogPosition(index: 1, term: 1), false), (3, LogPosition(index: 3, term: 1), true),
        (3, LogPosition(index: 1, term: 2), true), (1, LogPosition(index: 9, term: 1), false),
    ])
    func `a vote is promised for a later term, to a log that ends no earlier`(
        term: Term,
        last: LogPosition,
        isGranted: Bool
    ) {
        var core: RaftCore = Elected.member(log: Elected.entries([1, 1]))
        _ = Elected.hear(&core, .outdated, from: 2, term: 2)
        _ = core.step(.ballotDurable(core.ballot))
        let answers: [Message.Body] = Elected.sent(
            Elected.hear(&core, .preVoteRequest(VoteRequest(last: last)), from: 2, term: term)
        )
        #expect(answers == [.preVoteReply(granted: isGranted)])
        #expect(core.ballot == Ballot(term: 2), "it only said what it would do")
    }

    @Test(arguments: UInt64(0)..<10)
    func `a leader that stepped down is patient again`(seed: UInt64) {
        var core: RaftCore = Elected.member(seed: seed)
        Elected.elect(&core)
        for _ in 0..<40 { _ = Elected.tick(&core, answering: [2]) }
        _ = Elected.hear(&core, .outdated, from: 2, term: 9)
        #expect(Self.ticksToCampaign(&core) >= Self.limit)
    }

    @Test(arguments: UInt64(0)..<10)
    func `who gave its vote waits for the winner`(seed: UInt64) {
        var core: RaftCore = Elected.member(seed: seed)
        _ = Elected.hear(&core, .outdated, from: 2, term: 2)
        for _ in 0..<20 { _ = core.step(.tick) }
        _ = Elected.hear(&core, .voteRequest(VoteRequest(last: .start)), from: 2)
        #expect(core.ballot == Ballot(term: 2, vote: MemberID(2)))
        #expect(Self.ticksToCampaign(&core) >= Self.limit)
    }

    @Test(arguments: UInt64(0)..<10)
    func `a candidate waits as long for its votes, however late the promises came`(seed: UInt64) {
        var core: RaftCore = Elected.member(seed: seed)
        _ = Elected.hear(&core, Self.word, from: 3)
        _ = Self.ticksToCampaign(&core)
        #expect(core.step(.read(ids: [4])).contains(.readRefused(ids: [4], leader: nil)))
        for _ in 0..<20 { _ = core.step(.tick) }
        _ = Elected.hear(&core, .preVoteReply(granted: true), from: 2, term: 1)
        _ = core.step(.ballotDurable(core.ballot))
        #expect(core.role == .candidate)
        let ticks: Int = (1...200).first { _ in !Elected.sent(core.step(.tick)).isEmpty } ?? .max
        #expect(ticks >= Self.limit)
    }

    @Test func `a candidate gives up when a majority refuses, not before`() {
        var core: RaftCore = Elected.member()
        _ = Self.ticksToCampaign(&core)
        _ = Elected.hear(&core, .preVoteReply(granted: false), from: 3, term: 0)
        #expect(core.role == .preCandidate)
        _ = Elected.hear(&core, .preVoteReply(granted: true), from: 2, term: 1)
        _ = core.step(.ballotDurable(core.ballot))
        _ = Elected.hear(&core, .voteReply(granted: false), from: 2)
        #expect(core.role == .candidate)
        _ = Elected.hear(&core, .voteReply(granted: false), from: 3)
        #expect(core.role == .follower && core.term == 1)
        _ = Elected.hear(&core, .voteReply(granted: true), from: 3)
        #expect(core.role == .follower, "it is over")
    }

    @Test func `a lone voter waits for nobody`() {
        var core = RaftCore(
            id: MemberID(1),
            group: Elected.group,
            ballot: Ballot(),
            log: EntryTail(base: .start),
            configuration: Configuration(voters: [MemberID(1)]),
            applied: 0,
            random: SeededRandom(seed: 1)
        )
        _ = core.step(.tick)
        #expect(core.role == .candidate)
        for _ in 0..<5 { _ = core.step(.tick) }
        #expect(core.term == 1, "its disk is at it")
        _ = core.step(.ballotDurable(core.ballot))
        #expect(core.role == .leader && !core.takesProposals)
        _ = core.step(.logDurable(write: 1))
        #expect(core.takesProposals)
        #expect(core.step(.read(ids: [3])).contains(.readReady(ids: [3], index: 1)))
    }

    @Test(arguments: [(LogIndex(0), true), (1, false)])
    func `who is removed campaigns until that is committed`(applied: LogIndex, campaigns: Bool) {
        let others = Configuration(voters: [MemberID(2), MemberID(3)], removed: [MemberID(1)])
        let entry = LogEntry(index: 1, term: 1, kind: .configuration, version: 1, payload: others.encoded)
        var core: RaftCore = Elected.member(log: [entry], applied: applied)
        #expect((Self.ticksToCampaign(&core) < .max) == campaigns)
    }
}
