/// Why a TLS connection was not made, or broke: which side, with whom, what failed and what to do.
package struct TLSFault: Error, Equatable, Sendable, CustomStringConvertible {
    package enum Side: Hashable, Sendable {
        case accepting
        case connecting
    }

    package enum Reason: Hashable, Sendable {
        /// Our own identity, authorities or protocols cannot be used.
        case configuration
        /// The peer does not speak TLS.
        case plainText
        /// The peer does not speak TLS 1.3.
        case version
        /// The peer presented no certificate where one is required.
        case noCertificate
        /// The peer's certificate does not come from a trusted (or the pinned) authority.
        case unknownAuthority
        case expired
        case notYetValid
        /// The peer's certificate is for other names.
        case wrongName
        /// The peer's certificate is not for this use: a client's used as a server's, or an authority's used as either.
        case wrongPurpose
        /// The peer's certificate is bad in another way.
        case badCertificate
        /// No application protocol (ALPN) in common.
        case noCommonProtocol
        /// The peer sent an alert: it refused us.
        case refusedByPeer
        /// The connection ended in the middle of the handshake.
        case endedInHandshake
        /// The peer broke the rules of TLS, or something changed the bytes on their way.
        case protocolError
    }

    package let side: Side
    package let reason: Reason
    /// The peer's address; empty for a fault of our own configuration.
    package let peer: String
    /// What failed and what to do.
    package let message: String
    /// With ``Reason/unknownAuthority``: SHA-256 of the topmost certificate that the peer presented.
    package let presentedFingerprint: [UInt8]?

    package init(
        _ side: Side,
        _ reason: Reason,
        peer: String = "",
        _ message: String,
        presentedFingerprint: [UInt8]? = nil
    ) {
        self.side = side
        self.reason = reason
        self.peer = peer
        self.message = message
        self.presentedFingerprint = presentedFingerprint
    }

    package var description: String {
        switch (peer.isEmpty, side) {
        case (true, .accepting): "TLS cannot be served: \(message)"
        case (true, .connecting): "TLS cannot be used: \(message)"
        case (false, .accepting): "TLS connection from \(peer) refused: \(message)"
        case (false, .connecting): "TLS connection to \(peer) failed: \(message)"
        }
    }
}
