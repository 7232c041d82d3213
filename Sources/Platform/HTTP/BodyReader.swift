internal import EventLoop
internal import Synchronization

/// Reads the body of one request from its connection, as far as somebody takes it.
///
/// `@unchecked Sendable`: `buffer` and `pieces` are touched by ``next()`` only, and `State.isReading` keeps a second call
/// out; the connection itself uses its buffer again when ``isAtRest`` says that nobody does.
final class BodyReader: @unchecked Sendable {
    private let stream: any ByteStream
    private let buffer: ReadBuffer
    private var pieces: BodyPieces
    /// For each piece.
    private let milliseconds: Int
    private let state = Mutex<State>(State())

    private struct State {
        var isReading: Bool = false
        var isComplete: Bool = false
        /// The answer has been sent: what is left of the body is nobody's any more.
        var isOver: Bool = false
    }

    init(_ stream: any ByteStream, _ buffer: ReadBuffer, _ pieces: BodyPieces, milliseconds: Int) {
        self.stream = stream
        self.buffer = buffer
        self.pieces = pieces
        self.milliseconds = milliseconds
    }

    /// All of the body was taken, or is in the hands of whoever takes it: what follows is another request.
    var isComplete: Bool { state.withLock { $0.isComplete } }

    /// Ends the reading; whether nobody is in the middle of it.
    func finish() -> Bool {
        state.withLock { state in
            state.isOver = true
            return !state.isReading
        }
    }

    func next() async throws -> [UInt8]? {
        try state.withLock { state in
            precondition(!state.isReading, "two tasks read one body")
            guard !state.isOver else { throw NetworkFault.closed }
            state.isReading = true
        }
        defer { state.withLock { $0.isReading = false } }
        while true {
            let step: BodyPieces.Step = try pieces.next(buffer)
            if pieces.isComplete { state.withLock { $0.isComplete = true } }
            switch step {
            case .piece(let piece): return piece
            case .end: return nil
            case .needsMore(let atMost):
                let deadline: Deadline = .after(milliseconds: milliseconds)
                if let atMost, buffer.isEmpty {
                    // What comes is the body and nothing else: it need not go through the buffer.
                    let piece: [UInt8] = try await stream.read(upTo: atMost, before: deadline)
                    guard !piece.isEmpty else { throw NetworkFault.closed }
                    pieces.took(piece.count)
                    if pieces.isComplete { state.withLock { $0.isComplete = true } }
                    return piece
                }
                guard try await stream.read(into: buffer, before: deadline) > 0 else { throw NetworkFault.closed }
            }
        }
    }
}
