import EventLoop
import JSON
import Logging
import Metrics
import RaftCore
import RaftGroup
import RaftLog
import RaftTransport
import Synchronization
import TestSupport
import Testing

/// Keeps what arrives.
final class Inbox: PeerReceiver {
    private let state = Mutex<(messages: [Message], gone: [MemberID])>(([], []))

    var messages: [Message] { state.withLock { $0.messages } }
    var gone: [MemberID] { state.withLock { $0.gone } }

    func receive(_ message: Message) { state.withLock { $0.messages.append(message) } }
    func peerGone(_ member: MemberID) { state.withLock { $0.gone.append(member) } }
    func offered(_ about: SnapshotAbout, from member: MemberID) async -> SnapshotReply { .refused("no") }
    func took(_ bytes: [UInt8], at offset: UInt64, transfer: UInt64) async -> SnapshotReply { .refused("no") }
    func completed(transfer: UInt64) async -> SnapshotReply { .refused("no") }
}

/// One end: a transport, its listener and what arrived.
final class End: Sendable {
    let id: MemberID
    let transport: RaftTransport
    let inbox = Inbox()
    let metrics = MetricsRegistry()
    let log = CapturingLogSink()
    private let network: Network
    private let loops: Loops
    private let door = Mutex<Door?>(nil)

    init(_ number: UInt64, _ network: Network, _ loops: Loops, group: GroupIdentity = Samples.group) {
        id = MemberID(number)
        self.network = network
        self.loops = loops
        transport = RaftTransport(
            group: group,
            id: id,
            dialing: Dialing(network: network, own: id),
            loops: loops,
            logger: Logger(label: "raft", level: .debug, sink: log),
            metrics: metrics
        )
    }

    func open(port: Int = 0) throws {
        let door = try Door(transport, loops: loops, port: port)
        self.door.withLock { $0 = door }
        network.listens(id, at: door.port)
    }

    func start(_ members: [UInt64]) throws {
        try open()
        transport.membersChanged(Configuration(voters: members.map { MemberID($0) }))
        transport.start(receiver: inbox)
    }

    func closeDoor() async {
        let door: Door? = self.door.withLock { door in
            defer { door = nil }
            return door
        }
        await door?.close()
    }

    func stop() async {
        transport.stop()
        await closeDoor()
    }

    func dropped(_ reason: String) -> Bool {
        metrics.render().split(separator: "\n").contains { line in
            line.hasPrefix("drover_raft_messages_dropped_total{reason=\"\(reason)\"}") && !line.hasSuffix(" 0")
        }
    }

    func say(_ round: UInt64, to member: UInt64, group: GroupIdentity = Samples.group, from: UInt64? = nil) {
        let message = Message(
            group: group,
            from: from.map { MemberID($0) } ?? id,
            to: MemberID(member),
            term: 1,
            body: .heartbeatReply(round: round)
        )
        transport.send(message, to: MemberID(member))
    }

    var rounds: [UInt64] {
        inbox.messages.compactMap { if case .heartbeatReply(let round) = $0.body { round } else { nil } }
    }
}

