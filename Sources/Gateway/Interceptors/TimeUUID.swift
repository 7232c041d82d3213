import Crypto

/// UUIDs of version 1 (RFC 9562, section 5.1): time, and a random node with the multicast bit.
enum TimeUUID {
    /// - Parameter milliseconds: since 1970.
    static func make(_ milliseconds: Int64) -> String {
        let random: [UInt8] = SecureRandom.identifier(10)
        // 100 ns since 1582-10-15; what a millisecond leaves open is random.
        let spare: UInt64 = (UInt64(random[8]) << 8 | UInt64(random[9])) % 10_000
        let ticks: UInt64 = UInt64(max(0, milliseconds)) * 10_000 + 122_192_928_000_000_000 + spare
        let node: UInt64 = random[2..<8].reduce(0) { $0 << 8 | UInt64($1) } | 1 << 40
        let clock: UInt64 = UInt64(random[0] & 0x3F | 0x80) << 8 | UInt64(random[1])
        let groups: [(value: UInt64, digits: Int)] = [
            (ticks & 0xFFFF_FFFF, 8), (ticks >> 32 & 0xFFFF, 4), (ticks >> 48 & 0xFFF | 0x1000, 4), (clock, 4),
            (node, 12),
        ]
        var text: [UInt8] = []
        text.reserveCapacity(36)
        for group in groups {
            if !text.isEmpty { text.append(UInt8(ascii: "-")) }
            for place in stride(from: (group.digits - 1) * 4, through: 0, by: -4) {
                let digit = UInt8(group.value >> UInt64(place) & 15)
                text.append(digit < 10 ? UInt8(ascii: "0") + digit : UInt8(ascii: "a") + digit - 10)
            }
        }
        return String(decoding: text, as: UTF8.self)
    }
}
