import Bytes
import Certificates
import Limits
import Testing

@testable import Authority

@Suite struct SealedAuthorityTests {
    static let now: Int64 = 1_790_000_000_000
    static let cluster: UInt64 = 0x0123_4567_89ab_cdef

    static func founded() throws -> CertificateAuthority { try Issuing.found(cluster: cluster, now: now) }

    @Test func `a sealed authority opens with its key, and issues`() throws {
        let authority: CertificateAuthority = try Self.founded()
        let key: [UInt8] = SealedAuthority.newSealingKey()
        let sealed = try SealedAuthority(sealing: authority, key: key, cluster: Self.cluster)
        #expect(!sealed.sealedKey.contains("PRIVATE") && !sealed.certificate.contains("PRIVATE"))
        let opened: CertificateAuthority = try sealed.open(key: key, cluster: Self.cluster)
        #expect(opened.certificate == authority.certificate)
        #expect(opened.key.pem == authority.key.pem)
    }

    @Test func `it opens with no other key, for no other cluster, and not when a byte was altered`() throws {
        let key: [UInt8] = SealedAuthority.newSealingKey()
        let sealed = try SealedAuthority(sealing: try Self.founded(), key: key, cluster: Self.cluster)
        var other: [UInt8] = key
        other[7] ^= 1
        #expect(throws: AuthorityFault.self) { try sealed.open(key: other, cluster: Self.cluster) }
        #expect(throws: AuthorityFault.self) { try sealed.open(key: Array(key.dropLast()), cluster: Self.cluster) }
        #expect(throws: AuthorityFault.self) { try sealed.open(key: key, cluster: Self.cluster + 1) }
        let bytes: [UInt8] = try #require(Base64.decode(sealed.sealedKey))
        for place in stride(from: 0, to: bytes.count, by: 11) {
            var altered: [UInt8] = bytes
            altered[place] ^= 0x10
            let wrong = SealedAuthority(certificate: sealed.certificate, sealedKey: Base64.encode(altered))
            #expect(throws: AuthorityFault.self) { try wrong.open(key: key, cluster: Self.cluster) }
        }
        for text in ["", "!", "AAAA"] {
            let wrong = SealedAuthority(certificate: sealed.certificate, sealedKey: text)
            #expect(throws: AuthorityFault.self) { try wrong.open(key: key, cluster: Self.cluster) }
        }
    }

    @Test func `the key of one authority is refused beside the certificate of another`() throws {
        let key: [UInt8] = SealedAuthority.newSealingKey()
        let one = try SealedAuthority(sealing: try Self.founded(), key: key, cluster: Self.cluster)
        let two = try SealedAuthority(sealing: try Self.founded(), key: key, cluster: Self.cluster)
        let mixed = SealedAuthority(certificate: one.certificate, sealedKey: two.sealedKey)
        #expect(throws: AuthorityFault.self) { try mixed.open(key: key, cluster: Self.cluster) }
    }

    @Test func `a node's certificate says who it is and where it is found`() throws {
        let authority: CertificateAuthority = try Self.founded()
        let request: CertificateRequest = try .make(key: .generate(), commonName: "whatever it asks for")
        let certificate: Certificate = try Issuing.node(
            request,
            by: authority,
            cluster: Self.cluster,
            member: 7,
            name: "node1",
            hosts: ["10.1.2.3", "0.0.0.0", "::", "node1.example.com", "127.0.0.1", "not a host"],
            now: Self.now
        )
        #expect(certificate.isIssued(by: authority.certificate) && !certificate.isAuthority)
        #expect(certificate.commonName == "node1")
        #expect(certificate.uris == ["drover://0123456789abcdef/node/7"])
        #expect(certificate.dnsNames == ["localhost", "node1", "node1.example.com"])
        #expect(Set(certificate.addresses) == ["127.0.0.1", "::1", "10.1.2.3"])
        #expect(certificate.notAfter == Self.now + Limits.nodeCertificateSeconds * 1_000)
        #expect(PeerIdentity(certificate) == PeerIdentity(.node, cluster: Self.cluster, number: 7))
    }

    @Test func `a host's certificate names the host, and no place`() throws {
        let certificate: Certificate = try Issuing.host(
            try .make(key: .generate(), commonName: "h"),
            by: try Self.founded(),
            cluster: Self.cluster,
            host: 42,
            now: Self.now
        )
        #expect(PeerIdentity(certificate) == PeerIdentity(.host, cluster: Self.cluster, number: 42))
        #expect(certificate.dnsNames.isEmpty && certificate.addresses.isEmpty)
        #expect(certificate.notAfter == Self.now + Limits.hostCertificateSeconds * 1_000)
    }

    @Test func `a certificate with two identities has none`() throws {
        let certificate: Certificate = try Self.founded().issue(
            try .make(key: .generate(), commonName: "x"),
            CertificateProfile(
                commonName: "x",
                uris: ["drover://0123456789abcdef/node/7", "drover://0123456789abcdef/host/8"],
                usages: [.client],
                lifetimeSeconds: 60
            ),
            now: Self.now
        )
        #expect(PeerIdentity(certificate) == nil)
    }

    @Test func `renewal falls past the half of a life, and a tenth is always left`() {
        let (start, end): (Int64, Int64) = (1_000, 1_001_000)
        for random: UInt64 in [0, 1, 399_999, 400_000, .max] {
            let moment: Int64 = Renewal.moment(notBefore: start, notAfter: end, random: random)
            #expect(moment >= 501_000 && moment <= 901_000)
        }
        #expect(
            Set((0..<100).map { Renewal.moment(notBefore: start, notAfter: end, random: $0 * 7_919) }).count > 90
        )
        #expect(Renewal.moment(notBefore: 5, notAfter: 5, random: 9) == 5)
        #expect(Renewal.moment(notBefore: 9, notAfter: 5, random: 9) == 9)
    }
}
