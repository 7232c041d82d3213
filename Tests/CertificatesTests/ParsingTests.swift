import Bytes
import COpenSSL
import TestSupport
import Testing

@testable import Certificates

struct ParsingTests {
    @Test func `PEM goes there and back`() throws {
        let (certificate, key): (Certificate, PrivateKey) = try issued(profile)
        #expect(try Certificate(pem: certificate.pem) == certificate)
        #expect(try Certificate(der: certificate.der) == certificate)
        #expect(try PrivateKey(pem: key.pem).pem == key.pem)
        let request: CertificateRequest = try .make(key: key, commonName: "asker")
        #expect(try CertificateRequest(pem: request.pem) == request)
    }

    @Test func `a bundle has its certificates in order, whatever stands between`() throws {
        let (certificate, key): (Certificate, PrivateKey) = try issued(profile)
        let text: [UInt8] =
            Array("# our server\r\n".utf8) + certificate.pem + Array("\n\nsubject=home\n".utf8) + key.pem
            + authority.certificate.pem
        #expect(try Certificate.bundle(pem: text) == [certificate, authority.certificate])
        #expect(fault { _ = try Certificate(pem: text) }?.reason == .malformed)
        let crlf: [UInt8] = certificate.pem.flatMap { $0 == 0x0A ? [0x0D, 0x0A] : [$0] }
        #expect(try Certificate(pem: crlf) == certificate)
        #expect(fault { _ = try Certificate.bundle(pem: []) }?.message.contains("no 'CERTIFICATE'") == true)
        #expect(fault { _ = try Certificate.bundle(pem: key.pem) }?.message.contains("no 'CERTIFICATE'") == true)
    }

    @Test func `a key with a password is refused in words, and nobody is asked for it`() throws {
        let encrypted: [UInt8] = PEM.encode([1, 2, 3], label: "ENCRYPTED PRIVATE KEY")
        #expect(fault { _ = try PrivateKey(pem: encrypted) }?.message.contains("password") == true)
        let old: String =
            "-----BEGIN EC PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-256-CBC,00\n\nAAAA\n"
            + "-----END EC PRIVATE KEY-----\n"
        #expect(fault { _ = try PrivateKey(pem: Array(old.utf8)) }?.message.contains("password") == true)
    }

