import EventLoop
import Limits
import Synchronization
import WebSocket

/// Carries the bytes of a WebSocket between a client and the owner, both ways, until either ends.
///
/// Back-pressure: each direction holds one piece, and reads the next one when the other side has taken it; a slow
/// reader stops the sender through the sockets themselves. Frames pass as they are, pings and pongs too, so that each end
/// hears of the other's silence.
final class StreamPipe: Sendable {
    private let client: any ByteStream
    private let owner: any ByteStream
    private let state = Mutex(State())

    private struct State {
        var frames = FrameTracker()
        /// A piece was not written whole, as far as is known.
        var isTorn: Bool = false
    }

    private enum End: Sendable {
        case client
        case owner
        case cut(CloseReason)
    }

    init(client: any ByteStream, owner: any ByteStream) {
        self.client = client
        self.owner = owner
    }

    /// - Parameters:
    ///   - clientLeftover: what came from the client behind its request.
    ///   - ownerLeftover: what came from the owner behind its answer.
    ///   - lost: what the client is told when the owner ends without a word.
    ///   - watch: returns when the stream must be cut, with what the client is told; ends with an error when cancelled.
    func run(
        clientLeftover: [UInt8],
        ownerLeftover: [UInt8],
        lost: CloseReason,
        watch: @escaping @Sendable () async throws -> CloseReason
    ) async {
        let end: End = await withTaskGroup(of: End?.self) { group in
            group.addTask { [self] in
                try? await copy(clientLeftover, from: client) { [owner] piece in
                    try await owner.write(piece, before: .after(seconds: Limits.streamPauseSeconds))
                }
                return .client
            }
            group.addTask { [self] in
                try? await copy(ownerLeftover, from: owner) { try await self.toClient($0) }
                return .owner
            }
            group.addTask { (try? await watch()).map { .cut($0) } }
            var end: End?
            while end == nil, let next: End? = await group.next() { end = next }
            group.cancelAll()
            return end ?? .client
        }
        owner.close()
        switch end {
        case .client: break
        case .owner: await part(lost)
        case .cut(let reason): await part(reason)
        }
        client.close()
    }

    private func copy(
        _ leftover: [UInt8],
        from source: any ByteStream,
        to sink: (_ piece: [UInt8]) async throws -> Void
    ) async throws {
        var piece: [UInt8] = leftover
        while true {
            if !piece.isEmpty { try await sink(piece) }
            piece = try await source.read(upTo: Limits.forwardPieceBytes, before: .never)
            if piece.isEmpty { return }
        }
    }

    private func toClient(_ piece: [UInt8]) async throws {
        state.withLock { $0.isTorn = true }
        try await client.write(piece, before: .after(seconds: Limits.streamPauseSeconds))
        state.withLock { state in
            state.isTorn = false
            state.frames.pass(piece)
        }
    }

    /// Tells the client why, where a frame can be put, and lets it read that before the connection goes.
    private func part(_ reason: CloseReason) async {
        let (canTell, isTorn): (Bool, Bool) = state.withLock {
            ($0.frames.isBetweenFrames && !$0.frames.sawClose, $0.isTorn)
        }
        guard !isTorn else { return }
        let deadline: Deadline = .after(milliseconds: Limits.httpLingerMilliseconds)
        if canTell {
            let frame = Frame(.close, reason.payload)
            guard (try? await client.write(frame.encoded(mask: nil), before: deadline)) != nil else { return }
        }
        await client.finishWriting()
        while let rest: [UInt8] = try? await client.read(upTo: Limits.forwardPieceBytes, before: deadline),
            !rest.isEmpty
        {}
    }
}
