import COpenSSL

/// A hash that costs memory (RFC 7914): for passwords, of which people choose few.
///
/// It blocks its thread for as long as it takes, a good part of a second at a cost that is worth having.
package enum Scrypt {
    /// What one hash costs: 128 · r · 2^log2N bytes, p times.
    package struct Cost: Hashable, Sendable {
        /// The binary logarithm of N.
        package var log2N: Int
        package var r: Int
        package var p: Int

        package init(log2N: Int, r: Int = 8, p: Int = 1) {
            self.log2N = log2N
            self.r = r
            self.p = p
        }

        /// 128 MiB.
        package static let standard = Cost(log2N: 17)

        /// What RFC 7914 allows and this process can bear: stored costs are looked at before they are paid.
        package var isBearable: Bool {
            (1...20).contains(log2N) && (1...32).contains(r) && (1...16).contains(p) && memoryBytes <= 1 << 28
        }

        var memoryBytes: Int { (128 * r) << log2N }
    }

    /// A key of `count` bytes; nil for a cost that is none, or when there is no memory for it.
    package static func derive(_ password: [UInt8], salt: [UInt8], cost: Cost, count: Int) -> [UInt8]? {
        guard cost.isBearable, (1...1024).contains(count) else { return nil }
        // Beside the large block there are p small ones and some scratch.
        let bound = UInt64(cost.memoryBytes + 128 * cost.r * (cost.p + 2) + 1_048_576)
        var done: Int32 = 0
        // One byte more than needed: an empty text would have no address.
        let text: [CChar] = password.map { CChar(bitPattern: $0) } + [0]
        let key: [UInt8] = text.withUnsafeBufferPointer { text in
            [UInt8](unsafeUninitializedCapacity: count) { output, made in
                output.initialize(repeating: 0)
                done = EVP_PBE_scrypt(
                    text.baseAddress,
                    password.count,
                    salt,
                    salt.count,
                    UInt64(1) << UInt64(cost.log2N),
                    UInt64(cost.r),
                    UInt64(cost.p),
                    bound,
                    output.baseAddress,
                    count
                )
                made = count
            }
        }
        guard done == 1 else {
            ERR_clear_error()
            return nil
        }
        return key
    }
}
