package import Certificates
package import JSON
package import Store

/// What the gateway needs of the cluster's authority; the node implements it.
package protocol CertificateIssuing: Sendable {
    /// The cluster's id as it stands in certificates, such as `00000000000000aa`.
    var cluster: String { get }

    /// SHA-256 of the authority's certificate: what registration tokens tell new hosts to trust.
    ///
    /// nil before there is an authority.
    var authorityFingerprint: [UInt8]? { get }

    /// The authority's certificate, in PEM; nil before there is one.
    var authorityCertificate: [UInt8]? { get }

    /// Members of a host's record that say which certificate it gets now: written before it is issued.
    func marks(in view: StoreView) -> JSONObject

    /// A certificate for the host `host`, whatever name the request carries.
    ///
    /// - Parameters:
    ///   - request: in PEM; its key, and nothing else of it, is used.
    ///   - now: milliseconds since 1970.
    func issueHostCertificate(
        request: [UInt8],
        host: UInt64,
        now: Int64
    ) throws(CertificateRefusal) -> IssuedCertificate

    /// A certificate for the person and with the serial number of `person`, whatever name the request carries.
    ///
    /// Its life ends with ``CertifiedPerson/notAfter`` at the latest.
    ///
    /// - Parameters:
    ///   - request: in PEM; its key, and nothing else of it, is used.
    ///   - now: milliseconds since 1970.
    func issuePersonCertificate(
        request: [UInt8],
        for person: CertifiedPerson,
        in view: StoreView,
        now: Int64
    ) throws(CertificateRefusal) -> PersonCertificate

    /// The fingerprints of the authorities that the cluster believes in this state, in hexadecimal: one, or two while the
    /// authority is being replaced.
    func believed(in view: StoreView) -> Set<String>

    /// Whom a certificate that TLS found to be issued by the authority speaks for: its role and its cluster.
    func peer(of certificate: Certificate) -> CertifiedPeer
}

/// A host's new certificate and what it has to trust from now on, both in PEM.
package struct IssuedCertificate: Hashable, Sendable {
    package var certificate: [UInt8]
    /// One certificate, or two while the authority is being replaced.
    package var authority: [UInt8]

    package init(certificate: [UInt8], authority: [UInt8]) {
        self.certificate = certificate
        self.authority = authority
    }
}

/// A person's new certificate.
package struct PersonCertificate: Hashable, Sendable {
    /// PEM.
    package var certificate: [UInt8]
    /// The last moment at which it is good, in milliseconds since 1970.
    package var notAfter: Int64
    /// The fingerprint of the authority that issued it, in hexadecimal.
    package var authority: String

    package init(certificate: [UInt8], notAfter: Int64, authority: String) {
        self.certificate = certificate
        self.notAfter = notAfter
        self.authority = authority
    }
}

/// Why no certificate was issued.
package enum CertificateRefusal: Error, Equatable, Sendable {
    /// What is wrong with the request.
    case invalid(String)
    /// The authority cannot sign here and now.
    case unavailable(String)
}

/// Where the cluster's gateways answer; the node implements it from the records of nodes.
package protocol ServerAddresses: Sendable {
    /// Base URLs such as `https://10.0.0.1:8443` of every gateway, in every scheme that it speaks; hosts take those of
    /// the scheme that they were given.
    var baseURLs: [String] { get }
}
