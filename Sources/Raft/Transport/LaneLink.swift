internal import Bytes
internal import EventLoop
internal import Limits
internal import Metrics
internal import RaftCore
internal import Synchronization

/// One lane to one member, from this side: dialed again and again while the member belongs to the group.
final class LaneLink: Sendable {
    /// What the owner of a link wants to hear; called on the link's loop.
    struct Events: Sendable {
        /// A frame came back on the connection.
        var answered: @Sendable (CallFrame) -> Void = { _ in }
        /// About to be handed to the system: from now on it may arrive.
        var leaving: @Sendable ([LaneQueue.Item]) -> Void = { _ in }
        /// A connection broke, or could not be made: these will never be sent.
        var dropped: @Sendable ([LaneQueue.Item], CallCause) -> Void = { _, _ in }
        /// The connection is gone: whatever left on it may or may not have arrived.
        var broke: @Sendable () -> Void = {}
        /// Nobody listens at the member's address.
        var gone: @Sendable () -> Void = {}
    }

    private struct State {
        var stream: (any ByteStream)?
        var sleeper: Task<Void, Never>?
        var isUnreachable: Bool = false
    }

    let member: MemberID
    let lane: Lane
    let queue = LaneQueue()
    private let loop: EventLoop
    private let dialing: any PeerDialing
    private let tally: TransportTally
    private let events: Events
    private let state = Mutex(State())

    init(
        _ member: MemberID,
        _ lane: Lane,
        loop: EventLoop,
        dialing: any PeerDialing,
        tally: TransportTally,
        events: Events
    ) {
        self.member = member
        self.lane = lane
        self.loop = loop
        self.dialing = dialing
        self.tally = tally
        self.events = events
    }

    var isConnected: Bool { state.withLock { $0.stream != nil } }
    /// The last attempt to connect failed, and the next one waits.
    var isUnreachable: Bool { state.withLock { $0.isUnreachable } }

    /// The member is known to be there: dial now if this waits.
    func nudge() { state.withLock { $0.sleeper }?.cancel() }

    /// Ends the connection, so that a new one is made.
    func reconnect() { state.withLock { $0.stream }?.close() }

    /// Connects and writes what is queued, until the task is cancelled.
    func run() async {
        var failures: Int = 0
        while !Task.isCancelled {
            do {
                let (stream, leftover): (any ByteStream, [UInt8]) = try await dialing.dial(
                    member,
                    lane,
                    on: loop,
                    before: .after(milliseconds: Limits.raftDialMilliseconds)
                )
                tally.connected(member, lane)
                let start: UInt64 = MonotonicClock.now
                set(stream)
                await serve(stream, leftover)
                set(nil)
                stream.close()
                let lived: UInt64 = (MonotonicClock.now - start) / 1_000_000
                // What breaks as soon as it is made is no better than what is never made.
                failures = lived > UInt64(Limits.raftRedialMaximumMilliseconds) ? 0 : failures + 1
                events.dropped(queue.clear(), .connectionLost)
                events.broke()
            } catch {
                failures += 1
                let reason: String = "\(error)"
                state.withLock { $0.isUnreachable = true }
                events.dropped(queue.clear(), .unreachable(reason))
                tally.unreachable(member, lane, reason, attempt: failures)
                if error as? PeerUnreachable == .refused { events.gone() }
            }
            if failures > 0 { await rest(failures) }
            state.withLock { $0.isUnreachable = false }
        }
        events.dropped(queue.clear(), .stopped)
    }

    private func set(_ stream: (any ByteStream)?) { state.withLock { $0.stream = stream } }

    /// Waits before the next attempt, unless somebody says that the member is there.
    private func rest(_ failures: Int) async {
        let longest: Int = Limits.raftRedialMaximumMilliseconds
        let pause: Int = min(longest, Limits.raftRedialMilliseconds << min(failures - 1, 10))
        // So that members that lost each other at once do not all dial at once.
        let jittered: Int = pause * Int.random(in: 75...125) / 100
        let loop: EventLoop = loop
        let sleeper = Task(executorPreference: loop) { _ = try? await loop.sleep(milliseconds: jittered) }
        state.withLock { $0.sleeper = sleeper }
        await withTaskCancellationHandler {
            await sleeper.value
        } onCancel: {
            sleeper.cancel()
        }
        state.withLock { $0.sleeper = nil }
    }

    /// Until either direction ends.
    private func serve(_ stream: any ByteStream, _ leftover: [UInt8]) async {
        await withTaskGroup(of: Void.self) { tasks in
            tasks.addTask(executorPreference: loop) { await self.read(stream, leftover) }
            tasks.addTask(executorPreference: loop) { await self.write(stream) }
            await tasks.next()
            stream.close()
            tasks.cancelAll()
        }
    }

    private func write(_ stream: any ByteStream) async {
        while true {
            let items: [LaneQueue.Item] = await queue.take()
            guard !items.isEmpty else { return }
            var writer = ByteWriter(reservingCapacity: items.reduce(0) { $0 + $1.cost + WireFrame.headBytes })
            for item in items {
                guard item.cost < Limits.raftFrameBytes - 4_096 else {
                    tally.dropped(.tooLarge, member, "\(item.cost) bytes")
                    continue
                }
                WireFrame.append(to: &writer) { item.write(to: &$0) }
            }
            events.leaving(items)
            do {
                try await stream.write(writer.bytes, before: .after(milliseconds: Limits.raftWriteMilliseconds))
            } catch {
                return
            }
            tally.sentBytes.add(UInt64(writer.bytes.count))
            if lane != .calls { tally.sent.add(UInt64(items.count)) }
        }
    }

    /// Answers of the lane of calls; on the others nothing is said, and reading notices the end at once.
    private func read(_ stream: any ByteStream, _ leftover: [UInt8]) async {
        var frames = WireFrameReader()
        let buffer = ReadBuffer()
        frames.append(leftover)
        while true {
            while let found = frames.next() {
                guard lane == .calls, case .body(let body) = found, let frame = try? CallFrame(decoding: body) else {
                    return tally.dropped(.unreadable, member, "lane \(lane): \(Self.word(found))")
                }
                events.answered(frame)
            }
            guard let count = try? await stream.read(into: buffer, before: .never), count > 0 else { return }
            tally.receivedBytes.add(UInt64(count))
            frames.append(buffer.take())
        }
    }

    static func word(_ found: WireFrameReader.Found) -> String {
        switch found {
        case .body: "not a frame of this lane"
        case .damagedBody: "a body with a wrong checksum"
        case .damagedHead: "a head with a wrong checksum"
        case .tooLong(let bytes): "a frame of \(bytes) bytes"
        }
    }
}
