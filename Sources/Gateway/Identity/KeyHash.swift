import Bytes
import Crypto
import StoreFormat

/// How a key's secret is kept: as what it is compared with, never as itself.
///
/// Two forms: `HMAC-SHA256:<id>:<hex>` under a key of the cluster's that is sealed in the state, so that a copy of the state
/// does not let anybody try secrets; and `SHA256:<salt>:<hex>` over the salt's text followed by the secret, of clusters and
/// times without such a key. A fast digest is right here: a secret that was generated has more entropy than anyone can try.
package enum KeyHash {
    private static let keyedName: String = "HMAC-SHA256"
    private static let saltedName: String = "SHA256"

    // MARK: Making

    package static func make(_ secret: String) -> String {
        let salt: String = Hex.encode(SecureRandom.bytes(10))
        return "\(saltedName):\(salt):\(digest(salt, secret))"
    }

    /// Under a key of the cluster's.
    ///
    /// The access key is part of what is digested: copied to another record it opens nothing, and equal secrets look different.
    ///
    /// - Parameters:
    ///   - key: the identity key itself; what is used is derived from it.
    ///   - id: its number.
    package static func make(_ secret: String, of publicValue: String, key: [UInt8], id: Int64) -> String {
        make(secret, of: publicValue, under: IdentityKey(id: id, bytes: key))
    }

    static func make(_ secret: String, of publicValue: String, under key: IdentityKey) -> String {
        "\(keyedName):\(key.id):\(tag(secret, publicValue, key))"
    }

    // MARK: Comparing

    /// What became of a comparison.
    enum Verdict: Hashable, Sendable {
        case wrong
        /// - Parameter isOutdated: it is not kept as a new one would be.
        case right(isOutdated: Bool)
        /// This node cannot open the key that it is kept under.
        case undecided
    }

    /// Takes the same time whatever is wrong with the secret.
    ///
    /// - Parameter stored: nil when nobody has such a key; costs as much, and is wrong.
    static func verdict(
        _ secret: String,
        of publicValue: String,
        _ stored: String?,
        _ keys: IdentityKeys
    ) -> Verdict {
        let preferred: IdentityKey? = keys.forKeptSecrets
        guard let stored else {
            _ = preferred.map { tag(secret, publicValue, $0) } ?? digest("none", secret)
            return .wrong
        }
        guard let id: Int64 = identityKey(of: stored) else {
            return matches(secret, stored) ? .right(isOutdated: preferred != nil) : .wrong
        }
        guard let key: IdentityKey = keys.all.first(where: { $0.id == id }) else {
            return keys.isListed(id) ? .undecided : .wrong
        }
        let kept = Array(stored.utf8.suffix(2 * SHA256.byteCount))
        guard ConstantTime.equals(Array(tag(secret, publicValue, key).utf8), kept) else { return .wrong }
        return .right(isOutdated: preferred.map { $0.id != id } ?? false)
    }

    /// The id of the cluster's key that it was made under; nil for the salted form.
    static func identityKey(of stored: String) -> Int64? {
        let parts: [Substring] = stored.split(separator: ":", omittingEmptySubsequences: false)
        guard parts.count == 3, parts[0] == keyedName else { return nil }
        return Int64(parts[1])
    }

    /// Compares with the salted form.
    package static func matches(_ secret: String, _ stored: String) -> Bool {
        let parts: [Substring] = stored.split(separator: ":", omittingEmptySubsequences: false)
        guard parts.count == 3, parts[0] == saltedName else { return false }
        return ConstantTime.equals(Array(digest(String(parts[1]), secret).utf8), Array(parts[2].utf8))
    }

    private static func digest(_ salt: String, _ secret: String) -> String {
        Hex.encode(SHA256.hash(Array(salt.utf8) + Array(secret.utf8)))
    }

    private static func tag(_ secret: String, _ publicValue: String, _ key: IdentityKey) -> String {
        // An access key has no colon, so this reads in one way only.
        Hex.encode(HMAC.sha256(key: key.forKeys, message: Array("\(publicValue):\(secret)".utf8)))
    }
}

extension Exchange {
    /// How the secret of a new key is kept, and what must not have changed when it is written.
    func kept(secretOf key: APIKey) -> (hash: String, conditions: [Precondition]) {
        guard let newest: IdentityKey = policy.identityKeys.forKeptSecrets else {
            return (KeyHash.make(key.secretValue), [])
        }
        let hash: String = KeyHash.make(key.secretValue, of: key.publicValue, under: newest)
        // The cluster's key must be there still.
        return (hash, ClusterKeys.unchanged(view))
    }
}
