import RaftCore
import Testing

/// How long a member waits that knows its leader to be gone, or that lets another one go first.
struct HasteTests {
    private static let settings = RaftSettings()

    private static func member(seed: UInt64) -> RaftCore { Elected.member(seed: seed) }

    private static let word: Message.Body = .heartbeat(commit: .start, round: 0)

    /// A member that was told ten ticks after the last word of its leader that this one is gone.
    private static func hasty(seed: UInt64) -> RaftCore {
        var core: RaftCore = member(seed: seed)
        _ = Elected.hear(&core, word, from: 3)
        for _ in 0..<10 { _ = core.step(.tick) }
        _ = core.step(.peerGone(MemberID(3)))
        return core
    }

    /// Lets it agree to a campaign of member 2.
    private static func agree(_ core: inout RaftCore) {
        let effects: [Effect] = Elected.hear(
            &core,
            .preVoteRequest(VoteRequest(last: .start)),
            from: 2,
            term: core.term + 1
        )
        #expect(effects.contains { isGranted($0) })
    }

    private static func isGranted(_ effect: Effect) -> Bool {
        guard case .send(let message) = effect else { return false }
        return message.body == .preVoteReply(granted: true)
    }

    private static func ticksToCampaign(_ core: inout RaftCore) -> Int {
        for tick in 1...200 {
            _ = core.step(.tick)
            if core.role != .follower { return tick }
        }
        return .max
    }

    @Test(arguments: UInt64(0)..<20)
    func `who knows of the end campaigns within the spread, however often it is told`(seed: UInt64) {
        var core: RaftCore = Self.hasty(seed: seed)
        var ticks: Int = 0
        while core.role == .follower, ticks < 100 {
            ticks += 1
            _ = core.step(.peerGone(MemberID(3)))
            _ = core.step(.tick)
        }
        #expect(ticks <= Self.settings.goneTicks)
    }

    @Test(arguments: UInt64(0)..<20)
    func `who agreed to another one's campaign gives it time for one answer, not more for each question`(
        seed: UInt64
    ) {
        var core: RaftCore = Self.hasty(seed: seed)
        for _ in 0..<3 { Self.agree(&core) }
        let ticks: Int = Self.ticksToCampaign(&core)
        #expect(ticks > Self.settings.goneTicks && ticks <= 2 * Self.settings.goneTicks)
    }

    @Test(arguments: UInt64(0)..<20)
    func `who is in no haste does not get into any by agreeing`(seed: UInt64) {
        var core: RaftCore = Self.member(seed: seed)
        Self.agree(&core)
        #expect(Self.ticksToCampaign(&core) >= Self.settings.electionTicks)
    }

    @Test(arguments: UInt64(0)..<20)
    func `a wrong report is forgotten with the next word of the leader`(seed: UInt64) {
        var core: RaftCore = Self.hasty(seed: seed)
        _ = Elected.hear(&core, Self.word, from: 3)
        #expect(Self.ticksToCampaign(&core) >= Self.settings.electionTicks)
        // Nor is it in haste afterwards.
        let asked: Int = (1...200).first { _ in !Elected.sent(core.step(.tick)).isEmpty } ?? .max
        #expect(asked >= Self.settings.electionTicks)
    }

    @Test(arguments: UInt64(0)..<20)
    func `how long a leader may be silent does not hang on how often it spoke`(seed: UInt64) {
        var once: RaftCore = Self.member(seed: seed)
        var often: RaftCore = once
        _ = Elected.hear(&once, Self.word, from: 3)
        for _ in 0..<5 { _ = Elected.hear(&often, Self.word, from: 3) }
        let ticks: Int = Self.ticksToCampaign(&once)
        #expect(Self.ticksToCampaign(&often) == ticks)
    }
}
