internal import COpenSSL

/// A PKCS #10 request (RFC 2986): a public key, and the proof that the asker holds its private half.
///
/// Whatever names it asks for are ignored: the authority decides what the certificate says.
package struct CertificateRequest: Hashable, Sendable {
    let der: [UInt8]

    /// Signs a request for `key`; the common name is for people who look at the request.
    package static func make(key: PrivateKey, commonName: String) throws(CertificateFault) -> CertificateRequest {
        guard let request: OpaquePointer = X509_REQ_new() else { throw .openSSL("make a certificate request") }
        defer { X509_REQ_free(request) }
        let name: OpaquePointer = try DistinguishedName.make(commonName)
        defer { X509_NAME_free(name) }
        let signed: Bool = key.withHandle { key in
            X509_REQ_set_version(request, 0) == 1 && X509_REQ_set_subject_name(request, name) == 1
                && X509_REQ_set_pubkey(request, key) == 1 && X509_REQ_sign(request, key, Signing.digest(for: key)) > 0
        }
        guard signed, let der = encoded({ i2d_X509_REQ(request, $0) }) else {
            throw .openSSL("sign a certificate request")
        }
        return CertificateRequest(der: der)
    }

    /// Reads a request and checks that it is signed by the key that it asks for.
    package init(pem: [UInt8]) throws(CertificateFault) {
        let what: String = "the certificate request"
        let blocks: [PEM.Block] = try PEM.blocks(pem, what: what).filter { $0.label.hasSuffix("CERTIFICATE REQUEST") }
        guard blocks.count == 1 else {
            throw CertificateFault(.malformed, "there are \(blocks.count) certificate requests where one is wanted")
        }
        self.init(der: blocks[0].bytes)
        try withPublicKey { (key: OpaquePointer, request: OpaquePointer) throws(CertificateFault) in
            try KeyStrength.check(key, "the key of the certificate request")
            guard X509_REQ_verify(request, key) == 1 else {
                ERR_clear_error()
                throw CertificateFault(.mismatch, "\(what) is not signed by the key that it asks for")
            }
        }
    }

    private init(der: [UInt8]) {
        self.der = der
    }

    /// The request as text.
    package var pem: [UInt8] { PEM.encode(der, label: "CERTIFICATE REQUEST") }

    /// Lends the public key and the parsed request.
    func withPublicKey<Result>(
        _ body: (OpaquePointer, OpaquePointer) throws(CertificateFault) -> Result
    ) throws(CertificateFault) -> Result {
        let parsed: OpaquePointer? = decoded(der, { d2i_X509_REQ(nil, $0, $1) }, free: { X509_REQ_free($0) })
        guard let parsed else {
            throw CertificateFault(.malformed, "the certificate request cannot be read: it is damaged")
        }
        defer { X509_REQ_free(parsed) }
        guard let key: OpaquePointer = X509_REQ_get0_pubkey(parsed) else {
            ERR_clear_error()
            throw CertificateFault(.malformed, "the certificate request has no key that can be read")
        }
        return try body(key, parsed)
    }
}

/// Subject names: a common name and nothing else.
enum DistinguishedName {
    /// The longest common name (RFC 5280, ub-common-name), in characters.
    private static let longest: Int = 64

    static func make(_ commonName: String) throws(CertificateFault) -> OpaquePointer {
        let text: [UInt8] = Array(commonName.utf8)
        guard !text.isEmpty, commonName.unicodeScalars.count <= longest, text.allSatisfy({ $0 >= 0x20 && $0 != 0x7F })
        else {
            throw CertificateFault(
                .invalidProfile,
                "a common name must have 1 to \(longest) characters and no control characters"
            )
        }
        guard let name: OpaquePointer = X509_NAME_new() else { throw .openSSL("make a name") }
        guard X509_NAME_add_entry_by_NID(name, NID_commonName, MBSTRING_UTF8, text, Int32(text.count), -1, 0) == 1
        else {
            X509_NAME_free(name)
            throw .openSSL("make the name '\(commonName)'")
        }
        return name
    }
}

/// Which digest a key signs with.
enum Signing {
    /// SHA-256, but nil for Ed25519, which brings its own.
    static func digest(for key: OpaquePointer) -> OpaquePointer? {
        EVP_PKEY_is_a(key, "ED25519") == 1 ? nil : EVP_sha256()
    }
}
