/// Why a text is not a port specification.
///
/// The raw value is the API's error code.
package enum PortSpecError: String, Error, Hashable, Sendable {
    case wrongFormat = "PortWrongFormat"
    case invalidPrivatePort = "PortInvalidPrivatePort"
    case invalidPublicPort = "PortInvalidPublicPort"
    case invalidProtocol = "PortInvalidProtocol"
}

/// What a container publishes: `[ip:][public:]private[/protocol]`.
///
/// Shape: ports are 1 to 65535; an IPv6 address stands in brackets; the protocol is `tcp` (also when left out) or `udp`.
/// Source: contract O9.
package struct PortSpec: Hashable, Sendable, CustomStringConvertible {
    package enum TransportProtocol: String, Hashable, Sendable, CaseIterable {
        case tcp, udp
    }

    /// Without brackets; nil for every address of the host.
    package var ip: String?
    /// nil for a port that is not published, or is drawn at random by the control plane.
    package var publicPort: UInt16?
    package var privatePort: UInt16
    package var transport: TransportProtocol

    package init(
        ip: String? = nil,
        publicPort: UInt16? = nil,
        privatePort: UInt16,
        transport: TransportProtocol = .tcp
    ) {
        self.ip = ip
        self.publicPort = publicPort
        self.privatePort = privatePort
        self.transport = transport
    }

    package init(parsing text: String) throws(PortSpecError) {
        let halves: [Substring] = text.split(separator: "/", omittingEmptySubsequences: false)
        guard halves.count <= 2, let ports: Substring = halves.first else { throw .wrongFormat }
        var transport: TransportProtocol = .tcp
        if halves.count == 2 {
            guard let named = TransportProtocol(rawValue: halves[1].lowercased()) else { throw .invalidProtocol }
            transport = named
        }
        var address: String?
        var rest: Substring = ports
        if rest.first == "[" {
            guard let close: Substring.Index = rest.firstIndex(of: "]") else { throw .wrongFormat }
            let inner: Substring = rest[rest.index(after: rest.startIndex)..<close]
            guard InternetAddress.isIPv6(inner) else { throw .wrongFormat }
            address = inner.lowercased()
            rest = rest[rest.index(after: close)...]
            guard rest.first == ":" else { throw .wrongFormat }
            rest = rest.dropFirst()
        }
        var parts: [Substring] = rest.split(separator: ":", omittingEmptySubsequences: false)
        // With two parts the first is an address only if it looks like one: `1.2.3.4:80`.
        if address == nil, parts.count == 3 || (parts.count == 2 && parts[0].contains(".")) {
            guard InternetAddress.isIPv4(parts[0]) else { throw .wrongFormat }
            address = String(parts.removeFirst())
        }
        guard parts.count == 1 || parts.count == 2 else { throw .wrongFormat }
        guard let inside: UInt16 = Self.port(parts[parts.count - 1]) else { throw .invalidPrivatePort }
        var outside: UInt16?
        // `ip::private` is the engine's spelling of an address without a port.
        if parts.count == 2, !(parts[0].isEmpty && address != nil) {
            guard let port: UInt16 = Self.port(parts[0]) else { throw .invalidPublicPort }
            outside = port
        }
        self.init(ip: address, publicPort: outside, privatePort: inside, transport: transport)
    }

    private static func port(_ text: Substring) -> UInt16? {
        guard !text.isEmpty, text.utf8.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }),
            let number = UInt16(text), number > 0
        else { return nil }
        return number
    }

    /// The canonical form; parsing it gives this value again.
    package var description: String {
        var text: String = bracketedIP.map { "\($0):" } ?? ""
        if let publicPort { text += "\(publicPort):" }
        return text + "\(privatePort)/\(transport.rawValue)"
    }

    /// The key under which a host reserves it, such as `0.0.0.0:8080/tcp`; nil when no port is published.
    package var hostPort: String? {
        publicPort.map { "\(bracketedIP ?? "0.0.0.0"):\($0)/\(transport.rawValue)" }
    }

    private var bracketedIP: String? {
        ip.map { $0.contains(":") ? "[\($0)]" : $0 }
    }
}
