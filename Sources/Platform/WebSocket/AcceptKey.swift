internal import Bytes
internal import Crypto

/// Proves that the answer comes from somebody who speaks WebSocket (RFC 6455, section 4.2.2).
enum AcceptKey {
    private static let identifier: String = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"

    static func answer(to key: String) -> String {
<<<<<<< HEAD
        Base64.encode(SHA1.hash(Array((key + identifier).utf8)))
=======
        Base64.encode(sha1(Array((key + identifier).utf8)))
    }

    /// SHA-1 (RFC 3174), which the protocol prescribes; nothing here relies on its strength.
    static func sha1(_ message: [UInt8]) -> [UInt8] {
        var padded: [UInt8] = message + [0x80]
        padded.append(contentsOf: repeatElement(0, count: (120 - padded.count % 64) % 64))
        let bits = UInt64(message.count) * 8
        for shift in stride(from: UInt64(56), through: 0, by: -8) {
            padded.append(UInt8(truncatingIfNeeded: bits >> shift))
        }

        var hash: [UInt32] = [0x6745_2301, 0xEFCD_AB89, 0x98BA_DCFE, 0x1032_5476, 0xC3D2_E1F0]
        for block in stride(from: 0, to: padded.count, by: 64) {
            var words = [UInt32](repeating: 0, count: 80)
            for index in 0..<16 {
                let bytes: ArraySlice<UInt8> = padded[(block + index * 4)..<(block + index * 4 + 4)]
                words[index] = bytes.reduce(0) { $0 << 8 | UInt32($1) }
            }
            for index in 16..<80 {
                words[index] = rotate(words[index - 3] ^ words[index - 8] ^ words[index - 14] ^ words[index - 16], 1)
            }
            mix(words, into: &hash)
        }
        return hash.flatMap { word in [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: word >> UInt32($0)) } }
    }

    private static func mix(_ words: [UInt32], into hash: inout [UInt32]) {
        var (a, b, c, d, e): (UInt32, UInt32, UInt32, UInt32, UInt32) = (hash[0], hash[1], hash[2], hash[3], hash[4])
        for index in 0..<80 {
            let mixed: UInt32
            let constant: UInt32
            switch index {
            case 0..<20: (mixed, constant) = ((b & c) | (~b & d), 0x5A82_7999)
            case 20..<40: (mixed, constant) = (b ^ c ^ d, 0x6ED9_EBA1)
            case 40..<60: (mixed, constant) = ((b & c) | (b & d) | (c & d), 0x8F1B_BCDC)
            default: (mixed, constant) = (b ^ c ^ d, 0xCA62_C1D6)
            }
            let next: UInt32 = rotate(a, 5) &+ mixed &+ e &+ constant &+ words[index]
            (a, b, c, d, e) = (next, a, rotate(b, 30), c, d)
        }
        for (index, value) in [a, b, c, d, e].enumerated() { hash[index] &+= value }
    }

    private static func rotate(_ value: UInt32, _ count: UInt32) -> UInt32 {
        value << count | value >> (32 - count)
>>>>>>> net
    }
}