@Suite(.timeLimit(.minutes(2))) struct TransportTests {
    private func withEnds(_ body: (Network, Loops, End, End) async throws -> Void) async throws {
        let loops: Loops = try .start(count: 2)
        let network = Network()
        let one = End(1, network, loops)
        let two = End(2, network, loops)
        try await body(network, loops, one, two)
        await one.stop()
        await two.stop()
        await loops.stop()
    }

    @Test func `messages arrive in order on their lanes, both ways`() async throws {
        try await withEnds { _, _, one, two in
            // Who is spoken to first: what waits for a connection that is refused is dropped.
            try two.start([1, 2])
            try one.start([1, 2])
            // Half before there is a connection.
            for round in 1...500 { one.say(UInt64(round), to: 2) }
            #expect(await eventually { two.rounds.count == 500 })
            for round in 501...1_000 { one.say(UInt64(round), to: 2) }
            let large = LogEntry(index: 1, term: 1, kind: .data, payload: [UInt8](repeating: 7, count: 2 << 20))
            let request = AppendRequest(previous: .start, entries: [large], commit: 0)
            one.transport.send(
                Message(group: Samples.group, from: one.id, to: two.id, term: 1, body: .append(request)),
                to: two.id
            )
            two.say(7, to: 1)
            #expect(await eventually { two.inbox.messages.count == 1_001 && one.rounds == [7] })
            #expect(two.rounds == (1...1_000).map { UInt64($0) })
            #expect(two.inbox.messages.contains { $0.body == .append(request) })
            #expect(await eventually { one.transport.status().first?.isConnected == true })
            #expect(one.transport.status().first?.silentMilliseconds != nil)
        }
    }

    @Test func `a flipped bit drops its message alone, and is counted`() async throws {
        try await withEnds { network, _, one, two in
            // In the body of the first frame.
            network.state.withLock { $0.flips[.control] = (by: one.id, at: 20) }
            try two.start([1, 2])
            try one.start([1, 2])
            for round in 1...3 { one.say(UInt64(round), to: 2) }
            #expect(await eventually { two.rounds == [2, 3] })
            #expect(two.dropped("damaged"))
            #expect(two.log.records.contains { $0.message == "dropped what a member sent" })
        }
    }

    @Test func `another group, another incarnation and a false sender are dropped, counted and told`() async throws {
        try await withEnds { _, _, one, two in
            try two.start([1, 2])
            try one.start([1, 2])
            one.say(1, to: 2, group: GroupIdentity(cluster: 5, incarnation: Samples.group.incarnation))
            one.say(2, to: 2, group: GroupIdentity(cluster: Samples.group.cluster, incarnation: 5))
            one.say(3, to: 2, from: 3)
            one.say(4, to: 2)
            #expect(await eventually { two.rounds == [4] })
            #expect(two.dropped("foreign_group"))
            #expect(two.dropped("wrong_member"))
        }
    }

    @Test func `the end of a process is told, and its return is found`() async throws {
        try await withEnds { network, loops, one, two in
            // First the one that is dialled: nobody listening is what ends of processes are known by.
            try two.start([1, 2])
            try one.start([1, 2])
            one.say(1, to: 2)
            #expect(await eventually { two.rounds == [1] })
            #expect(one.inbox.gone.isEmpty)
            await two.stop()
            #expect(await eventually { one.inbox.gone.contains(two.id) })
            let again = End(2, network, loops)
            try again.start([1, 2])
            #expect(
                await eventually {
                    one.say(2, to: 2)
                    return again.rounds.contains(2)
                }
            )
            await again.stop()
        }
    }

    @Test func `a full queue lets the oldest go, and nobody is kept waiting`() async throws {
        try await withEnds { network, _, one, two in
            // Nothing is taken in, so nothing leaves.
            one.transport.membersChanged(Configuration(voters: [one.id, two.id]))
            for round in 1...3_000 { one.say(UInt64(round), to: 2) }
            try two.start([1, 2])
            one.transport.start(receiver: one.inbox)
            #expect(await eventually { two.rounds.last == 3_000 })
            #expect(two.rounds.count <= 1_024)
            #expect(one.dropped("queue"))
        }
    }

    @Test func `what a removed member holds open is cut`() async throws {
        try await withEnds { _, _, one, two in
            two.transport.onCall = { _, request in request }
            try two.start([1, 2])
            try one.start([1, 2])
            one.say(1, to: 2)
            #expect(await eventually { two.rounds == [1] })
            #expect(try await one.transport.call(two.id, [7], before: .after(seconds: 10)) == [7])
            two.transport.membersChanged(Configuration(voters: [two.id], removed: [one.id]))
            // It notices, comes again, and is not let in.
            #expect(await eventually { two.dropped("removed_member") })
            one.say(2, to: 2)
            await #expect(throws: CallFault.self) {
                _ = try await one.transport.call(two.id, [8], before: .after(milliseconds: 300))
            }
            #expect(two.rounds == [1])
        }
    }

    @Test func `a removed member is neither heard nor spoken to`() async throws {
        try await withEnds { _, _, one, two in
            try two.start([1, 2])
            try one.start([1, 2])
            two.transport.membersChanged(Configuration(voters: [two.id], removed: [one.id]))
            two.say(1, to: 1)
            #expect(await eventually { two.dropped("removed_member") || two.transport.status().isEmpty })
            #expect(two.transport.status().isEmpty)
        }
    }
}
