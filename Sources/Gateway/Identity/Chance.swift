import Crypto

/// The random values of one request, all drawn from one seed.
///
/// Two nodes that run the same request draw the same: whichever of them makes the change, the secret in the answer is
/// the one whose hash was stored. The seed itself is random, and travels between nodes only.
struct Chance: Sendable {
    static let seedBytes: Int = 32

    let seed: [UInt8]
    private var drawn: UInt64 = 0

    init(seed: [UInt8] = SecureRandom.bytes(Chance.seedBytes)) {
        self.seed = seed
    }

    /// The next `count` bytes: HMAC-SHA-256 of a counter under the seed, block after block.
    mutating func bytes(_ count: Int) -> [UInt8] {
        var result: [UInt8] = []
        while result.count < count {
            let counter: [UInt8] = stride(from: 56, through: 0, by: -8).map { UInt8(truncatingIfNeeded: drawn >> $0) }
            drawn += 1
            result += HMAC.sha256(key: seed, message: counter)
        }
        return Array(result.prefix(count))
    }
}
