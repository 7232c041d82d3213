import RaftCore
@testable import RaftGroup
import Testing

struct OutboxTests {
    private static let group = GroupIdentity(cluster: 1, incarnation: 2)

    private func message(_ body: Message.Body, to member: UInt64 = 2, term: Term = 3) -> Message {
        Message(group: Self.group, from: MemberID(1), to: MemberID(member), term: term, body: body)
    }

    private func append(_ previous: LogIndex, entries: Int = 0, commit: LogIndex) -> Message.Body {
        .append(
            AppendRequest(
                previous: LogPosition(index: previous, term: 3),
                entries: (0..<entries).map {
                    LogEntry(index: previous + 1 + LogIndex($0), term: 3, kind: .data, version: 1, payload: [])
                },
                commit: commit
            )
        )
    }

    private func sent(_ messages: [Message]) -> [Message] {
        var outbox = Outbox()
        for message in messages { outbox.add(message) }
        return outbox.take()
    }

    @Test func `what is committed is said once, with the entries that follow`() {
        let entries: Message = message(append(7, entries: 2, commit: 6))
        #expect(sent([message(append(7, commit: 5)), message(append(7, commit: 6)), entries]) == [entries])
        let acknowledged: Message = message(.appendAccepted(match: 9))
        #expect(sent([message(.appendAccepted(match: 8)), acknowledged]) == [acknowledged])
    }

    @Test func `nothing is left out that a later message does not say`() {
        let pairs: [(Message, Message)] = [
            // Entries, a smaller commit, an earlier place, another member, another term, another kind.
            (message(append(7, entries: 1, commit: 5)), message(append(8, commit: 6))),
            (message(append(7, commit: 6)), message(append(7, commit: 5))),
            (message(append(7, commit: 5)), message(append(6, entries: 1, commit: 6))),
            (message(append(7, commit: 5)), message(append(7, commit: 6), to: 3)),
            (message(append(7, commit: 5), term: 2), message(append(7, commit: 6))),
            (message(.appendAccepted(match: 9)), message(.appendAccepted(match: 8))),
            (message(.heartbeatReply(round: 1)), message(.heartbeatReply(round: 2))),
            (message(.appendAccepted(match: 9)), message(.voteReply(granted: true))),
        ]
        for (first, second) in pairs { #expect(sent([first, second]) == [first, second]) }
    }

    @Test func `messages leave in order, once`() {
        let all: [Message] = (0..<5).map { message(.heartbeatReply(round: $0), to: 2 + $0 % 2) }
        var outbox = Outbox()
        for message in all { outbox.add(message) }
        #expect(outbox.take() == all)
        #expect(outbox.take().isEmpty)
    }
}
