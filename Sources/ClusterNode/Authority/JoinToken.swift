internal import Bytes
internal import Crypto

/// What lets one node, or one host, into a cluster, once.
///
/// Shape: `drover-<role>-<id, 16 hexadecimal digits>-<secret, 64>-<fingerprint, 64>`. The fingerprint is the SHA-256 of the
/// authority's certificate: who joins speaks with nobody else. Only a hash of the secret is ever stored.
package struct JoinToken: Hashable, Sendable {
    package var role: PeerIdentity.Role
    /// Names the token in lists and in the log; no secret.
    package var id: String
    /// 32 random bytes.
    package var secret: [UInt8]
    /// Of the authority's certificate.
    package var fingerprint: [UInt8]

    package init(role: PeerIdentity.Role, id: String, secret: [UInt8], fingerprint: [UInt8]) {
        self.role = role
        self.id = id
        self.secret = secret
        self.fingerprint = fingerprint
    }

    /// A new one for a cluster whose authority has this fingerprint.
    package static func generate(_ role: PeerIdentity.Role, fingerprint: [UInt8]) -> JoinToken {
        JoinToken(
            role: role,
            id: Hex.encode(SecureRandom.bytes(8)),
            secret: SecureRandom.bytes(32),
            fingerprint: fingerprint
        )
    }

    package var text: String {
        "drover-\(role.rawValue)-\(id)-\(Hex.encode(secret))-\(Hex.encode(fingerprint))"
    }

    /// Reads a token as ``text`` wrote it, perhaps with white space around it; nil for every other text.
    package init?(_ text: String) {
        var trimmed: Substring = text[...]
        while let first: Character = trimmed.first, first.isWhitespace { trimmed.removeFirst() }
        while let last: Character = trimmed.last, last.isWhitespace { trimmed.removeLast() }
        let parts: [Substring] = trimmed.split(separator: "-", omittingEmptySubsequences: false)
        guard parts.count == 5, parts[0] == "drover", let role = PeerIdentity.Role(rawValue: String(parts[1])),
            let id: [UInt8] = Hex.decode(String(parts[2])), id.count == 8,
            let secret: [UInt8] = Hex.decode(String(parts[3])), secret.count == 32,
            let fingerprint: [UInt8] = Hex.decode(String(parts[4])), fingerprint.count == SHA256.byteCount
        else { return nil }
        self.init(role: role, id: Hex.encode(id), secret: secret, fingerprint: fingerprint)
        // Digits in upper case would be a second spelling of the same token.
        guard self.text == trimmed else { return nil }
    }

    /// What is stored of the secret.
    ///
    /// A fast hash is right here: nobody can try 256 bits.
    package var secretHash: String { Hex.encode(SHA256.hash(secret)) }
}

extension JoinToken: CustomStringConvertible, CustomDebugStringConvertible {
    /// Without the secret: a token must not get into a log by accident.
    package var description: String { "join token \(id) (\(role.rawValue))" }
    package var debugDescription: String { description }
}
