import Testing

@testable import Authority

@Suite struct PeerIdentityTests {
    @Test(arguments: PeerIdentity.Role.allCases)
    func `an identity is read as it was written`(role: PeerIdentity.Role) {
        for (cluster, number): (UInt64, UInt64) in [(1, 1), (.max, .max), (0xfedc, 1 << 53)] {
            let identity = PeerIdentity(role, cluster: cluster, number: number)
            #expect(PeerIdentity(identity.description) == identity)
        }
        #expect(PeerIdentity(.node, cluster: 255, number: 7).description == "drover://00000000000000ff/node/7")
    }

    @Test(arguments: [
        "", "drover://", "drover://00000000000000ff/node/0", "drover://00000000000000ff/node/-1",
        "drover://00000000000000ff/node/07", "drover://00000000000000FF/node/7", "drover://ff/node/7",
        "drover://00000000000000ff/node/7/", "drover://00000000000000ff/node/7?x", "drover://00000000000000ff/king/7",
        "drover://00000000000000ff/Node/7", "DROVER://00000000000000ff/node/7", "http://00000000000000ff/node/7",
        "drover://00000000000000ff/node/+7", "drover://+0000000000000ff/node/7", "drover://00000000000000ff//7",
        "drover://00000000000000ff/node/18446744073709551616", " drover://00000000000000ff/node/7",
    ])
    func `no other text is an identity`(text: String) {
        #expect(PeerIdentity(text) == nil)
    }

    @Test(arguments: [
        ("127.0.0.1:80", "127.0.0.1", 80), ("[::1]:443", "::1", 443), ("node1:9", "node1", 9),
        ("a.example.com:65535", "a.example.com", 65_535),
    ])
    func `a place has a host and a port`(text: String, host: String, port: Int) {
        #expect(NetworkPlace(text) == NetworkPlace(host: host, port: port))
        #expect(NetworkPlace(text)?.description == text)
    }

    @Test(arguments: [
        "", ":", "80", "host", "host:", "host:0", "host:65536", "host:+1", "::1:80", "[host]:80", "a b:80", "-a:80",
        "a..b:80", "1.2.3:80", "999.1.1.1:80", "host:80/", "http://host:80", "host\n:80",
    ])
    func `no other text is a place`(text: String) {
        #expect(NetworkPlace(text) == nil)
    }
}
