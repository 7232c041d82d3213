import Testing

@testable import Certificates

struct AuthorityTests {
    @Test func `a founded authority says what it is`() throws {
        let founded: CertificateAuthority = try .found(commonName: "home", now: moment, lifetimeSeconds: 86_400)
        let certificate: Certificate = founded.certificate
        #expect(certificate.isAuthority)
        #expect(certificate.commonName == "home")
        #expect(certificate.isIssued(by: certificate))
        #expect(certificate.notBefore == moment - 3_600_000)
        #expect(certificate.notAfter == moment + 86_400_000)
        #expect(certificate.fingerprint.count == 32)
    }

    @Test func `a certificate says what the profile says, for the key of the request`() throws {
        let (certificate, key): (Certificate, PrivateKey) = try issued(profile)
        #expect(certificate.commonName == "node 1")
        #expect(certificate.uris == profile.uris)
        #expect(certificate.dnsNames == profile.dnsNames)
        #expect(certificate.addresses == profile.addresses)
        #expect(!certificate.isAuthority)
        #expect(certificate.isIssued(by: authority.certificate))
        #expect(!certificate.isIssued(by: certificate))
        #expect(!authority.certificate.isIssued(by: certificate))
        // The key fits: the pair makes an authority, but for the certificate's not being one.
        #expect(fault { _ = try CertificateAuthority(certificate: certificate, key: key) }?.reason == .unsuitable)
        #expect(try issued(CertificateProfile(commonName: "bare", usages: [.client], lifetimeSeconds: 60)).0.uris == [])
    }

    @Test func `a namesake's certificates are not taken for one's own`() throws {
        let namesake: CertificateAuthority = try .found(commonName: "home", now: wallClock, lifetimeSeconds: 86_400)
        let (certificate, _): (Certificate, PrivateKey) = try issued(profile, by: namesake)
        #expect(certificate.isIssued(by: namesake.certificate))
        #expect(!certificate.isIssued(by: authority.certificate))
    }

    @Test func `times are those asked for, within the authority's`() throws {
        let founded: CertificateAuthority = try .found(commonName: "home", now: moment, lifetimeSeconds: 7_200)
        let (short, _): (Certificate, PrivateKey) = try issued(profile, by: founded, now: moment + 500)
        #expect(short.notBefore == moment - 3_600_000)
        #expect(short.notAfter == moment + 3_600_000)
        var long: CertificateProfile = profile
        long.lifetimeSeconds = 1_000_000_000
        #expect(try issued(long, by: founded, now: moment).0.notAfter == founded.certificate.notAfter)
        #expect(fault { _ = try issued(profile, by: founded, now: moment + 7_200_000) }?.reason == .unsuitable)
        for lifetime: Int64 in [0, -1, .min, .max] {
            long.lifetimeSeconds = lifetime
            #expect(fault { _ = try issued(long, by: founded, now: moment) }?.reason == .invalidProfile)
        }
        #expect(fault { _ = try issued(profile, now: .min) }?.reason == .invalidProfile)
        #expect(fault { _ = try issued(profile, now: .max) }?.reason == .invalidProfile)
    }

    @Test func `no serial number comes twice`() throws {
        let serials: [String] = try (0..<50).map { _ in try issued(profile).0.serial }
        #expect(Set(serials).count == 50)
        #expect(serials.allSatisfy { $0.count >= 24 && $0.count <= 34 })
    }

    static let badNames: [CertificateProfile] = [
        CertificateProfile(commonName: "", usages: [.client], lifetimeSeconds: 60),
        CertificateProfile(commonName: String(repeating: "x", count: 65), usages: [.client], lifetimeSeconds: 60),
        CertificateProfile(commonName: "a\0b", usages: [.client], lifetimeSeconds: 60),
        CertificateProfile(commonName: "a", uris: ["drover://x y"], usages: [.client], lifetimeSeconds: 60),
        CertificateProfile(commonName: "a", uris: [""], usages: [.client], lifetimeSeconds: 60),
        CertificateProfile(commonName: "a", dnsNames: ["a.test\0.evil"], usages: [.client], lifetimeSeconds: 60),
        CertificateProfile(commonName: "a", dnsNames: ["ä.test"], usages: [.client], lifetimeSeconds: 60),
        CertificateProfile(commonName: "a", addresses: ["a.test"], usages: [.client], lifetimeSeconds: 60),
        CertificateProfile(commonName: "a", addresses: ["127.0.0.1\0"], usages: [.client], lifetimeSeconds: 60),
        CertificateProfile(commonName: "a", usages: [], lifetimeSeconds: 60),
    ]

    @Test(arguments: badNames)
    func `a wish that no certificate can carry out is refused`(_ profile: CertificateProfile) {
        #expect(fault { _ = try issued(profile) }?.reason == .invalidProfile)
    }

    @Test func `an authority and its key stay together`() throws {
        let key = try PrivateKey(pem: authority.key.pem)
        let again = try CertificateAuthority(certificate: Certificate(pem: authority.certificate.pem), key: key)
        #expect(try issued(profile, by: again).0.isIssued(by: authority.certificate))
        let other: PrivateKey = try .generate()
        #expect(
            fault { _ = try CertificateAuthority(certificate: authority.certificate, key: other) }?.reason == .mismatch
        )
    }
}
