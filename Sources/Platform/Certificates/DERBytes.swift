/// The few forms of ASN.1 that certificate extensions need (ITU-T X.690, DER).
enum DERBytes {
    static func sequence(_ parts: [[UInt8]]) -> [UInt8] {
        element(0x30, parts.flatMap { $0 })
    }

    static func boolean(_ value: Bool) -> [UInt8] {
        element(0x01, [value ? 0xFF : 0x00])
    }

    /// A number below 128.
    static func small(_ value: UInt8) -> [UInt8] {
        element(0x02, [value])
    }

    static func octets(_ bytes: [UInt8]) -> [UInt8] {
        element(0x04, bytes)
    }

    /// Named bits, bit 0 first; trailing zeros are left out, as DER wants it.
    static func bits(_ set: Set<Int>) -> [UInt8] {
        guard let highest = set.max() else { return element(0x03, [0]) }
        var bytes = [UInt8](repeating: 0, count: highest / 8 + 1)
        for bit in set { bytes[bit / 8] |= 0x80 >> UInt8(bit % 8) }
        return element(0x03, [UInt8(7 - highest % 8)] + bytes)
    }

    /// An object identifier, its content bytes given.
    static func identifier(_ content: [UInt8]) -> [UInt8] {
        element(0x06, content)
    }

    /// A primitive of the context-specific class: `[tag] IMPLICIT`.
    static func tagged(_ tag: UInt8, _ content: [UInt8]) -> [UInt8] {
        element(0x80 | tag, content)
    }

    private static func element(_ tag: UInt8, _ content: [UInt8]) -> [UInt8] {
        var length: [UInt8] = []
        if content.count < 0x80 {
            length = [UInt8(content.count)]
        } else {
            var rest: Int = content.count
            while rest > 0 {
                length.insert(UInt8(rest & 0xFF), at: 0)
                rest >>= 8
            }
            length.insert(0x80 | UInt8(length.count), at: 0)
        }
        return [tag] + length + content
    }
}
