import Bytes
import Crypto

/// What a host shows to be let in: `<public value>:<milliseconds>:<signature>` (contract O19).
///
/// Nothing secret is stored for it: the signature is an HMAC-SHA-256 under the cluster's registration key, so a token of
/// another cluster, or an invented one, never verifies. It expires `registration.token.period.millis` after the
/// moment that it carries.
package struct RegistrationToken: Hashable, Sendable {
    package var publicValue: String
    /// Milliseconds since 1970.
    package var issued: Int64

    package init(publicValue: String, issued: Int64) {
        self.publicValue = publicValue
        self.issued = issued
    }

    package func signed(key: [UInt8]) -> String {
        "\(publicValue):\(issued):\(signature(key))"
    }

    /// The token in `text`, or nil when it was not signed with `key`.
    package init?(verifying text: String, key: [UInt8]) {
        let parts: [Substring] = text.split(separator: ":", omittingEmptySubsequences: false)
        guard parts.count == 3, let issued = Int64(parts[1]) else { return nil }
        self.init(publicValue: String(parts[0]), issued: issued)
        guard ConstantTime.equals(Array(signature(key).utf8), Array(parts[2].utf8)) else { return nil }
    }

    private func signature(_ key: [UInt8]) -> String {
        // Agents split lines of scripts at `=`, so the token must not contain one.
        Hex.encode(HMAC.sha256(key: key, message: Array("\(publicValue):\(issued)".utf8)))
    }
}
