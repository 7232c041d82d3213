import RaftCore
import Testing

/// Member 1 as the leader of three in term 1, with its first entry on every disk.
enum Elected {
    static let group = GroupIdentity(cluster: 1, incarnation: 1)

    static func leader(learners: [MemberID] = [], settings: RaftSettings = RaftSettings()) -> RaftCore {
        var core = RaftCore(
            id: MemberID(1),
            group: group,
            ballot: Ballot(),
            log: EntryTail(base: .start),
            configuration: Configuration(voters: (1...3).map { MemberID($0) }, learners: learners),
            applied: 0,
            settings: settings,
            random: SeededRandom(seed: 1)
        )
        while core.role == .follower { _ = core.step(.tick) }
        _ = hear(&core, .preVoteReply(granted: true), from: 2, term: 1)
        _ = core.step(.ballotDurable(core.ballot))
        _ = hear(&core, .voteReply(granted: true), from: 2)
        _ = core.step(.logDurable(write: 1))
        for member in core.configuration.members where member != core.id {
            _ = hear(&core, .appendAccepted(match: 1), from: member.number)
        }
        return core
    }

    /// A message of the core's own term, or of another.
    static func hear(
        _ core: inout RaftCore,
        _ body: Message.Body,
        from member: UInt64,
        term: Term? = nil
    ) -> [Effect] {
        let message = Message(
            group: group,
            from: MemberID(member),
            to: core.id,
            term: term ?? core.term,
            body: body
        )
        return core.step(.received(message))
    }

    /// One tick at which these members answer.
    static func tick(_ core: inout RaftCore, answering members: [UInt64]) -> [Effect] {
        var effects: [Effect] = core.step(.tick)
        for member in members { effects += hear(&core, .heartbeatReply(round: 0), from: member) }
        return effects
    }

    static func propose(_ core: inout RaftCore, _ count: Int) -> [Effect] {
        core.step(.propose((0..<count).map { RaftCore.Proposal(id: UInt64($0), payload: [1]) }))
    }
}
