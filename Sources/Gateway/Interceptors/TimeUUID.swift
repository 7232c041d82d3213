import Crypto

/// UUIDs of version 1 (RFC 9562, section 5.1): time, and a random node with the multicast bit.
enum TimeUUID {
    /// - Parameter milliseconds: since 1970.
    static func make(_ milliseconds: Int64) -> String {
        let random: [UInt8] = SecureRandom.bytes(10)
        // 100 ns since 1582-10-15; what a millisecond leaves open is random.
        let spare: UInt64 = (UInt64(random[8]) << 8 | UInt64(random[9])) % 10_000
        let ticks: UInt64 = UInt64(max(0, milliseconds)) * 10_000 + 122_192_928_000_000_000 + spare
        func hex(_ value: UInt64, _ digits: Int) -> String {
            let text = String(value, radix: 16)
            return String(repeating: "0", count: max(0, digits - text.count)) + text
        }
        let node: UInt64 = random[2..<8].reduce(0) { $0 << 8 | UInt64($1) } | 1 << 40
        let clock: UInt64 = UInt64(random[0] & 0x3F | 0x80) << 8 | UInt64(random[1])
        return [
            hex(ticks & 0xFFFF_FFFF, 8), hex(ticks >> 32 & 0xFFFF, 4), hex(ticks >> 48 & 0xFFF | 0x1000, 4),
            hex(clock, 4), hex(node, 12),
        ].joined(separator: "-")
    }
}
