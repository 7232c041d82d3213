import RaftCore
import Testing

/// What a follower takes for true of what a leader says.
struct FollowerTests {
    private static func append(
        after previous: LogPosition,
        _ entries: [LogEntry] = [],
        commit: LogIndex = 0
    ) -> Message.Body {
        .append(AppendRequest(previous: previous, entries: entries, commit: commit, number: 1))
    }

    private static func entry(_ index: LogIndex, _ term: Term, _ kind: LogEntry.Kind = .data) -> LogEntry {
        LogEntry(index: index, term: term, kind: kind, payload: [1])
    }

    @Test(arguments: [
        // After 2/2, in term 3: a gap, a repeat, a term that falls, one that is later than the leader's, no configuration.
        [Self.entry(4, 3)], [Self.entry(2, 3)], [Self.entry(3, 1)], [Self.entry(3, 4)],
        [Self.entry(3, 3), Self.entry(5, 3)], [Self.entry(3, 3), Self.entry(4, 2)],
        [Self.entry(3, 3, .configuration)],
    ])
    func `entries that no leader would send are not looked at`(entries: [LogEntry]) {
        var core: RaftCore = Elected.member(log: Elected.entries([1, 2]))
        _ = Elected.hear(&core, .heartbeat(commit: .start, round: 0), from: 2, term: 3)
        _ = core.step(.ballotDurable(core.ballot))
        let effects: [Effect] = Elected.hear(
            &core,
            Self.append(after: LogPosition(index: 2, term: 2), entries),
            from: 2
        )
        #expect(effects.isEmpty)
        #expect(core.log.last == LogPosition(index: 2, term: 2))
    }

    @Test func `what an earlier leader wrote is not committed by a later one's word before it is compared`() {
        var core: RaftCore = Elected.member(log: Elected.entries([1]))
        let first = LogPosition(index: 1, term: 1)
        _ = Elected.hear(&core, Self.append(after: first, [Self.entry(2, 1), Self.entry(3, 1)]), from: 2)
        _ = Elected.hear(&core, Self.append(after: first, commit: 3), from: 3, term: 2)
        #expect(core.commit == 1)
    }

    @Test func `nor what a candidate had, when another one wins`() {
        var core: RaftCore = Elected.member(log: Elected.entries([1]))
        let first = LogPosition(index: 1, term: 1)
        _ = Elected.hear(&core, Self.append(after: first, [Self.entry(2, 1), Self.entry(3, 1)]), from: 2)
        _ = Elected.hear(&core, .campaignNow, from: 2)
        #expect(core.role == .candidate)
        _ = Elected.hear(&core, Self.append(after: first, commit: 3), from: 3)
        #expect(core.role == .follower && core.commit == 1)
    }

    @Test func `a word about less than is known takes nothing back`() {
        var core: RaftCore = Elected.member(log: Elected.entries([1, 1, 1]))
        let second = LogPosition(index: 2, term: 1)
        _ = Elected.hear(&core, Self.append(after: second, [Self.entry(3, 1)], commit: 2), from: 2)
        #expect(core.commit == 2)
        _ = Elected.hear(&core, .heartbeat(commit: LogPosition(index: 1, term: 1), round: 0), from: 2)
        #expect(core.commit == 2)
        // An old request, all of it committed.
        let old: [Effect] = Elected.hear(&core, Self.append(after: .start, [Self.entry(1, 1)]), from: 2)
        #expect(Elected.sent(old) == [.appendAccepted(match: 3)])
        let empty: [Effect] = Elected.hear(&core, Self.append(after: second, commit: 1), from: 2)
        #expect(Elected.sent(empty) == [.appendAccepted(match: 3)])
        #expect(core.commit == 2)
    }

    @Test func `what is committed already is no news`() {
        let core: RaftCore = Elected.member(log: Elected.entries([1, 1, 1]), applied: 2)
        for (index, isWanted) in [(LogIndex(1), false), (2, false), (3, true)] {
            #expect(core.wantsSnapshot(LogPosition(index: index, term: 1)) == isWanted)
        }
    }

    @Test func `what was compacted is known no more`() {
        let joint = Configuration(
            voters: [MemberID(1), MemberID(2)],
            outgoing: [MemberID(1), MemberID(2), MemberID(3)]
        )
        let change = LogEntry(index: 2, term: 1, kind: .configuration, version: 1, payload: joint.encoded)
        var core: RaftCore = Elected.member(
            log: [Self.entry(1, 1), change, Self.entry(3, 1)],
            applied: 3
        )
        #expect(core.configuration(at: 1) != joint && core.configuration(at: 2) == joint)
        _ = core.step(.compact(through: 3))
        #expect(core.log.firstIndex == 4)
        #expect(core.configuration(at: 3) == joint)
        #expect(core.configuration(at: 1) == joint, "the oldest that is known")
    }
}
