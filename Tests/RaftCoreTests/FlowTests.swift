import Testing

@testable import RaftCore

/// Windows, bounds, and what a new leader finds and finishes.
struct FlowTests {
    private static let group = GroupIdentity(cluster: 1, incarnation: 1)
    private static let three = Configuration(voters: [MemberID(1), MemberID(2), MemberID(3)])

    private func core(_ settings: RaftSettings = RaftSettings(), log: [LogEntry] = []) -> RaftCore {
        RaftCore(
            id: MemberID(1),
            group: Self.group,
            ballot: Ballot(term: log.last?.term ?? 0),
            log: EntryTail(base: .start, entries: log),
            configuration: Self.three,
            applied: 0,
            settings: settings,
            random: SeededRandom(seed: 1)
        )
    }

    private func from(_ sender: UInt64, _ body: Message.Body, term: Term) -> RaftCore.Input {
        .received(Message(group: Self.group, from: MemberID(sender), to: MemberID(1), term: term, body: body))
    }

    /// Lets it win with the vote of 2, and returns what it asked for.
    private func elect(_ core: inout RaftCore) -> [Effect] {
        while core.role == .follower { _ = core.step(.tick) }
        let term: Term = core.term + 1
        var effects: [Effect] = core.step(from(2, .preVoteReply(granted: true), term: term))
        effects += core.step(.ballotDurable(core.ballot))
        effects += core.step(from(2, .voteReply(granted: true), term: term))
        return effects
    }

    private func appends(_ effects: [Effect], to member: UInt64) -> [AppendRequest] {
        effects.compactMap { effect in
            guard case .send(let message) = effect, message.to == MemberID(member),
                case .append(let request) = message.body
            else { return nil }
            return request
        }
    }

    private func propose(_ core: inout RaftCore, _ count: Int, bytes: Int = 1) -> [Effect] {
        core.step(
            .propose(
                (0..<count).map { RaftCore.Proposal(id: UInt64($0), payload: [UInt8](repeating: 0, count: bytes)) }
            )
        )
    }

    @Test func `the window of a follower is bounded in messages, and opens with each acknowledgement`() {
        var settings = RaftSettings()
        settings.windowMessages = 3
        var core: RaftCore = core(settings)
        _ = elect(&core)
        _ = core.step(from(2, .appendAccepted(match: 1), term: 1))
        var sent: Int = 0
        for _ in 0..<10 { sent += appends(propose(&core, 1), to: 2).count(where: { !$0.entries.isEmpty }) }
        #expect(sent == 3)
        let more: [Effect] = core.step(from(2, .appendAccepted(match: 2), term: 1))
        #expect(appends(more, to: 2).contains { !$0.entries.isEmpty })
    }

    @Test func `it is bounded in bytes, too`() {
        var settings = RaftSettings()
        settings.windowBytes = 10_000
        settings.appendBytes = 4_000
        var core: RaftCore = core(settings)
        _ = elect(&core)
        _ = core.step(from(2, .appendAccepted(match: 1), term: 1))
        let sent: [AppendRequest] = appends(propose(&core, 50, bytes: 1_000), to: 2)
        let bytes: Int = sent.flatMap(\.entries).reduce(0) { $0 + $1.cost }
        #expect(bytes >= 10_000 && bytes <= 10_000 + 2 * 4_000, "\(bytes)")
    }

    @Test func `too many uncommitted bytes are refused as busy until some are committed`() {
        var settings = RaftSettings()
        settings.uncommittedBytes = 5_000
        var core: RaftCore = core(settings)
        _ = elect(&core)
        _ = propose(&core, 5, bytes: 1_000)
        let refused: [Effect] = propose(&core, 1)
        #expect(refused.contains(.rejected(ids: [0], .busy)))
        #expect(core.log.lastIndex == 6, "nothing of it is in the log")
        _ = core.step(from(2, .appendAccepted(match: 6), term: 1))
        _ = core.step(from(3, .appendAccepted(match: 6), term: 1))
        #expect(!propose(&core, 1).contains { if case .rejected = $0 { true } else { false } })
    }

