package import Certificates

/// Who we are on a TLS connection: a certificate, those above it, and its key.
package struct TLSIdentity: Sendable {
    /// The leaf first, then the authority: peers that pin an authority look for it here.
    package let certificates: [Certificate]
    package let key: PrivateKey

    /// Whether key and leaf fit is checked when a context is made of it.
    package init(certificates: [Certificate], key: PrivateKey) {
        self.certificates = certificates
        self.key = key
    }
}

/// Which peers are believed.
package enum TLSTrust: Sendable {
    /// Those whose certificate leads to one of these; each is self-signed.
    case authorities([Certificate])
    /// Those that present an authority with this SHA-256 fingerprint and a leaf that leads to it.
    case pinned(authorityFingerprint: [UInt8])
}

/// What a server wants to know of its clients.
package enum TLSClientCertificates: Sendable {
    /// Clients are not asked.
    case none
    /// Clients are asked; one that presents a certificate must present a good one.
    case optional(TLSTrust)
    /// Clients without a good certificate are refused.
    case required(TLSTrust)

    var trust: TLSTrust? {
        switch self {
        case .none: nil
        case .optional(let trust), .required(let trust): trust
        }
    }
}
