import Testing

@testable import RaftCore

/// What a member at rest says of its next ticks; that it is true is checked at every tick of the simulator.
struct QuietTests {
    private static let group = GroupIdentity(cluster: 1, incarnation: 1)

    private static func member(_ voters: ClosedRange<UInt64>) -> RaftCore {
        RaftCore(
            id: MemberID(1),
            group: group,
            ballot: Ballot(),
            log: EntryTail(base: .start),
            configuration: Configuration(voters: voters.map { MemberID($0) }),
            applied: 0,
            random: SeededRandom(seed: 1)
        )
    }

    /// What the disk is asked for is done at once.
    private static func settle(_ core: inout RaftCore, _ effects: [Effect]) -> [Effect] {
        var all: [Effect] = effects
        for effect in effects {
            switch effect {
            case .persist(let ballot): all += settle(&core, core.step(.ballotDurable(ballot)))
            case .append(_, let write): all += settle(&core, core.step(.logDurable(write: write)))
            default: break
            }
        }
        return all
    }

    private static func leader() -> RaftCore {
        var core: RaftCore = member(1...3)
        func hear(_ body: Message.Body) {
            let message = Message(group: group, from: MemberID(2), to: MemberID(1), term: core.term, body: body)
            _ = settle(&core, core.step(.received(message)))
        }
        while core.role == .follower { _ = settle(&core, core.step(.tick)) }
        let message = Message(
            group: group,
            from: MemberID(2),
            to: MemberID(1),
            term: 1,
            body: .preVoteReply(granted: true)
        )
        _ = settle(&core, core.step(.received(message)))
        hear(.voteReply(granted: true))
        hear(.appendAccepted(match: core.log.lastIndex))
        return core
    }

    @Test func `a leader at rest is quiet from one heartbeat to the next`() {
        var core: RaftCore = Self.leader()
        var quietBefore: [Int] = []
        for _ in 0..<12 {
            let quiet: Int = core.quietTicks
            let effects: [Effect] = core.step(.tick)
            #expect(quiet == 0 || effects.isEmpty)
            quietBefore.append(quiet)
        }
        // Three ticks that only count, then the one with the heartbeat.
        #expect(quietBefore == [3, 2, 1, 0, 3, 2, 1, 0, 3, 2, 1, 0])
    }

    @Test func `a leader with an entry on its way looks at every tick`() {
        var core: RaftCore = Self.leader()
        let effects: [Effect] = core.step(.propose([RaftCore.Proposal(id: 1, payload: [1])]))
        #expect(core.quietTicks == 0)
        // Nor when its own disk has it, and nobody else yet.
        _ = Self.settle(&core, effects)
        #expect(core.quietTicks == 0)
    }

    @Test func `a leader that others are about to leave looks at every tick`() {
        var core: RaftCore = Self.leader()
        var lastQuiet: [Int] = []
        while core.role == .leader {
            lastQuiet.append(core.quietTicks)
            _ = core.step(.tick)
        }
        #expect(lastQuiet.last == 0)
        #expect(lastQuiet.contains(3))
    }

    @Test(arguments: [
        // After which tick member 3 was last heard, and how quiet the leader is before the 25th and the next three: it looks at
        // the tick at which an election timeout without a word ends, whichever comes between.
        (0, [3, 2, 1, 0]), (1, [0, 2, 1, 0]), (2, [0, 0, 1, 0]), (3, [0, 0, 0, 0]),
    ])
    func `a leader looks at the tick at which a silent member counts no more`(heardAt: Int, quiet: [Int]) {
        var core: RaftCore = Elected.leader()
        var seen: [Int] = []
        for tick in 0..<28 {
            if tick == heardAt { _ = Elected.hear(&core, .heartbeatReply(round: 0), from: 3) }
            if tick >= 24 { seen.append(core.quietTicks) }
            _ = Elected.tick(&core, answering: [2])
        }
        #expect(seen == quiet)
    }

    @Test func `a follower is quiet no longer than its leader, and not at the end of its patience`() {
        var core: RaftCore = Self.member(1...3)
        var quiet: [Int] = []
        while core.role == .follower {
            quiet.append(core.quietTicks)
            _ = core.step(.tick)
        }
        #expect(quiet.allSatisfy { $0 <= core.settings.heartbeatTicks })
        #expect(quiet.suffix(5) == [4, 3, 2, 1, 0])
    }

    // MARK: Answers that can wait

    /// A leader whose two followers have everything, and were just heard.
    private static func restingLeader() -> RaftCore {
        var core: RaftCore = leader()
        for member: UInt64 in [2, 3] {
            _ = hear(&core, .appendAccepted(match: core.log.lastIndex), from: member)
        }
        return core
    }

    private static func hear(_ core: inout RaftCore, _ body: Message.Body, from member: UInt64) -> [Effect] {
        let message = Message(group: group, from: MemberID(member), to: MemberID(1), term: core.term, body: body)
        return core.step(.received(message))
    }

    @Test func `answers to heartbeats can wait while everybody has everything`() {
        var core: RaftCore = Self.restingLeader()
        #expect(core.restingTerm == core.term)
        for _ in 0..<50 {
            for effect in core.step(.tick) {
                guard case .send(let message) = effect, case .heartbeat(_, let round) = message.body else { continue }
                // All that an answer brings forth: nothing.
                let effects: [Effect] = Self.hear(&core, .heartbeatReply(round: round), from: message.to.number)
                #expect(effects.isEmpty)
            }
            #expect(core.restingTerm == core.term)
        }
    }

    @Test func `answers to heartbeats cannot wait while a read does`() {
        var core: RaftCore = Self.restingLeader()
        _ = core.step(.read(ids: [7]))
        #expect(core.restingTerm == nil)
        let answered: [Effect] = Self.hear(&core, .heartbeatReply(round: core.reads.round), from: 2)
        #expect(answered.contains { if case .readReady([7], _) = $0 { true } else { false } })
        #expect(core.restingTerm == core.term)
    }

    @Test func `answers to heartbeats cannot wait while an entry is on its way`() {
        var core: RaftCore = Self.restingLeader()
        let effects: [Effect] = core.step(.propose([RaftCore.Proposal(id: 1, payload: [1])]))
        #expect(core.restingTerm == nil)
        _ = Self.settle(&core, effects)
        _ = Self.hear(&core, .appendAccepted(match: core.log.lastIndex), from: 2)
        #expect(core.restingTerm == nil, "member 3 does not have it, and an answer would make the leader send it again")
        _ = Self.hear(&core, .appendAccepted(match: core.log.lastIndex), from: 3)
        #expect(core.restingTerm == core.term)
    }

    @Test func `answers to heartbeats cannot wait when somebody was silent, nor while leadership is handed over`() {
        var core: RaftCore = Self.restingLeader()
        for _ in 0..<2 * core.settings.heartbeatTicks { _ = core.step(.tick) }
        #expect(core.restingTerm == nil)

        core = Self.restingLeader()
        _ = core.step(.transferLeadership(to: MemberID(2)))
        #expect(core.restingTerm == nil)
    }

    @Test func `who does not lead has no answers that can wait`() {
        #expect(Self.member(1...3).restingTerm == nil)
    }

    @Test func `a lone voter does not wait`() {
        #expect(Self.member(1...1).quietTicks == 0)
    }
}
