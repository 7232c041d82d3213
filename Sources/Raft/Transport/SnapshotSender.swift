internal import EventLoop
internal import Limits
internal import Metrics
internal import RaftCore
internal import RaftGroup
internal import RaftLog

/// Carries one snapshot to one member, over as many connections as it takes.
///
/// One chunk is under way at a time, so a slow receiver or network holds back the sender and nothing gathers in between.
final class SnapshotSender: Sendable {
    private enum Ending: Error {
        case refused(String)
        case unreadable(String)
    }

    private let snapshot: OutgoingSnapshot
    private let from: MemberID
    private let to: MemberID
    private let dialing: any PeerDialing
    private let loop: EventLoop
    private let tally: TransportTally

    init(
        _ snapshot: OutgoingSnapshot,
        from: MemberID,
        to: MemberID,
        dialing: any PeerDialing,
        loop: EventLoop,
        tally: TransportTally
    ) {
        self.snapshot = snapshot
        self.from = from
        self.to = to
        self.dialing = dialing
        self.loop = loop
        self.tally = tally
    }

    /// Returns when the member has it, refuses it, or nothing moves any more.
    func run() async -> SnapshotOutcome {
        var reached: UInt64?
        var movedAt: UInt64 = MonotonicClock.now
        var pause: Int = Limits.raftRedialMilliseconds
        while !Task.isCancelled {
            var reason: String = ""
            do {
                return try await transfer { offset in
                    // Only what was never there before is progress; else a connection that always breaks goes on for ever.
                    guard offset > reached ?? 0 || reached == nil else { return }
                    reached = offset
                    movedAt = MonotonicClock.now
                    pause = Limits.raftRedialMilliseconds
                }
            } catch Ending.refused(let words) {
                return .failed("the member refused it: \(words)")
            } catch {
                reason = "\(error)"
            }
            let still: UInt64 = (MonotonicClock.now - movedAt) / 1_000_000
            if still > UInt64(Limits.raftSnapshotStallMilliseconds) {
                return .failed("nothing moved for \(still / 1_000) seconds: \(reason)")
            }
            _ = try? await loop.sleep(milliseconds: pause)
            pause = min(2 * pause, Limits.raftRedialMaximumMilliseconds)
        }
        return .failed("this member stops, or the other one was removed")
    }

    private func transfer(_ moved: (UInt64) -> Void) async throws -> SnapshotOutcome {
        let (stream, leftover): (any ByteStream, [UInt8]) = try await dialing.dial(
            to,
            .snapshot,
            on: loop,
            before: .after(milliseconds: Limits.raftDialMilliseconds)
        )
        defer { stream.close() }
        var frames = WireFrameReader()
        frames.append(leftover)
        var reply: SnapshotFrame = try await ask(.offer(snapshot.about, from: from, to: to), stream, &frames)
        while true {
            switch reply {
            case .installed: return .installed
            case .refused(let words): throw Ending.refused(words)
            case .proceed(let offset):
                moved(offset)
                guard offset < snapshot.about.size else {
                    reply = try await ask(.end, stream, &frames)
                    if case .proceed = reply { throw Ending.unreadable("it asks for more than there is") }
                    continue
                }
                let chunk: [UInt8] = try await snapshot.read(offset, Limits.raftSnapshotChunkBytes)
                guard !chunk.isEmpty else { throw Ending.refused("the file ends at \(offset), before its size") }
                let start: UInt64 = MonotonicClock.now
                reply = try await ask(.chunk(offset: offset, chunk), stream, &frames)
                try await keepRate(chunk.count, since: start)
            case .offer, .chunk, .end: throw Ending.unreadable("it answered with a request")
            }
        }
    }

    /// Leaves room for others on the network.
    private func keepRate(_ bytes: Int, since start: UInt64) async throws {
        let wanted: UInt64 = UInt64(bytes) * 1_000_000_000 / UInt64(Limits.raftSnapshotBytesPerSecond)
        let taken: UInt64 = MonotonicClock.now - start
        // Less than a timer can tell is not waited for.
        if taken + 1_000_000 < wanted { try await loop.sleep(milliseconds: Int((wanted - taken) / 1_000_000)) }
    }

    private func ask(
        _ frame: SnapshotFrame,
        _ stream: any ByteStream,
        _ frames: inout WireFrameReader
    ) async throws -> SnapshotFrame {
        let patience: Int =
            frame == .end ? Limits.raftSnapshotInstallMilliseconds : Limits.raftSnapshotStallMilliseconds
        let deadline: Deadline = .after(milliseconds: patience)
        let sent: [UInt8] = WireFrame.encoded(frame.encoded)
        try await stream.write(sent, before: deadline)
        tally.sentBytes.add(UInt64(sent.count))
        while true {
            if let found = frames.next() {
                guard case .body(let body) = found else { throw Ending.unreadable(LaneLink.word(found)) }
                return try SnapshotFrame(decoding: body)
            }
            let bytes: [UInt8] = try await stream.read(upTo: 64 * 1024, before: deadline)
            guard !bytes.isEmpty else { throw Ending.unreadable("the connection ended") }
            tally.receivedBytes.add(UInt64(bytes.count))
            frames.append(bytes)
        }
    }
}
