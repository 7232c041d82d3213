internal import Bytes
internal import COpenSSL
internal import Glibc

/// Fields of a parsed certificate as plain values.
enum CertificateFields {
    static func commonName(_ certificate: OpaquePointer) throws(CertificateFault) -> String {
        guard let subject = X509_get_subject_name(certificate) else { return "" }
        let index: Int32 = X509_NAME_get_index_by_NID(subject, NID_commonName, -1)
        guard index >= 0, let entry = X509_NAME_get_entry(subject, index), let data = X509_NAME_ENTRY_get_data(entry)
        else { return "" }
        var text: UnsafeMutablePointer<UInt8>?
        let count: Int32 = ASN1_STRING_to_UTF8(&text, data)
        guard count >= 0, let text else {
            throw CertificateFault(.malformed, "the certificate's common name is not text")
        }
        defer { CRYPTO_free(text, #file, #line) }
        let bytes: [UInt8] = Array(UnsafeBufferPointer(start: text, count: Int(count)))
        guard let name = String(validating: bytes, as: UTF8.self), bytes.allSatisfy({ $0 >= 0x20 && $0 != 0x7F }) else {
            throw CertificateFault(.unsuitable, "the certificate's common name has control characters")
        }
        return name
    }

    static func milliseconds(_ time: UnsafePointer<ASN1_TIME>?) throws(CertificateFault) -> Int64 {
        var parts = tm()
        guard let time, ASN1_TIME_to_tm(time, &parts) == 1 else {
            throw CertificateFault(.malformed, "the certificate's time of validity is not a time")
        }
        return Int64(timegm(&parts)) * 1_000
    }

    static func serial(_ certificate: OpaquePointer) -> String {
        guard let number = X509_get0_serialNumber(certificate) else { return "" }
        // OpenSSL keeps the sign of a number in the type of its bytes.
        let isNegative: Bool = ASN1_STRING_type(number) == V_ASN1_NEG_INTEGER
        return (isNegative ? "-" : "") + Hex.encode(content(number))
    }
}

/// The subject alternative names of a certificate.
struct AlternativeNames {
    private(set) var uris: [String] = []
    private(set) var dnsNames: [String] = []
    private(set) var addresses: [String] = []

    /// Reads them; a name that a C program would read otherwise than we do makes the certificate unusable.
    init(_ certificate: OpaquePointer) throws(CertificateFault) {
        var critical: Int32 = -1
        let found: UnsafeMutableRawPointer? = X509_get_ext_d2i(certificate, NID_subject_alt_name, &critical, nil)
        guard let found else {
            // -1: there is none. Else it is damaged, or there are several.
            guard critical == -1 else {
                throw CertificateFault(.malformed, "the certificate's alternative names are damaged or given twice")
            }
            return
        }
        let names = OpaquePointer(found)
        defer { GENERAL_NAMES_free(names) }
        for index in 0..<max(0, copenssl_name_count(names)) {
            guard let name = copenssl_name_at(names, index) else { continue }
            var kind: Int32 = -1
            guard let value = GENERAL_NAME_get0_value(name, &kind) else { continue }
            let bytes: () -> [UInt8] = { content(UnsafePointer(value.assumingMemoryBound(to: ASN1_STRING.self))) }
            switch kind {
            case GEN_URI: uris.append(try Self.text(bytes(), "URI"))
            case GEN_DNS: dnsNames.append(try Self.text(bytes(), "DNS name"))
            case GEN_IPADD: addresses.append(try AddressText.text(bytes()))
            default: continue
            }
        }
    }

    private static func text(_ bytes: [UInt8], _ what: String) throws(CertificateFault) -> String {
        guard !bytes.isEmpty, bytes.allSatisfy({ (0x21...0x7E).contains($0) }) else {
            throw CertificateFault(.unsuitable, "the certificate has a \(what) with characters that no such name has")
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}

/// IP addresses between bytes and numeric text.
enum AddressText {
    static func text(_ bytes: [UInt8]) throws(CertificateFault) -> String {
        let family: Int32
        switch bytes.count {
        case 4: family = AF_INET
        case 16: family = AF_INET6
        default: throw CertificateFault(.malformed, "the certificate has an address of \(bytes.count) bytes")
        }
        var text = [CChar](repeating: 0, count: Int(INET6_ADDRSTRLEN))
        guard inet_ntop(family, bytes, &text, socklen_t(text.count)) != nil else {
            throw CertificateFault(.malformed, "the certificate has an address that cannot be written")
        }
        return String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    /// The bytes of a numeric address, or nil.
    static func bytes(_ text: String) -> [UInt8]? {
        guard !text.utf8.contains(0) else { return nil }
        var bytes = [UInt8](repeating: 0, count: 16)
        if inet_pton(AF_INET, text, &bytes) == 1 { return Array(bytes[..<4]) }
        return inet_pton(AF_INET6, text, &bytes) == 1 ? bytes : nil
    }
}