    @Test func `a request with another's signature is refused`() throws {
        let key: PrivateKey = try .generate()
        var der: [UInt8] = try CertificateRequest.make(key: key, commonName: "asker").der
        // The common name, which is signed.
        let position: Int = try #require((0..<der.count - 5).first { der[$0..<$0 + 5].elementsEqual("asker".utf8) })
        der[position] = UInt8(ascii: "b")
        #expect(
            fault { _ = try CertificateRequest(pem: PEM.encode(der, label: "CERTIFICATE REQUEST")) }?.reason
                == .mismatch
        )
        #expect(fault { _ = try CertificateRequest(pem: key.pem) }?.reason == .malformed)
    }

    @Test func `weak keys are refused`() throws {
        for name in ["secp224r1", "secp256k1"] {
            let weak: OpaquePointer = try #require(makeKey(curve: name))
            defer { EVP_PKEY_free(weak) }
            let info: OpaquePointer = try #require(EVP_PKEY2PKCS8(weak))
            defer { PKCS8_PRIV_KEY_INFO_free(info) }
            let der: [UInt8] = try #require(encoded { i2d_PKCS8_PRIV_KEY_INFO(info, $0) })
            #expect(fault { _ = try PrivateKey(pem: PEM.encode(der, label: "PRIVATE KEY")) }?.reason == .unsuitable)
        }
    }

    private func makeKey(curve: String) -> OpaquePointer? {
        guard let context = EVP_PKEY_CTX_new_from_name(nil, "EC", nil) else { return nil }
        defer { EVP_PKEY_CTX_free(context) }
        var key: OpaquePointer?
        guard EVP_PKEY_keygen_init(context) == 1, EVP_PKEY_CTX_set_group_name(context, curve) == 1,
            EVP_PKEY_keygen(context, &key) == 1
        else { return nil }
        return key
    }

    /// A certificate with alternative names as given, which an authority that is not ours might have issued.
    private func certificate(alternativeNames: [UInt8], twice: Bool = false) throws -> [UInt8] {
        try authority.certificate.withHandle { parsed -> [UInt8] in
            let copy: OpaquePointer = try #require(X509_dup(parsed))
            defer { X509_free(copy) }
            let octets = try #require(ASN1_OCTET_STRING_new())
            defer { ASN1_OCTET_STRING_free(octets) }
            ASN1_OCTET_STRING_set(octets, alternativeNames, Int32(alternativeNames.count))
            for _ in 0..<(twice ? 2 : 1) {
                let made: OpaquePointer = try #require(
                    X509_EXTENSION_create_by_NID(nil, NID_subject_alt_name, 0, octets)
                )
                defer { X509_EXTENSION_free(made) }
                #expect(X509_add_ext(copy, made, -1) == 1)
            }
            try authority.key.withHandle { key in
                let signed: Int32 = X509_sign(copy, key, EVP_sha256())
                try #require(signed > 0)
            }
            return try #require(encoded { i2d_X509(copy, $0) })
        }
    }

    @Test func `names that another program would read otherwise make a certificate unusable`() throws {
        let good: [UInt8] = DERBytes.sequence([DERBytes.tagged(2, Array("a.test".utf8))])
        #expect(try Certificate(der: certificate(alternativeNames: good)).dnsNames == ["a.test"])
        for text in ["a.test\0.evil", "", "a b", "a\u{7F}", "a\n"] {
            for tag: UInt8 in [2, 6] {
                let names: [UInt8] = DERBytes.sequence([DERBytes.tagged(tag, Array(text.utf8))])
                let der: [UInt8] = try certificate(alternativeNames: names)
                #expect(fault { _ = try Certificate(der: der) } != nil, "\(text.debugDescription)")
            }
        }
        for names in [[], [0x30], [0x30, 0x05, 0x82], DERBytes.sequence([DERBytes.tagged(7, [1, 2, 3])])] {
            let der: [UInt8] = try certificate(alternativeNames: names)
            #expect(fault { _ = try Certificate(der: der) } != nil, "\(names)")
        }
        let twice: [UInt8] = try certificate(alternativeNames: good, twice: true)
        #expect(fault { _ = try Certificate(der: twice) } != nil)
    }

    @Test(arguments: [UInt64](0..<8))
    func `arbitrary bytes are refused, never trapped on`(seed: UInt64) throws {
        var random = Seeded(seed)
        let (certificate, key): (Certificate, PrivateKey) = try issued(profile)
        let request: [UInt8] = try CertificateRequest.make(key: key, commonName: "asker").pem
        let samples: [[UInt8]] = [certificate.pem, key.pem, request, certificate.der, []]
        var read: Int = 0
        for _ in 0..<400 {
            var bytes: [UInt8] = samples.randomElement(using: &random) ?? []
            for _ in 0..<Int.random(in: 0...4, using: &random) {
                switch Int.random(in: 0..<4, using: &random) {
                case 0 where !bytes.isEmpty:
                    bytes[Int.random(in: 0..<bytes.count, using: &random)] = .random(in: 0...255, using: &random)
                case 1 where !bytes.isEmpty: bytes.removeLast(Int.random(in: 0...bytes.count, using: &random))
                case 2:
                    bytes.insert(
                        .random(in: 0...255, using: &random),
                        at: Int.random(in: 0...bytes.count, using: &random)
                    )
                default:
                    bytes += (0..<Int.random(in: 0...64, using: &random)).map { _ in
                        .random(in: 0...255, using: &random)
                    }
                }
            }
            if let all = try? Certificate.bundle(pem: bytes) { read += all.count }
            if let one = try? Certificate(der: bytes) {
                read += 1
                _ = one.isIssued(by: one)
            }
            _ = try? PrivateKey(pem: bytes)
            _ = try? CertificateRequest(pem: bytes)
        }
        #expect(read > 20, "hardly anything was still a certificate: the bytes are too wild to test the parser")
    }

    @Test func `an endless text is not read`() {
        let long = [UInt8](repeating: UInt8(ascii: "A"), count: 2_000_000)
        #expect(fault { _ = try Certificate.bundle(pem: long) }?.message.contains("at most") == true)
    }

    @Test func `no description shows key material`() throws {
        let key: PrivateKey = authority.key
        let secret: [String] = String(decoding: key.pem, as: UTF8.self).split(separator: "\n").dropFirst().dropLast()
            .map(String.init)
        var dumped: String = ""
        dump(authority, to: &dumped)
        dump(key, to: &dumped)
        let texts: [String] = [
            "\(key)", String(reflecting: key), "\(authority)", String(reflecting: authority), dumped,
        ]
        for text in texts {
            for line in secret { #expect(!text.contains(line)) }
        }
        #expect("\(key)" == "PrivateKey(hidden)")
    }
}
