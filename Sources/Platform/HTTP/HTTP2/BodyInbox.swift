internal import EventLoop

/// What has come of a body that is taken as it comes, until somebody takes it; the window of its stream bounds it.
struct BodyInbox {
    enum Piece: Sendable {
        case bytes([UInt8])
        case end
        /// More will come, or the stream is closed.
        case nothing
    }

    /// Raised when there is something, or the stream is closed.
    let arrival: Signal
    /// The stream has one of the larger windows.
    let isWide: Bool
    private var bytes: [UInt8]
    private var isWhole: Bool = false

    init(loop: EventLoop, isWide: Bool, begun: [UInt8]) {
        arrival = Signal(loop: loop)
        self.isWide = isWide
        bytes = begun
    }

    mutating func add(_ more: [UInt8]) {
        if bytes.isEmpty { bytes = more } else { bytes.append(contentsOf: more) }
        arrival.raise()
    }

    mutating func end() {
        isWhole = true
        arrival.raise()
    }

    mutating func take() -> Piece {
        guard !bytes.isEmpty else { return isWhole ? .end : .nothing }
        defer { bytes = [] }
        return .bytes(bytes)
    }
}
