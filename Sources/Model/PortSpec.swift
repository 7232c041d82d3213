/// A port specification of a launch configuration.
///
/// Shape: `[ip:][public:]private[/protocol]`; an IPv6 address stands in brackets; the protocol is `tcp` unless it is said.
package struct PortSpec: Hashable, Sendable, CustomStringConvertible {
    package enum Transport: String, Sendable, Hashable, CaseIterable {
        case tcp, udp
    }

    /// nil for every address of the host.
    package var ip: String?
    /// nil when nothing is published.
    package var publicPort: UInt16?
    package var privatePort: UInt16
    package var `protocol`: Transport

    package init(
        ip: String? = nil, publicPort: UInt16? = nil, privatePort: UInt16, `protocol`: Transport = .tcp
    ) {
        self.ip = ip
        self.publicPort = publicPort
        self.privatePort = privatePort
        self.protocol = `protocol`
    }

    /// - Throws: ``PortSpecError`` that names the part that is wrong.
    package init(parsing text: String) throws(PortSpecError) {
        var rest: Substring = text[...]
        var transport: Transport = .tcp
        if let slash: Substring.Index = rest.lastIndex(of: "/") {
            guard let known = Transport(rawValue: rest[rest.index(after: slash)...].lowercased()) else {
                throw .invalidProtocol(text)
            }
            transport = known
            rest = rest[..<slash]
        }
        var address: String?
        if rest.first == "[" {
            guard let close: Substring.Index = rest.firstIndex(of: "]") else { throw .wrongFormat(text) }
            address = String(rest[rest.index(after: rest.startIndex)..<close])
            rest = rest[rest.index(after: close)...]
            guard rest.popFirst() == ":", address?.isEmpty == false else { throw .wrongFormat(text) }
        }
        var parts: [Substring] = rest.split(separator: ":", omittingEmptySubsequences: false)
        guard parts.count <= (address == nil ? 3 : 2), let last: Substring = parts.popLast() else {
            throw .wrongFormat(text)
        }
        guard let inside: UInt16 = Self.port(last) else { throw .invalidPrivatePort(text) }
        var outside: UInt16?
        if let middle: Substring = parts.popLast() {
            guard let port: UInt16 = Self.port(middle) else { throw .invalidPublicPort(text) }
            outside = port
        }
        if let first: Substring = parts.popLast() {
            guard !first.isEmpty else { throw .wrongFormat(text) }
            address = String(first)
        }
        self.init(ip: address, publicPort: outside, privatePort: inside, protocol: transport)
    }

    package var description: String {
        var text: String = ""
        if let ip: String = ip { text += ip.contains(":") ? "[\(ip)]:" : "\(ip):" }
        if let port: UInt16 = publicPort { text += "\(port):" }
        return text + "\(privatePort)/\(self.protocol.rawValue)"
    }

    private static func port(_ text: Substring) -> UInt16? {
        guard text.utf8.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }),
            let number = UInt16(text), number > 0
        else { return nil }
        return number
    }
}

/// What is wrong with a port specification; each case holds its text.
package enum PortSpecError: Error, Hashable, Sendable {
    case wrongFormat(String)
    case invalidPrivatePort(String)
    case invalidPublicPort(String)
    case invalidProtocol(String)
}
