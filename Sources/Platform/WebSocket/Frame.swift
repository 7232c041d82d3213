/// One frame (RFC 6455, section 5.2), its payload unmasked.
package struct Frame: Equatable, Sendable {
    package enum Opcode: UInt8, Sendable {
        case continuation = 0
        case text = 1
        case binary = 2
        case close = 8
        case ping = 9
        case pong = 10

        var isControl: Bool { rawValue >= 8 }
    }

    package var isFinal: Bool
    package var opcode: Opcode
    package var payload: [UInt8]

    package init(_ opcode: Opcode, _ payload: [UInt8], isFinal: Bool = true) {
        self.isFinal = isFinal
        self.opcode = opcode
        self.payload = payload
    }

    /// The frame as bytes; a client gives a random `mask`, a server none.
    package func encoded(mask: UInt32?) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(payload.count + 14)
        bytes.append((isFinal ? 0x80 : 0) | opcode.rawValue)
        let masked: UInt8 = mask == nil ? 0 : 0x80
        switch payload.count {
        case 0..<126: bytes.append(masked | UInt8(payload.count))
        case 126..<65_536:
            bytes.append(masked | 126)
            Self.append(UInt64(payload.count), bytes: 2, to: &bytes)
        default:
            bytes.append(masked | 127)
            Self.append(UInt64(payload.count), bytes: 8, to: &bytes)
        }
        guard let mask else { return bytes + payload }
        Self.append(UInt64(mask), bytes: 4, to: &bytes)
        let start: Int = bytes.count
        bytes.append(contentsOf: payload)
        Self.mask(&bytes, from: start, with: mask)
        return bytes
    }

    /// Masks, or unmasks, everything from `start` on.
    static func mask(_ bytes: inout [UInt8], from start: Int, with mask: UInt32) {
        let key: [UInt8] = [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: mask >> UInt32($0)) }
        for index in start..<bytes.count { bytes[index] ^= key[(index - start) & 3] }
    }

    private static func append(_ value: UInt64, bytes count: Int, to bytes: inout [UInt8]) {
        for shift in stride(from: (count - 1) * 8, through: 0, by: -8) {
            bytes.append(UInt8(truncatingIfNeeded: value >> UInt64(shift)))
        }
    }
}
