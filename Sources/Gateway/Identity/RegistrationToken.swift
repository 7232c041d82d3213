import Bytes
import Crypto

/// What a host shows to be let in: `<public value>:<milliseconds>:<signature>[:<pin>]` (contract O19).
///
/// The pin is the SHA-256 of the authority's certificate, 64 lower-case hexadecimal digits. It is for the agent, which trusts no
/// other authority at first contact; the server looks at its shape only, and takes tokens without it, too.
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

    /// - Parameter pin: the fingerprint of the authority, where there is one.
    package func signed(key: [UInt8], pin: [UInt8]? = nil) -> String {
        "\(publicValue):\(issued):\(signature(key))" + (pin.map { ":\(Hex.encode($0))" } ?? "")
    }

    /// The token in `text`, or nil when it was not signed with `key`.
    package init?(verifying text: String, key: [UInt8]) {
        let parts: [Substring] = text.split(separator: ":", omittingEmptySubsequences: false)
        guard parts.count == 3 || (parts.count == 4 && Self.isPin(parts[3])), let issued = Int64(parts[1]) else {
            return nil
        }
        self.init(publicValue: String(parts[0]), issued: issued)
        guard ConstantTime.equals(Array(signature(key).utf8), Array(parts[2].utf8)) else { return nil }
    }

    private static func isPin(_ text: Substring) -> Bool {
        text.utf8.count == 64 && text.utf8.allSatisfy { (0x30...0x39).contains($0) || (0x61...0x66).contains($0) }
    }

    private func signature(_ key: [UInt8]) -> String {
        // Agents split lines of scripts at `=`, so the token must not contain one.
        Hex.encode(HMAC.sha256(key: key, message: Array("\(publicValue):\(issued)".utf8)))
    }
}
