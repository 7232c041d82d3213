internal import COpenSSL
internal import Crypto
internal import Limits

/// A certificate that may issue others, with its key.
package struct CertificateAuthority: Sendable {
    package let certificate: Certificate
    package let key: PrivateKey

    /// Times that ASN.1 can write: up to the year 9999, in milliseconds since 1970.
    private static let lastTime: Int64 = 253_402_300_799_000

    /// Puts together what was kept apart.
    ///
    /// - Throws: ``CertificateFault`` when the certificate is no authority, or the key is not its key.
    package init(certificate: Certificate, key: PrivateKey) throws(CertificateFault) {
        guard certificate.isAuthority else {
            throw CertificateFault(.unsuitable, "\(certificate) is not an authority")
        }
        let fits: Bool = certificate.withHandle { certificate in
            key.withHandle { X509_check_private_key(certificate, $0) == 1 }
        }
        ERR_clear_error()
        guard fits else { throw CertificateFault(.mismatch, "the key is not the key of \(certificate)") }
        self.certificate = certificate
        self.key = key
    }

    /// A new authority that issues leaves only, valid from one hour before `now` (milliseconds since 1970).
    package static func found(
        commonName: String,
        now: Int64,
        lifetimeSeconds: Int64
    ) throws(CertificateFault) -> CertificateAuthority {
        let key: PrivateKey = try .generate()
        let made: Certificate = try key.withHandle { (handle: OpaquePointer) throws(CertificateFault) in
            let draft: CertificateDraft = try CertificateDraft()
            try draft.setSubject(commonName)
            try draft.setIssuer(toSubjectOf: draft.pointer)
            try draft.setPublicKey(handle)
            try draft.setTimes(from: now, to: try end(now, lifetimeSeconds))
            try CertificateExtensions.authority(keyID: try draft.keyID()).add(to: draft.pointer)
            return try draft.sign(handle)
        }
        return try CertificateAuthority(certificate: made, key: key)
    }

    /// Issues what `profile` says for the key of `request`, valid from one hour before `now` (milliseconds since 1970).
    ///
    /// Its life ends with the authority's at the latest.
    ///
    /// - Parameter serial: a number of 1 to 20 bytes; nil for a random one.
    package func issue(
        _ request: CertificateRequest,
        _ profile: CertificateProfile,
        serial: [UInt8]? = nil,
        now: Int64
    ) throws(CertificateFault) -> Certificate {
        let end: Int64 = min(try Self.end(now, profile.lifetimeSeconds), certificate.notAfter)
        guard end > now else {
            throw CertificateFault(.unsuitable, "\(certificate) has expired and issues nothing any more")
        }
        return try certificate.withHandle { (issuer: OpaquePointer) throws(CertificateFault) in
            let draft: CertificateDraft = try CertificateDraft(serial: serial)
            try draft.setSubject(profile.commonName)
            try draft.setIssuer(toSubjectOf: issuer)
            try request.withPublicKey { (key: OpaquePointer, _: OpaquePointer) throws(CertificateFault) in
                try draft.setPublicKey(key)
            }
            try draft.setTimes(from: now, to: end)
            let extensions: CertificateExtensions = try .leaf(
                profile,
                keyID: try draft.keyID(),
                authorityKeyID: try CertificateDraft.keyID(of: issuer)
            )
            try extensions.add(to: draft.pointer)
            return try key.withHandle { (key: OpaquePointer) throws(CertificateFault) in try draft.sign(key) }
        }
    }

    private static func end(_ now: Int64, _ lifetimeSeconds: Int64) throws(CertificateFault) -> Int64 {
        guard (0...lastTime).contains(now), (1...lastTime / 1_000).contains(lifetimeSeconds) else {
            throw CertificateFault(
                .invalidProfile,
                "a certificate cannot live for \(lifetimeSeconds) seconds from \(now)"
            )
        }
        return min(now + lifetimeSeconds * 1_000, lastTime)
    }
}

/// A certificate that is being written.
private final class CertificateDraft {
    let pointer: OpaquePointer

    init(serial: [UInt8]? = nil) throws(CertificateFault) {
        let serial: [UInt8] = serial ?? SecureRandom.bytes(16)
        guard (1...20).contains(serial.count), serial[0] < 0x80 || serial.count < 20 else {
            throw CertificateFault(.invalidProfile, "a serial number has 1 to 20 bytes")
        }
        guard let pointer: OpaquePointer = X509_new() else { throw .openSSL("make a certificate") }
        self.pointer = pointer
        let number: OpaquePointer? = BN_bin2bn(serial, Int32(serial.count), nil)
        defer { BN_free(number) }
        guard X509_set_version(pointer, 2) == 1, let number,  // 2 stands for version 3
            BN_to_ASN1_INTEGER(number, X509_get_serialNumber(pointer)) != nil
        else { throw .openSSL("number a certificate") }
    }

    deinit { X509_free(pointer) }

    func setSubject(_ commonName: String) throws(CertificateFault) {
        let name: OpaquePointer = try DistinguishedName.make(commonName)
        defer { X509_NAME_free(name) }
        guard X509_set_subject_name(pointer, name) == 1 else { throw .openSSL("name a certificate") }
    }

    func setIssuer(toSubjectOf issuer: OpaquePointer) throws(CertificateFault) {
        guard let name = X509_get_subject_name(issuer), X509_set_issuer_name(pointer, name) == 1 else {
            throw .openSSL("name the issuer of a certificate")
        }
    }

    func setPublicKey(_ key: OpaquePointer) throws(CertificateFault) {
        guard X509_set_pubkey(pointer, key) == 1 else { throw .openSSL("put a key into a certificate") }
    }

    /// From an hour before the first moment to the second.
    func setTimes(from: Int64, to: Int64) throws(CertificateFault) {
        let start: Int = Int(from / 1_000 - Limits.certificateBackdateSeconds)
        guard ASN1_TIME_set(X509_getm_notBefore(pointer), start) != nil,
            ASN1_TIME_set(X509_getm_notAfter(pointer), Int(to / 1_000)) != nil
        else { throw .openSSL("date a certificate") }
    }

    func keyID() throws(CertificateFault) -> [UInt8] {
        try Self.keyID(of: pointer)
    }

    /// The subject key identifier that is in a certificate, else one made from its key (RFC 7093, method 1).
    static func keyID(of certificate: OpaquePointer) throws(CertificateFault) -> [UInt8] {
        if let given = X509_get0_subject_key_id(certificate) { return content(given) }
        var digest = [UInt8](repeating: 0, count: SHA256.byteCount)
        guard X509_pubkey_digest(certificate, EVP_sha256(), &digest, nil) == 1 else { throw .openSSL("digest a key") }
        return Array(digest.prefix(20))
    }

    func sign(_ key: OpaquePointer) throws(CertificateFault) -> Certificate {
        guard X509_sign(pointer, key, Signing.digest(for: key)) > 0, let der = encoded({ i2d_X509(pointer, $0) }) else {
            throw .openSSL("sign a certificate")
        }
        return try Certificate(der: der)
    }
}
