import Certificates
import Testing

@testable import Authority

@Suite struct PersonIdentityTests {
    @Test func `an identity is read as it was written, and never as a node's or a host's`() {
        for (cluster, incarnation, account): (UInt64, UInt64, UInt64) in [
            (1, 1, 1), (.max, .max, .max), (0xfedc, 0, 7),
        ] {
            let identity = PersonIdentity(cluster: cluster, incarnation: incarnation, account: account)
            #expect(PersonIdentity(identity.description) == identity)
            #expect(PeerIdentity(identity.description) == nil)
        }
        for role in PeerIdentity.Role.allCases {
            #expect(PersonIdentity(PeerIdentity(role, cluster: 255, number: 7).description) == nil)
        }
        #expect(
            PersonIdentity(cluster: 255, incarnation: 1, account: 7).description
                == "drover://00000000000000ff/0000000000000001/account/7"
        )
    }

    @Test(arguments: [
        "", "drover://", "drover://00000000000000ff/account/7", "drover://00000000000000ff/0000000000000001/account/0",
        "drover://00000000000000ff/0000000000000001/account/07",
        "drover://00000000000000ff/0000000000000001/account/+7",
        "drover://00000000000000FF/0000000000000001/account/7", "drover://ff/1/account/7",
        "drover://00000000000000ff/0000000000000001/account/7/", "drover://00000000000000ff/0000000000000001/host/7",
        "drover://00000000000000ff/0000000000000001/node/7", "drover://00000000000000ff/000000000000000G/account/7",
        "https://00000000000000ff/0000000000000001/account/7", "drover://00000000000000ff//account/7",
    ])
    func `no other text is an identity`(text: String) {
        #expect(PersonIdentity(text) == nil)
    }

    @Test func `the profile is a client's, short, with the serial number that was chosen, and for one account`() throws
    {
        let now: Int64 = 1_700_000_000_000
        let authority: CertificateAuthority = try Issuing.found(cluster: 1, now: now)
        let request = try CertificateRequest.make(key: try .generate(), commonName: "node1")
        let identity = PersonIdentity(cluster: 1, incarnation: 2, account: 7)
        let serial: [UInt8] = [0x4F] + [UInt8](repeating: 0xA0, count: 15)
        func issue(_ until: Int64) throws -> Certificate {
            try Issuing.person(request, by: authority, identity: identity, serial: serial, until: until, now: now)
        }
        let made: Certificate = try issue(now + 3_600_000)
        #expect(PersonIdentity(made) == identity && PeerIdentity(made) == nil)
        #expect(made.serial == "4f" + String(repeating: "a0", count: 15))
        #expect(made.notAfter == now + 3_600_000 && !made.isAuthority && made.isIssued(by: authority.certificate))
        #expect(made.dnsNames.isEmpty && made.addresses.isEmpty && made.commonName == "account 7")
        // However long somebody asks for.
        #expect(try issue(now + 400 * 86_400_000).notAfter == now + 90 * 86_400_000)
        #expect(throws: AuthorityFault.self) { try issue(now) }
        // Nodes and hosts are not people.
        let host: Certificate = try Issuing.host(request, by: authority, cluster: 1, host: 7, now: now)
        #expect(PersonIdentity(host) == nil)
    }
}
