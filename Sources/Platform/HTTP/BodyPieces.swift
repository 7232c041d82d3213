internal import EventLoop

/// Takes the body of a request out of a connection's bytes, piece by piece.
///
/// Pure.
struct BodyPieces {
    enum Step {
        case piece([UInt8])
        case end
        /// `atMost`: so many bytes that come next are the body's; nil where the bytes themselves will tell.
        case needsMore(atMost: Int?)
    }

    /// The bytes of the whole body, where they were announced.
    let length: Int?
    private var begun: [UInt8]
    /// Of a body with a length.
    private var left: Int
    private var chunks: ChunkDecoder
    private(set) var isComplete: Bool = false

    /// - Parameters:
    ///   - begun: what was taken out already.
    ///   - chunks: has taken it; for a body in chunks.
    init(_ framing: BodyFraming, begun: [UInt8], _ chunks: ChunkDecoder) {
        if case .length(let length) = framing { self.length = length } else { length = nil }
        left = (length ?? 0) - begun.count
        self.begun = begun
        self.chunks = chunks
    }

    mutating func next(_ buffer: ReadBuffer) throws(HTTPRefusal) -> Step {
        if !begun.isEmpty {
            defer { begun = [] }
            isComplete = length != nil && left == 0
            return .piece(begun)
        }
        if isComplete { return .end }
        guard !buffer.isEmpty else { return .needsMore(atMost: length == nil ? nil : left) }
        guard length == nil else {
            let piece: [UInt8] = buffer.take(upTo: left)
            left -= piece.count
            isComplete = left == 0
            return .piece(piece)
        }
        var piece: [UInt8] = []
        isComplete = try chunks.decode(buffer, into: &piece)
        if !piece.isEmpty { return .piece(piece) }
        return isComplete ? .end : .needsMore(atMost: nil)
    }

    /// So many bytes of a body with a length were taken elsewhere.
    mutating func took(_ count: Int) {
        left -= count
        isComplete = left == 0
    }
}
