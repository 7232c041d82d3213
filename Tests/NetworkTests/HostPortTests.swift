import Model
import Network
import Testing

struct HostPortTests {
    @Test(arguments: [
        ("0.0.0.0:8080/tcp", HostPort(port: 8080)),
        ("127.0.0.1:53/udp", HostPort(ip: "127.0.0.1", port: 53, transport: .udp)),
        ("[fd00::1]:443/tcp", HostPort(ip: "FD00::1", port: 443)),
    ])
    func `the canonical text reads back`(_ text: String, _ port: HostPort) {
        #expect(port.canonical == text)
        #expect(HostPort(canonical: text) == port)
    }

    @Test(arguments: ["", "8080", "0.0.0.0:8080", "0.0.0.0:0/tcp", "0.0.0.0:x/tcp", "0.0.0.0:80/sctp", "80/tcp", ":/"])
    func `anything else is no host port`(_ text: String) {
        #expect(HostPort(canonical: text) == nil)
    }

    @Test(arguments: [
        ("0.0.0.0:80/tcp", "0.0.0.0:80/tcp", true),
        ("0.0.0.0:80/tcp", "10.0.0.1:80/tcp", true),
        ("10.0.0.1:80/tcp", "0.0.0.0:80/tcp", true),
        ("[::]:80/tcp", "10.0.0.1:80/tcp", true),
        ("10.0.0.1:80/tcp", "10.0.0.1:80/tcp", true),
        ("10.0.0.1:80/tcp", "10.0.0.2:80/tcp", false),
        ("0.0.0.0:80/tcp", "0.0.0.0:80/udp", false),
        ("0.0.0.0:80/tcp", "0.0.0.0:81/tcp", false),
    ])
    func `claims conflict as the table says`(_ left: String, _ right: String, _ isConflict: Bool) throws {
        let first: HostPort = try #require(HostPort(canonical: left))
        let second: HostPort = try #require(HostPort(canonical: right))
        #expect(first.conflicts(with: second) == isConflict)
    }

    @Test
    func `a specification that publishes nothing claims nothing`() throws {
        #expect(HostPort(try PortSpec(parsing: "80")) == nil)
        #expect(HostPort(try PortSpec(parsing: "8080:80"))?.canonical == "0.0.0.0:8080/tcp")
        #expect(HostPort(try PortSpec(parsing: "127.1.0.2:53:53/udp"))?.canonical == "127.1.0.2:53/udp")
    }

    @Test
    func `a conflict names the port and who holds it`() {
        let claims = PortClaims(["0.0.0.0:8080/tcp": 7, "10.0.0.1:53/udp": 9, "from a newer node": 11])
        #expect(claims.conflict(with: HostPort(ip: "10.0.0.9", port: 8080))?.holder.description == "instance 1i7")
        #expect(claims.conflict(with: HostPort(ip: "10.0.0.2", port: 53, transport: .udp)) == nil)
        #expect(claims.conflict(with: HostPort(port: 53, transport: .udp))?.port.description == "10.0.0.1:53/udp")
    }
}
