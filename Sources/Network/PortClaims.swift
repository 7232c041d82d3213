import Model

/// Who holds which port of one host.
package struct PortClaims: Sendable {
    package enum Holder: Hashable, Sendable, CustomStringConvertible {
        case instance(UInt64)
        /// Placed in the same batch, so it has no number yet: its name.
        case unit(String)

        package var description: String {
            switch self {
            case .instance(let number): "instance \(ResourceID(number: number).rendered("i"))"
            case .unit(let name): name
            }
        }
    }

    package struct Claim: Hashable, Sendable {
        package var port: HostPort
        package var holder: Holder
    }

    /// By port number, so that a lookup does not walk through all claims; each list ascending by port.
    private var claims: [UInt16: [Claim]] = [:]

    package init() {}

    /// The claims of a host's reservation record.
    ///
    /// A key in a form that this node does not know conflicts with nothing that it could place.
    package init(_ reserved: [String: UInt64]) {
        for (text, holder) in reserved.sorted(by: { $0.key < $1.key }) {
            if let port = HostPort(canonical: text) { claim(port, .instance(holder)) }
        }
    }

    package mutating func claim(_ port: HostPort, _ holder: Holder) {
        var list: [Claim] = claims[port.port] ?? []
        let position: Int = list.firstIndex { port < $0.port } ?? list.count
        list.insert(Claim(port: port, holder: holder), at: position)
        claims[port.port] = list
    }

    /// The first claim that stands in the way; nil when the port is free.
    package func conflict(with port: HostPort) -> Claim? {
        claims[port.port]?.first { $0.port.conflicts(with: port) }
    }
}
