/// Why bytes could not be decoded.
///
/// Decoders of stored or received bytes throw this and nothing else; they never trap, whatever the
/// bytes are.
package enum DecodingFault: Error, Equatable, Sendable, CustomStringConvertible {
    /// The input ended `needed` bytes too early, at `offset`.
    case truncated(offset: Int, needed: Int)
    /// The bytes at `offset` cannot be what the format wants there.
    case malformed(offset: Int, expected: String)
    /// A version or kind that this build does not know.
    case unknown(what: String, value: UInt64)
    /// `count` bytes were left after the last field.
    case trailing(count: Int)

    package var description: String {
        switch self {
        case .truncated(let offset, let needed): "input ends at byte \(offset), \(needed) more needed"
        case .malformed(let offset, let expected): "byte \(offset): expected \(expected)"
        case .unknown(let what, let value): "unknown \(what) \(value)"
        case .trailing(let count): "\(count) bytes after the end"
        }
    }
}

/// Reads back what ``ByteWriter`` wrote, from bytes that nobody vouches for.
package struct ByteReader: Sendable {
    private let bytes: ArraySlice<UInt8>
    private var position: Int

    package init(_ bytes: ArraySlice<UInt8>) {
        self.bytes = bytes
        position = bytes.startIndex
    }

    package init(_ bytes: [UInt8]) {
        self.init(bytes[...])
    }

    /// How many bytes were read.
    package var offset: Int { position - bytes.startIndex }
    /// How many bytes are left.
    package var remaining: Int { bytes.endIndex - position }

    package mutating func u8() throws(DecodingFault) -> UInt8 {
        try require(1)
        defer { position += 1 }
        return bytes[position]
    }

    package mutating func u16() throws(DecodingFault) -> UInt16 {
        try fixed()
    }

    package mutating func u32() throws(DecodingFault) -> UInt32 {
        try fixed()
    }

    package mutating func u64() throws(DecodingFault) -> UInt64 {
        try fixed()
    }

    package mutating func i64() throws(DecodingFault) -> Int64 {
        Int64(bitPattern: try u64())
    }

    package mutating func varint() throws(DecodingFault) -> UInt64 {
        var value: UInt64 = 0
        var shift: UInt64 = 0
        let start: Int = offset
        while true {
            let byte: UInt8 = try u8()
            guard shift < 63 || (shift == 63 && byte <= 1) else {
                throw .malformed(offset: start, expected: "a varint of at most 64 bits")
            }
            // A last group of zero adds nothing: with it, one number would have several spellings and hashes.
            guard byte != 0 || shift == 0 else {
                throw .malformed(offset: start, expected: "a varint in its shortest form")
            }
            value |= UInt64(byte & 0x7F) << shift
            if byte < 0x80 { return value }
            shift += 7
        }
    }

    /// A number of things of which each takes at least `minimumBytes`: so it cannot promise more than there is.
    package mutating func count(minimumBytes: Int = 1) throws(DecodingFault) -> Int {
        let start: Int = offset
        let value: UInt64 = try varint()
        guard value <= UInt64(remaining / max(1, minimumBytes)) else {
            throw .malformed(offset: start, expected: "a count that fits the input")
        }
        return Int(value)
    }

    package mutating func bool() throws(DecodingFault) -> Bool {
        let start: Int = offset
        switch try u8() {
        case 0: return false
        case 1: return true
        default: throw .malformed(offset: start, expected: "0 or 1")
        }
    }

    package mutating func byteString() throws(DecodingFault) -> ArraySlice<UInt8> {
        try raw(try count())
    }

    package mutating func string() throws(DecodingFault) -> String {
        let start: Int = offset
        let slice: ArraySlice<UInt8> = try byteString()
        guard let text = String(validating: slice, as: UTF8.self) else {
            throw .malformed(offset: start, expected: "UTF-8")
        }
        return text
    }

    /// The next `count` bytes, as a slice that shares their storage.
    package mutating func raw(_ count: Int) throws(DecodingFault) -> ArraySlice<UInt8> {
        try require(count)
        defer { position += count }
        return bytes[position..<position + count]
    }

    /// Throws unless everything was read.
    package func end() throws(DecodingFault) {
        guard remaining == 0 else { throw .trailing(count: remaining) }
    }

    private func require(_ count: Int) throws(DecodingFault) {
        precondition(count >= 0, "a count is never negative: \(count)")
        guard remaining >= count else { throw .truncated(offset: offset, needed: count - remaining) }
    }

    private mutating func fixed<T: FixedWidthInteger>() throws(DecodingFault) -> T {
        let slice: ArraySlice<UInt8> = try raw(MemoryLayout<T>.size)
        var value: T = 0
        for byte in slice.reversed() { value = value << 8 | T(byte) }
        return value
    }
}
