import Bytes
import Crypto

/// How a password is kept: `scrypt:<log2 N>:<r>:<p>:<salt>:<hex>`.
///
/// The cost stands beside the hash, so that it can grow. Both functions block for a good part of a second: see
/// ``PasswordWork``.
enum PasswordHash {
    private static let saltBytes: Int = 16
    private static let hashBytes: Int = 32

    /// nil when there is no memory for it.
    static func make(_ password: String, cost: Scrypt.Cost, salt: [UInt8] = SecureRandom.bytes(saltBytes)) -> String? {
        guard let hash: [UInt8] = Scrypt.derive(Array(password.utf8), salt: salt, cost: cost, count: hashBytes) else {
            return nil
        }
        return "scrypt:\(cost.log2N):\(cost.r):\(cost.p):\(Hex.encode(salt)):\(Hex.encode(hash))"
    }

    /// Takes the same time whatever is wrong with the password.
    ///
    /// - Returns: nil when there is no memory for it.
    static func matches(_ password: String, _ stored: String) -> Bool? {
        let parts: [Substring] = stored.split(separator: ":", omittingEmptySubsequences: false)
        guard let cost: Scrypt.Cost = cost(of: stored), parts.count == 6,
            let salt: [UInt8] = Hex.decode(String(parts[4])),
            let hash: [UInt8] = Hex.decode(String(parts[5])), hash.count == hashBytes
        else { return false }
        return Scrypt.derive(Array(password.utf8), salt: salt, cost: cost, count: hashBytes).map {
            ConstantTime.equals($0, hash)
        }
    }

    /// nil for what is no hash of this kind.
    static func cost(of stored: String) -> Scrypt.Cost? {
        let parts: [Substring] = stored.split(separator: ":", omittingEmptySubsequences: false)
        guard parts.count == 6, parts[0] == "scrypt", let log2N = Int(parts[1]), let r = Int(parts[2]),
            let p = Int(parts[3])
        else { return nil }
        let cost = Scrypt.Cost(log2N: log2N, r: r, p: p)
        return cost.isBearable ? cost : nil
    }
}
