import Testing

@testable import Certificates

struct AuthorityTests {
    @Test func `an authority issues what the profile says`() throws {
        let authority: CertificateAuthority = try .found(commonName: "home", now: 1_700_000_000_000, lifetimeSeconds: 86_400)
        #expect(authority.certificate.isAuthority)
    }
}
