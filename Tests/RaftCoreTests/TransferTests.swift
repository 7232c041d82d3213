import RaftCore
import Testing

/// Handing over takes as long as it may, counted from its own beginning.
struct TransferTests {
    private static func isAbandoned(_ effects: [Effect]) -> Bool {
        effects.contains { if case .note(.transferAbandoned) = $0 { true } else { false } }
    }

    @Test(arguments: [0, 1, 20, 23, 24, 30])
    func `a hand-over that nobody takes is given up one election timeout after it began`(before: Int) {
        var core: RaftCore = Elected.leader()
        for _ in 0..<before { #expect(!Self.isAbandoned(Elected.tick(&core, answering: [2, 3]))) }
        _ = core.step(.transferLeadership(to: MemberID(2)))
        for tick in 1...RaftSettings().electionTicks {
            let isLast: Bool = tick == RaftSettings().electionTicks
            #expect(Self.isAbandoned(Elected.tick(&core, answering: [2, 3])) == isLast, "after \(tick) ticks")
        }
        #expect(core.role == .leader)
        let effects: [Effect] = Elected.propose(&core, 1)
        #expect(effects.contains { if case .accepted = $0 { true } else { false } })
    }

    @Test func `who has everything is told at once, and is sent nothing else`() {
        var core: RaftCore = Elected.leader()
        #expect(Elected.sent(core.step(.transferLeadership(to: MemberID(2)))) == [.campaignNow])
        // It says so again with each acknowledgement, in case the first word was lost.
        #expect(Elected.sent(Elected.hear(&core, .appendAccepted(match: 1), from: 2)) == [.campaignNow])
        #expect(Elected.sent(Elected.hear(&core, .appendAccepted(match: 1), from: 3)).isEmpty)
    }

    @Test func `who is told to campaign does so at once, and learns who led`() {
        var core: RaftCore = Elected.member(log: Elected.entries([1]))
        let effects: [Effect] = Elected.hear(&core, .campaignNow, from: 2)
        #expect(effects.contains(.note(.following(MemberID(2), 1))))
        #expect(core.role == .candidate && core.term == 2)
        #expect(core.step(.read(ids: [5])).contains(.readRefused(ids: [5], leader: nil)), "it follows nobody any more")
    }
}
