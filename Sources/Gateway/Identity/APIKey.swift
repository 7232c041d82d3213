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
