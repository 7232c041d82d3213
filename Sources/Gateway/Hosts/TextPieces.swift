/// Makes texts of a stream of bytes whose pieces may end inside a character: what is incomplete waits for the rest.
struct TextPieces: Sendable {
    private var rest: [UInt8] = []

    /// The text of what is complete; bytes that are no UTF-8 become U+FFFD.
    mutating func text(_ bytes: [UInt8]) -> String {
        var all: [UInt8] = rest + bytes
        let kept: Int = Self.incompleteTail(all)
        rest = Array(all.suffix(kept))
        all.removeLast(kept)
        return String(decoding: all, as: UTF8.self)
    }

    /// How many bytes at the end begin a character that is not complete yet.
    private static func incompleteTail(_ bytes: [UInt8]) -> Int {
        for length in 1...3 where length <= bytes.count {
            let byte: UInt8 = bytes[bytes.count - length]
            if byte & 0b1100_0000 == 0b1000_0000 { continue }  // inside a character: its first byte lies further back
            let needed: Int = byte >= 0xF0 ? 4 : byte >= 0xE0 ? 3 : byte >= 0xC0 ? 2 : 1
            return needed > length ? length : 0
        }
        return 0
    }
}
