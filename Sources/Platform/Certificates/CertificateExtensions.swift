internal import COpenSSL

/// The extensions of the certificates that are made here (RFC 5280, section 4.2).
struct CertificateExtensions {
    private struct Entry {
        var kind: Int32
        var isCritical: Bool
        var der: [UInt8]
    }

    private var entries: [Entry] = []

    /// Those of an authority that issues leaves only.
    static func authority(keyID: [UInt8]) -> CertificateExtensions {
        var made = CertificateExtensions()
        made.add(NID_basic_constraints, critical: true, DERBytes.sequence([DERBytes.boolean(true), DERBytes.small(0)]))
        made.add(NID_key_usage, critical: true, DERBytes.bits([5, 6]))  // keyCertSign, cRLSign
        made.add(NID_subject_key_identifier, DERBytes.octets(keyID))
        return made
    }

    /// Those of a certificate that proves who somebody is.
    static func leaf(
        _ profile: CertificateProfile,
        keyID: [UInt8],
        authorityKeyID: [UInt8]
    ) throws(CertificateFault) -> CertificateExtensions {
        var made = CertificateExtensions()
        // Not an authority: that is the default, which DER leaves out.
        made.add(NID_basic_constraints, critical: true, DERBytes.sequence([]))
        made.add(NID_key_usage, critical: true, DERBytes.bits([0]))  // digitalSignature
        guard !profile.usages.isEmpty else {
            throw CertificateFault(
                .invalidProfile,
                "a certificate for '\(profile.commonName)' needs a usage: server, client or both"
            )
        }
        let purposes: [[UInt8]] = CertificateProfile.Usage.allCases.filter(profile.usages.contains).map { usage in
            // id-kp-serverAuth 1.3.6.1.5.5.7.3.1, id-kp-clientAuth …3.2
            DERBytes.identifier([0x2B, 0x06, 0x01, 0x05, 0x05, 0x07, 0x03, usage == .server ? 1 : 2])
        }
        made.add(NID_ext_key_usage, DERBytes.sequence(purposes))
        made.add(NID_subject_key_identifier, DERBytes.octets(keyID))
        made.add(NID_authority_key_identifier, DERBytes.sequence([DERBytes.tagged(0, authorityKeyID)]))
        let names: [[UInt8]] = try alternativeNames(profile)
        if !names.isEmpty { made.add(NID_subject_alt_name, DERBytes.sequence(names)) }
        return made
    }

    func add(to certificate: OpaquePointer) throws(CertificateFault) {
        for entry in entries {
            guard let octets = ASN1_OCTET_STRING_new() else { throw .openSSL("make an extension") }
            defer { ASN1_OCTET_STRING_free(octets) }
            guard ASN1_OCTET_STRING_set(octets, entry.der, Int32(entry.der.count)) == 1,
                let made: OpaquePointer = X509_EXTENSION_create_by_NID(
                    nil,
                    entry.kind,
                    entry.isCritical ? 1 : 0,
                    octets
                )
            else { throw .openSSL("make an extension") }
            defer { X509_EXTENSION_free(made) }
            guard X509_add_ext(certificate, made, -1) == 1 else { throw .openSSL("add an extension") }
        }
    }

    private mutating func add(_ kind: Int32, critical: Bool = false, _ der: [UInt8]) {
        entries.append(Entry(kind: kind, isCritical: critical, der: der))
    }

    private static func alternativeNames(_ profile: CertificateProfile) throws(CertificateFault) -> [[UInt8]] {
        var names: [[UInt8]] = []
        for name in profile.dnsNames { names.append(DERBytes.tagged(2, try text(name, "DNS name"))) }
        for uri in profile.uris { names.append(DERBytes.tagged(6, try text(uri, "URI"))) }
        for address in profile.addresses {
            guard let bytes = AddressText.bytes(address) else {
                throw CertificateFault(.invalidProfile, "'\(address)' is not a numeric address")
            }
            names.append(DERBytes.tagged(7, bytes))
        }
        return names
    }

    private static func text(_ text: String, _ what: String) throws(CertificateFault) -> [UInt8] {
        let bytes: [UInt8] = Array(text.utf8)
        guard (1...2_048).contains(bytes.count), bytes.allSatisfy({ (0x21...0x7E).contains($0) }) else {
            throw CertificateFault(
                .invalidProfile,
                "a \(what) in a certificate has 1 to 2048 printable ASCII characters without spaces"
            )
        }
        return bytes
    }
}
