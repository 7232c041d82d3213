import Bytes

/// The fingerprint of the cluster's authority that a registration token carries: `<public>:<ms>:<signature>:<pin>`.
///
/// SHA-256 of the authority's certificate, 64 lower-case hexadecimal digits. Whoever handed over the token vouches for it.
struct AuthorityPin: Hashable, Sendable {
    let fingerprint: [UInt8]

    /// nil for a token of three parts, as original scripts and clusters without an authority have.
    ///
    /// - Throws: for a token that was cut or mistyped.
    init?(token: String) throws(AgentFault) {
        let parts: [Substring] = token.split(separator: ":", omittingEmptySubsequences: false)
        guard parts.count > 3 else { return nil }
        guard parts.count == 4, parts[3].utf8.count == 64, let bytes: [UInt8] = Hex.decode(String(parts[3])) else {
            throw AgentFault(
                "the registration token is damaged: its fourth part is to be the 64 hexadecimal digits of the authority's "
                    + "fingerprint; copy the whole token again"
            )
        }
        fingerprint = bytes
    }
}
