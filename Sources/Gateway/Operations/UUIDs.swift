import Bytes

/// Random identifiers.
enum UUIDs {
    /// A version 4 UUID (RFC 9562) in its usual form.
    static func random(_ chance: inout Chance) -> String {
        var bytes: [UInt8] = chance.bytes(16)
        bytes[6] = bytes[6] & 0x0F | 0x40
        bytes[8] = bytes[8] & 0x3F | 0x80
        let groups: [ArraySlice<UInt8>] = [bytes[0..<4], bytes[4..<6], bytes[6..<8], bytes[8..<10], bytes[10..<16]]
        return groups.map { Hex.encode(Array($0)) }.joined(separator: "-")
    }

    /// One that need not be the same on every node that plans the change.
    static func random() -> String {
        var chance = Chance()
        return random(&chance)
    }
}
