import Model
import Testing

struct PortSpecTests {
    static let good: [(String, PortSpec, String)] = [
        ("80", PortSpec(privatePort: 80), "80/tcp"),
        ("80/udp", PortSpec(privatePort: 80, transport: .udp), "80/udp"),
        ("8080:80", PortSpec(publicPort: 8080, privatePort: 80), "8080:80/tcp"),
        ("8080:80/TCP", PortSpec(publicPort: 8080, privatePort: 80), "8080:80/tcp"),
        (
            "10.0.0.1:53:53/udp", PortSpec(ip: "10.0.0.1", publicPort: 53, privatePort: 53, transport: .udp),
            "10.0.0.1:53:53/udp"
        ),
        ("10.0.0.1:80", PortSpec(ip: "10.0.0.1", privatePort: 80), "10.0.0.1:80/tcp"),
        ("10.0.0.1::80", PortSpec(ip: "10.0.0.1", privatePort: 80), "10.0.0.1:80/tcp"),
        ("[FE80::1]:8080:80", PortSpec(ip: "fe80::1", publicPort: 8080, privatePort: 80), "[fe80::1]:8080:80/tcp"),
        ("[::]:80", PortSpec(ip: "::", privatePort: 80), "[::]:80/tcp"),
        ("65535:1", PortSpec(publicPort: 65535, privatePort: 1), "65535:1/tcp"),
    ]

    @Test(arguments: good)
    func `a port is read and spelt canonically`(_ text: String, _ spec: PortSpec, _ canonical: String) throws {
        let parsed: PortSpec = try PortSpec(parsing: text)
        #expect(parsed == spec)
        #expect(parsed.description == canonical)
        #expect(try PortSpec(parsing: canonical) == spec)
    }

    @Test(arguments: [
        ("", PortSpecError.invalidPrivatePort), ("x", .invalidPrivatePort), ("0", .invalidPrivatePort),
        ("65536", .invalidPrivatePort), ("8080:", .invalidPrivatePort), (":80", .invalidPublicPort),
        ("0:80", .invalidPublicPort), ("a:80", .invalidPublicPort), ("80/icmp", .invalidProtocol),
        ("80/", .invalidProtocol), ("80/tcp/udp", .wrongFormat), ("1:2:3", .wrongFormat),
        ("1.2.3.4:5:6:7", .wrongFormat), ("1.2.3.256:1:2", .wrongFormat), ("01.2.3.4:1:2", .wrongFormat),
        ("[::1", .wrongFormat), ("[::1]80", .wrongFormat), ("[1::2::3]:80", .wrongFormat), ("[]:80", .wrongFormat),
        ("+80", .invalidPrivatePort), (" 80", .invalidPrivatePort), ("[::1]:1:2:3", .wrongFormat),
    ])
    func `what is no port is refused with its code`(_ text: String, _ error: PortSpecError) {
        #expect(throws: error) { try PortSpec(parsing: text) }
    }

    @Test func `a reservation is for an address, a port and a protocol`() throws {
        #expect(try PortSpec(parsing: "8080:80").hostPort == "0.0.0.0:8080/tcp")
        #expect(try PortSpec(parsing: "[::1]:53:53/udp").hostPort == "[::1]:53/udp")
        #expect(try PortSpec(parsing: "80").hostPort == nil)
    }

    @Test(arguments: ["::", "::1", "1::", "1:2:3:4:5:6:7:8", "fe80::a:b", "::ffff:1.2.3.4", "1:2:3:4:5:6:1.2.3.4"])
    func `addresses of version 6 are known`(_ text: String) {
        #expect(InternetAddress.isIPv6(text))
    }

    @Test(arguments: [
        "", ":", ":::", "1", "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9", "1::2::3", "12345::", "g::", "1.2.3.4",
        "::1.2.3.4:5",
        "1:2:3:4::5:6:7:8", ":1", "1:",
    ])
    func `what is no address of version 6 is refused`(_ text: String) {
        #expect(!InternetAddress.isIPv6(text))
    }
}
