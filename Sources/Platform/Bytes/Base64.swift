/// Base64 with the standard alphabet and padding (RFC 4648, section 4).
package enum Base64 {
    private static let alphabet: [UInt8] = Array(
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8
    )

    private static let values: [UInt8] = {
        var table = [UInt8](repeating: 0xFF, count: 256)
        for (value, character) in alphabet.enumerated() { table[Int(character)] = UInt8(value) }
        return table
    }()

    package static func encode(_ bytes: some Collection<UInt8>) -> String {
        var text: [UInt8] = []
        text.reserveCapacity((bytes.count + 2) / 3 * 4)
        var iterator = bytes.makeIterator()
        while let first = iterator.next() {
            let second: UInt8? = iterator.next()
            let third: UInt8? = second == nil ? nil : iterator.next()
            text.append(alphabet[Int(first >> 2)])
            text.append(alphabet[Int(first & 3) << 4 | Int((second ?? 0) >> 4)])
            text.append(
                second == nil ? UInt8(ascii: "=") : alphabet[Int((second ?? 0) & 15) << 2 | Int((third ?? 0) >> 6)]
            )
            text.append(third == nil ? UInt8(ascii: "=") : alphabet[Int((third ?? 0) & 63)])
        }
        return String(decoding: text, as: UTF8.self)
    }

    /// The bytes, or nil when `text` is not canonical base64 with its padding.
    package static func decode(_ text: String) -> [UInt8]? {
        var characters: ArraySlice<UInt8> = Array(text.utf8)[...]
        guard characters.count % 4 == 0 else { return nil }
        var padding: Int = 0
        while padding < 2, characters.last == UInt8(ascii: "=") {
            characters.removeLast()
            padding += 1
        }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(characters.count * 3 / 4)
        var buffer: UInt32 = 0
        var bits: Int = 0
        for character in characters {
            let value: UInt8 = values[Int(character)]
            guard value != 0xFF else { return nil }
            buffer = buffer << 6 | UInt32(value)
            bits += 6
            if bits >= 8 {
                bits -= 8
                bytes.append(UInt8(truncatingIfNeeded: buffer >> UInt32(bits)))
            }
        }
        // Bits that no byte uses must be zero, or one value would have several spellings.
        guard buffer & ((1 << UInt32(bits)) - 1) == 0 else { return nil }
        return bytes
    }
}
