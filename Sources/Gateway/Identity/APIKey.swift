import Bytes
import Crypto

/// A new API key: the secret exists here, in the answer to the request that made it, and nowhere else.
///
/// Shape (contract A14): the access key is 20 upper-case hexadecimal characters, the secret 40 characters of the base64
/// alphabet without those that people confuse.
package struct APIKey: Sendable {
    package var publicValue: String
    package var secretValue: String

    package init(publicValue: String, secretValue: String) {
        self.publicValue = publicValue
        self.secretValue = secretValue
    }

    package static func generate() -> APIKey {
        var chance = Chance()
        return generate(&chance)
    }

    static func generate(_ chance: inout Chance) -> APIKey {
        let confusing: Set<Character> = ["O", "0", "l", "I", "+", "/", "="]
        var secret: String = ""
        // 40 characters of 57: well over 200 bits.
        while secret.count < 40 {
            secret += Base64.encode(chance.bytes(96)).filter { !confusing.contains($0) }
        }
        return APIKey(
            publicValue: Hex.encode(chance.bytes(10)).uppercased(),
            secretValue: String(secret.prefix(40))
        )
    }
}

/// How a secret is kept: `SHA256:<salt>:<hex>` over the salt's text followed by the secret.
///
/// A fast hash is right here: the secret has more entropy than anyone can try.
package enum KeyHash {
    package static func make(_ secret: String) -> String {
        let salt: String = Hex.encode(SecureRandom.bytes(10))
        return "SHA256:\(salt):\(digest(salt, secret))"
    }

    /// Takes the same time whatever is wrong with the secret.
    package static func matches(_ secret: String, _ stored: String) -> Bool {
        let parts: [Substring] = stored.split(separator: ":", omittingEmptySubsequences: false)
        guard parts.count == 3, parts[0] == "SHA256" else { return false }
        return ConstantTime.equals(Array(digest(String(parts[1]), secret).utf8), Array(parts[2].utf8))
    }

    private static func digest(_ salt: String, _ secret: String) -> String {
        Hex.encode(SHA256.hash(Array(salt.utf8) + Array(secret.utf8)))
    }
}
