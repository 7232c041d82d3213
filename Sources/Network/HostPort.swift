package import Model

/// A port of a host, as an instance claims it: the unit of port reservations.
///
/// Canonical text: `0.0.0.0:8080/tcp`, `[::1]:53/udp`; it is the key in ``HostReservation/ports``. Every host
/// publishes on an address of its own, so claims of different hosts never meet.
package struct HostPort: Hashable, Sendable, CustomStringConvertible {
    /// `0.0.0.0` for every address of the host; IPv6 in lower case, without brackets.
    package var ip: String
    package var port: UInt16
    package var transport: PortSpec.TransportProtocol

    package static let everyAddress: String = "0.0.0.0"

    package init(ip: String = HostPort.everyAddress, port: UInt16, transport: PortSpec.TransportProtocol = .tcp) {
        self.ip = ip.isEmpty || ip == "*" ? HostPort.everyAddress : ip.lowercased()
        self.port = port
        self.transport = transport
    }

    /// What a port specification claims; nil when it publishes nothing.
    package init?(_ spec: PortSpec) {
        guard let port: UInt16 = spec.publicPort else { return nil }
        self.init(ip: spec.ip ?? HostPort.everyAddress, port: port, transport: spec.transport)
    }

    /// Reads the canonical text; nil for anything else.
    package init?(canonical text: String) {
        guard let slash: String.Index = text.lastIndex(of: "/"),
            let transport: PortSpec.TransportProtocol = HostPort.transports.first(where: {
                HostPort.name($0) == text[text.index(after: slash)...]
            }),
            let colon: String.Index = text[..<slash].lastIndex(of: ":"),
            let port = UInt16(text[text.index(after: colon)..<slash]), port > 0
        else { return nil }
        var address: Substring = text[..<colon]
        if address.first == "[", address.last == "]" { address = address.dropFirst().dropLast() }
        self.init(ip: String(address), port: port, transport: transport)
    }

    package var canonical: String {
        ip.contains(":") ? "[\(ip)]:\(port)/\(HostPort.name(transport))" : "\(ip):\(number)"
    }

    /// The port without its address, as messages name it: `8080/tcp`.
    package var number: String { "\(port)/\(HostPort.name(transport))" }

    package var description: String { isEveryAddress ? number : canonical }

    package var isEveryAddress: Bool { ip == HostPort.everyAddress || ip == "::" }

    /// Whether one host can serve only one of the two.
    ///
    /// A claim on every address meets each claim on the same port and protocol; tcp and udp never meet.
    package func conflicts(with other: HostPort) -> Bool {
        port == other.port && transport == other.transport
            && (isEveryAddress || other.isEveryAddress || ip == other.ip)
    }

    private static let transports: [PortSpec.TransportProtocol] = [.tcp, .udp]

    private static func name(_ transport: PortSpec.TransportProtocol) -> String {
        switch transport {
        case .tcp: "tcp"
        case .udp: "udp"
        }
    }
}

extension HostPort: Comparable {
    /// By number, then protocol, then address: the order in which messages list ports.
    package static func < (left: HostPort, right: HostPort) -> Bool {
        if left.port != right.port { return left.port < right.port }
        if left.transport != right.transport { return left.transport == .tcp }
        return left.ip < right.ip
    }
}
