internal import COpenSSL
internal import Crypto

/// An X.509 certificate (RFC 5280), read once; being one says nothing about who issued it.
package struct Certificate: Hashable, Sendable, CustomStringConvertible {
    /// The encoded certificate.
    package let der: [UInt8]
    /// SHA-256 of ``der``: what pins and deny lists name.
    package let fingerprint: [UInt8]
    /// The subject's common name; empty without one.
    package let commonName: String
    /// The subject alternative names, in the order of the certificate; of other kinds than these nothing is kept.
    package let uris: [String]
    package let dnsNames: [String]
    /// IPv4 and IPv6 addresses as numeric text.
    package let addresses: [String]
    /// The first and the last moment at which it is valid, in milliseconds since 1970.
    package let notBefore: Int64
    package let notAfter: Int64
    /// The serial number, in hexadecimal.
    package let serial: String
    /// Whether it may issue others (basic constraints say so).
    package let isAuthority: Bool

    /// Reads the one certificate of a PEM text.
    package init(pem: [UInt8]) throws(CertificateFault) {
        let all: [Certificate] = try Self.bundle(pem: pem)
        guard all.count == 1 else {
            throw CertificateFault(.malformed, "there are \(all.count) certificates where one is wanted")
        }
        self = all[0]
    }

    /// Reads all certificates of a PEM text, in order; there is at least one.
    package static func bundle(pem: [UInt8]) throws(CertificateFault) -> [Certificate] {
        var found: [Certificate] = []
        for block in try PEM.blocks(pem, what: "the certificate")
        where ["CERTIFICATE", "X509 CERTIFICATE"].contains(block.label) {
            found.append(try Certificate(der: block.bytes))
        }
        guard !found.isEmpty else {
            throw CertificateFault(.malformed, "there is no 'CERTIFICATE' in what was given as certificates")
        }
        return found
    }

    /// Reads an encoded certificate.
    package init(der: [UInt8]) throws(CertificateFault) {
        let parsed: OpaquePointer? = decoded(der, { d2i_X509(nil, $0, $1) }, free: { X509_free($0) })
        guard let parsed else { throw CertificateFault(.malformed, "the certificate cannot be read: it is damaged") }
        defer {
            X509_free(parsed)
            ERR_clear_error()
        }
        guard X509_get_extension_flags(parsed) & UInt32(EXFLAG_INVALID) == 0 else {
            throw CertificateFault(
                .malformed,
                "the certificate has extensions that are damaged or contradict each other"
            )
        }
        let names: AlternativeNames = try AlternativeNames(parsed)
        self.der = der
        fingerprint = SHA256.hash(der)
        commonName = try CertificateFields.commonName(parsed)
        uris = names.uris
        dnsNames = names.dnsNames
        addresses = names.addresses
        notBefore = try CertificateFields.milliseconds(X509_get0_notBefore(parsed))
        notAfter = try CertificateFields.milliseconds(X509_get0_notAfter(parsed))
        serial = CertificateFields.serial(parsed)
        isAuthority = X509_get_extension_flags(parsed) & UInt32(EXFLAG_CA) != 0
    }

    /// The certificate as text.
    package var pem: [UInt8] { PEM.encode(der, label: "CERTIFICATE") }

    package var description: String { "certificate '\(commonName)', serial \(serial)" }

    /// Whether `authority` may issue certificates and signed this one; their times are not looked at.
    package func isIssued(by authority: Certificate) -> Bool {
        guard authority.isAuthority else { return false }
        return withHandle { mine in
            authority.withHandle { issuer in
                defer { ERR_clear_error() }
                guard X509_check_issued(issuer, mine) == X509_V_OK, let key = X509_get0_pubkey(issuer) else {
                    return false
                }
                return X509_verify(mine, key) == 1
            }
        }
    }

    /// Lends OpenSSL's form (an `X509`), which the caller may keep by counting a reference.
    package func withHandle<Result, Failure: Error>(
        _ body: (OpaquePointer) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        let parsed: OpaquePointer? = decoded(der, { d2i_X509(nil, $0, $1) }, free: { X509_free($0) })
        guard let parsed else { preconditionFailure("OpenSSL has no memory for a certificate that it read before") }
        defer { X509_free(parsed) }
        return try body(parsed)
    }

    package static func == (left: Certificate, right: Certificate) -> Bool { left.der == right.der }

    package func hash(into hasher: inout Hasher) { hasher.combine(fingerprint) }
}
