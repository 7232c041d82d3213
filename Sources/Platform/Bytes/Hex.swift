/// Lower-case hexadecimal.
package enum Hex {
    /// Two characters a byte.
    package static func encode(_ bytes: some Collection<UInt8>) -> String {
        let count: Int = bytes.count * 2
        return String(unsafeUninitializedCapacity: count) { text in
            var position: Int = 0
            for byte in bytes {
                text[position] = digit(byte >> 4)
                text[position + 1] = digit(byte & 15)
                position += 2
            }
            return position
        }
    }

    /// The 16 digits of a number.
    package static func encode(_ number: UInt64) -> String {
        String(unsafeUninitializedCapacity: 16) { text in
            write(number, to: text)
            return 16
        }
    }

    /// Appends the 16 digits of a number.
    package static func append(_ number: UInt64, to bytes: inout [UInt8]) {
        withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 16) { text in
            write(number, to: text)
            bytes.append(contentsOf: text)
        }
    }

    private static func write(_ number: UInt64, to text: UnsafeMutableBufferPointer<UInt8>) {
        for position in 0..<16 {
            text[position] = digit(UInt8(truncatingIfNeeded: number >> (60 - 4 * position)) & 15)
        }
    }

    /// The number that ``encode(_:)-(UInt64)`` has made this text of; nil for any other.
    package static func number(_ text: String) -> UInt64? {
        guard text.utf8.count == 16, text.utf8.allSatisfy({ value($0).map { digit($0) } == $0 }) else { return nil }
        return UInt64(text, radix: 16)
    }

    /// The bytes, or nil when `text` is not an even number of hexadecimal digits (either case).
    package static func decode(_ text: String) -> [UInt8]? {
        var bytes: [UInt8] = []
        var high: UInt8?
        for character in text.utf8 {
            guard let value = value(character) else { return nil }
            if let first = high {
                bytes.append(first << 4 | value)
                high = nil
            } else {
                high = value
            }
        }
        return high == nil ? bytes : nil
    }

    private static func digit(_ value: UInt8) -> UInt8 {
        value < 10 ? UInt8(ascii: "0") + value : UInt8(ascii: "a") + value - 10
    }

    private static func value(_ character: UInt8) -> UInt8? {
        switch character {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): character - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): character - UInt8(ascii: "a") + 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): character - UInt8(ascii: "A") + 10
        default: nil
        }
    }
}