    @Test func `the bound itself is too many already`() {
        var settings = RaftSettings()
        // The leader's own first entry and one command.
        let one: Int = LogEntry(index: 1, term: 1, kind: .data, payload: [1]).cost
        settings.uncommittedBytes = LogEntry(index: 1, term: 1, kind: .noop).cost + one
        var core: RaftCore = core(settings)
        _ = elect(&core)
        #expect(!propose(&core, 1).contains { if case .rejected = $0 { true } else { false } })
        #expect(propose(&core, 1).contains(.rejected(ids: [0], .busy)))
    }

    @Test func `a new leader begins where its log ends, with its own entry`() {
        let entries: [LogEntry] = (1...3).map { LogEntry(index: $0, term: 1, kind: .data) }
        var core: RaftCore = core(log: entries)
        let sent: [AppendRequest] = appends(elect(&core), to: 3)
        #expect(sent.map(\.previous) == [LogPosition(index: 3, term: 1)])
        #expect(sent.map { $0.entries.map(\.kind) } == [[.noop]])
    }

    @Test func `a new leader that finds a joint configuration finishes it`() {
        let joint = Configuration(
            voters: [MemberID(1), MemberID(2), MemberID(4)],
            outgoing: [MemberID(1), MemberID(2), MemberID(3)]
        )
        let entry = LogEntry(index: 1, term: 1, kind: .configuration, version: 1, payload: joint.encoded)
        var core: RaftCore = core(log: [entry])
        #expect(core.configuration == joint)
        _ = elect(&core)
        #expect(core.role == .leader)
        _ = core.step(.logDurable(write: 1))
        _ = core.step(from(2, .appendAccepted(match: 2), term: 2))
        #expect(!core.configuration.isJoint, "its own entry committed the joint one, and the final one follows")
        #expect(core.configuration.voters == [MemberID(1), MemberID(2), MemberID(4)])
        #expect(core.configuration.removed == [MemberID(3)])
    }

    @Test func `a joint configuration that was truncated never was`() {
        let joint = Configuration(
            voters: [MemberID(1), MemberID(2), MemberID(4)],
            outgoing: [MemberID(1), MemberID(2), MemberID(3)]
        )
        let entry = LogEntry(index: 1, term: 1, kind: .configuration, version: 1, payload: joint.encoded)
        var core: RaftCore = core(log: [entry])
        let request = AppendRequest(
            previous: .start,
            entries: [LogEntry(index: 1, term: 2, kind: .noop)],
            commit: 0,
            number: 1
        )
        let effects: [Effect] = core.step(from(3, .append(request), term: 2))
        #expect(core.configuration == Self.three)
        #expect(effects.contains(.configurationChanged(Self.three)))
    }

    /// A leader to which both followers have acknowledged its first entry.
    private func leader() -> RaftCore {
        var core: RaftCore = core()
        _ = elect(&core)
        _ = core.step(.logDurable(write: 1))
        for peer in UInt64(2)...3 { _ = core.step(from(peer, .appendAccepted(match: 1), term: 1)) }
        return core
    }

    /// One entry that the followers have at once, and the own disk after so many ticks; whether leadership was handed over.
    private func handsOver(_ core: inout RaftCore, ownTicks: Int, entries: Int) -> Bool {
        for _ in 0..<entries {
            let effects: [Effect] = propose(&core, 1)
            let write: UInt64 =
                effects.compactMap { if case .append(_, let write) = $0 { write } else { nil } }.last ?? 0
            for peer in UInt64(2)...3 { _ = core.step(from(peer, .appendAccepted(match: core.log.lastIndex), term: 1)) }
            for _ in 0..<ownTicks {
                for effect in core.step(.tick) {
                    if case .note(.diskSlow) = effect { return true }
                }
                for peer in UInt64(2)...3 { _ = core.step(from(peer, .heartbeatReply(round: 0), term: 1)) }
            }
            _ = core.step(.logDurable(write: write))
        }
        return false
    }

    @Test func `a leader that everybody waits for hands over, one that keeps up or is slow for a moment does not`() {
        var slow: RaftCore = leader()
        #expect(handsOver(&slow, ownTicks: 8, entries: 100))
        #expect(slow.transferTarget != nil)
        var quick: RaftCore = leader()
        #expect(!handsOver(&quick, ownTicks: 1, entries: 400))
        var once: RaftCore = leader()
        #expect(!handsOver(&once, ownTicks: 60, entries: 1))
        #expect(!handsOver(&once, ownTicks: 1, entries: 200))
        #expect(once.role == .leader)
    }
}
