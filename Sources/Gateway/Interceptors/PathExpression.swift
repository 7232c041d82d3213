import Limits

/// A set of byte values.
struct ByteSet: Hashable, Sendable {
    private var words = SIMD4<UInt64>()

    init(_ ranges: ClosedRange<UInt8>...) {
        for range in ranges { insert(range) }
    }

    static let all = ByteSet(0...255)

    func contains(_ byte: UInt8) -> Bool { words[Int(byte >> 6)] >> UInt64(byte & 63) & 1 == 1 }

    mutating func insert(_ range: ClosedRange<UInt8>) {
        for byte in range { words[Int(byte >> 6)] |= 1 << UInt64(byte & 63) }
    }

    mutating func formUnion(_ other: ByteSet) { words |= other.words }

    var inverted: ByteSet {
        var result: ByteSet = self
        result.words = ~words
        return result
    }
}

/// What a part of a path may look like: a tree of the regular expressions that path templates know.
///
/// Bytes, not characters: the classes are those of ASCII, and a character beyond it stands for its bytes.
indirect enum PathExpression: Hashable, Sendable {
    case empty
    case one(ByteSet)
    case sequence([PathExpression])
    case either([PathExpression])
    /// At least `low` times, at most `high` times; without end when nil.
    case repeated(PathExpression, low: Int, high: Int?)

    static func literal(_ text: some StringProtocol) -> PathExpression {
        .sequence(text.utf8.map { .one(ByteSet($0...$0)) })
    }
}

/// Why a template or its expression is refused; the text completes "paths[0]: …".
struct PathFault: Error, Hashable, Sendable {
    var reason: String
    init(_ reason: String) { self.reason = reason }
}
