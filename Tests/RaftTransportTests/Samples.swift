import RaftCore
import RaftLog
import RaftTransport

/// One of everything that travels.
enum Samples {
    static let group = GroupIdentity(cluster: 0x1122_3344_5566_7788, incarnation: 0x99AA)
    static let one = MemberID(1)
    static let two = MemberID(300)

    static let configuration = Configuration(
        voters: [one, two],
        outgoing: [one],
        learners: [MemberID(4)],
        removed: [MemberID(9)]
    )

    static let entries: [LogEntry] = [
        LogEntry(index: 8, term: 5, kind: .noop),
        LogEntry(index: 9, term: 6, kind: .data, version: 3, payload: Array("hello".utf8)),
        LogEntry(index: 10, term: 6, kind: .configuration, payload: configuration.encoded),
    ]

    static let bodies: [(String, Message.Body)] = [
        ("pre-vote-request", .preVoteRequest(VoteRequest(last: LogPosition(index: 7, term: 5)))),
        ("pre-vote-reply", .preVoteReply(granted: true)),
        ("vote-request", .voteRequest(VoteRequest(last: LogPosition(index: 300, term: 5), isTransfer: true))),
        ("vote-reply", .voteReply(granted: false)),
        (
            "append",
            .append(
                AppendRequest(previous: LogPosition(index: 7, term: 5), entries: entries, commit: 6, number: 200)
            )
        ),
        ("append-accepted", .appendAccepted(match: 10)),
        (
            "append-rejected",
            .appendRejected(AppendRejection(previousIndex: 7, hint: LogPosition(index: 3, term: 2), number: 200))
        ),
        ("heartbeat", .heartbeat(commit: LogPosition(index: 6, term: 5), round: 77)),
        ("heartbeat-reply", .heartbeatReply(round: 77)),
        ("outdated", .outdated),
        ("campaign-now", .campaignNow),
        ("read-request", .readRequest(ids: [1, 2, 1_000])),
        ("read-reply", .readReply(ids: [1, 2, 1_000], index: 10)),
        ("read-refused", .readRefused(ids: [7])),
    ]

    static func message(_ body: Message.Body) -> Message {
        Message(group: group, from: one, to: two, term: 6, body: body)
    }

    static let asker = CallFrame.Asker(group: group, from: one, to: two)

    static let calls: [(String, CallFrame)] = [
        ("call-request", .request(number: 5, asker, Array("please".utf8))),
        ("call-response", .response(number: 5, Array("done".utf8))),
        ("call-refusal", .refusal(number: 6, .busy)),
        ("call-cancel", .cancel(number: 7)),
        ("call-ping", .ping(number: 8, asker)),
        ("call-pong", .pong(number: 8)),
    ]

    static let about = SnapshotAbout(
        group: group,
        position: LogPosition(index: 10, term: 6),
        configuration: configuration,
        size: 70_000,
        digest: (0..<32).map { UInt8($0) }
    )

    static let snapshots: [(String, SnapshotFrame)] = [
        ("snapshot-offer", .offer(about, from: one, to: two)),
        ("snapshot-chunk", .chunk(offset: 256, [1, 2, 3])),
        ("snapshot-end", .end),
        ("snapshot-proceed", .proceed(offset: 259)),
        ("snapshot-installed", .installed),
        ("snapshot-refused", .refused("no room")),
    ]
}
