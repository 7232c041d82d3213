import RaftCore
import Testing

/// Member 1 as the leader of three in term 1, with its first entry on every disk.
enum Elected {
    static let group = GroupIdentity(cluster: 1, incarnation: 1)

    /// Member 1 of three in the term of its last entry; the log is on its disk.
    static func member(
        log: [LogEntry] = [],
        applied: LogIndex = 0,
        learners: [MemberID] = [],
        settings: RaftSettings = RaftSettings(),
        seed: UInt64 = 1
    ) -> RaftCore {
        RaftCore(
            id: MemberID(1),
            group: group,
            ballot: Ballot(term: log.last?.term ?? 0),
            log: EntryTail(base: .start, entries: log),
            configuration: Configuration(voters: (1...3).map { MemberID($0) }, learners: learners),
            applied: applied,
            settings: settings,
            random: SeededRandom(seed: seed)
        )
    }

    /// Lets it win with the vote of 2, and returns what it asked for since then.
    @discardableResult static func elect(_ core: inout RaftCore) -> [Effect] {
        while core.role == .follower { _ = core.step(.tick) }
        _ = hear(&core, .preVoteReply(granted: true), from: 2, term: core.term + 1)
        _ = core.step(.ballotDurable(core.ballot))
        return hear(&core, .voteReply(granted: true), from: 2)
    }

    static func leader(learners: [MemberID] = [], settings: RaftSettings = RaftSettings()) -> RaftCore {
        var core: RaftCore = member(learners: learners, settings: settings)
        elect(&core)
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

    static func entries(_ terms: [Term]) -> [LogEntry] {
        terms.enumerated().map { LogEntry(index: LogIndex($0.offset) + 1, term: $0.element, kind: .data, payload: [1]) }
    }

    static func sent(_ effects: [Effect]) -> [Message.Body] {
        effects.compactMap { if case .send(let message) = $0 { message.body } else { nil } }
    }

    static func propose(_ core: inout RaftCore, _ count: Int) -> [Effect] {
        core.step(.propose((0..<count).map { RaftCore.Proposal(id: UInt64($0), payload: [1]) }))
    }
}
