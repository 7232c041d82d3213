internal import Model

/// Ports as people write them, told apart from what no port can be.
package enum PortCheck {
    /// Why `text` is no port; nil when it is one.
    static func message(_ text: String) -> String? {
        do throws(PortSpecError) {
            _ = try PortSpec(parsing: text)
            return nil
        } catch {
            let reason: String =
                switch error {
                case .wrongFormat: "write [address:][host port:]container port[/tcp or /udp]"
                case .invalidPrivatePort: "the container's port must be a number from 1 to 65535"
                case .invalidPublicPort: "the host's port must be a number from 1 to 65535"
                case .invalidProtocol: "the protocol must be tcp or udp"
                }
            let range: String = text.contains("-") ? "; ranges are not supported, write each port" : ""
            return "'\(text)' is no port: \(reason)\(range)"
        }
    }

    /// Whether a stored port is what was asked for.
    ///
    /// The control plane stores the canonical form, and draws a host port where none was asked for.
    package static func isSame(stored: String, wanted: String) -> Bool {
        guard var left = try? PortSpec(parsing: stored), let right = try? PortSpec(parsing: wanted) else {
            return stored == wanted
        }
        if right.publicPort == nil { left.publicPort = nil }
        return left == right
    }
}
