internal import Model

/// Texts that say where something is reached: `host:port`, `[::1]:port`, names and numeric addresses.
package struct NetworkPlace: Hashable, Sendable, CustomStringConvertible {
    package var host: String
    package var port: Int

    package init(host: String, port: Int) {
        self.host = host
        self.port = port
    }

    /// Reads a host and a port from 1; nil for every other text.
    package init?(_ text: String) {
        guard text.utf8.count <= 300, let colon: String.Index = text.lastIndex(of: ":") else { return nil }
        let digits: Substring = text[text.index(after: colon)...]
        guard !digits.isEmpty, digits.utf8.allSatisfy({ (48...57).contains($0) }), let port = Int(digits),
            (1...65_535).contains(port)
        else { return nil }
        var host = String(text[..<colon])
        if host.hasPrefix("["), host.hasSuffix("]") {
            host = String(host.dropFirst().dropLast())
            guard host.contains(":") else { return nil }
        } else if host.contains(":") {
            return nil
        }
        guard Self.isAddress(host) || Self.isName(host) else { return nil }
        self.init(host: host, port: port)
    }

    package var description: String { host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)" }

    /// Whether it is a numeric IPv4 or IPv6 address.
    package static func isAddress(_ host: String) -> Bool {
        InternetAddress.isIPv4(host) || InternetAddress.isIPv6(host)
    }

    /// Whether it is a host name: labels of letters, digits and `-`, the last one no number.
    package static func isName(_ host: String) -> Bool {
        guard (1...253).contains(host.utf8.count) else { return false }
        let labels: [Substring] = host.split(separator: ".", omittingEmptySubsequences: false)
        guard let last: Substring = labels.last, !last.utf8.allSatisfy({ (48...57).contains($0) }) else { return false }
        return labels.allSatisfy { label in
            (1...63).contains(label.utf8.count) && label.first != "-" && label.last != "-"
                && label.utf8.allSatisfy { byte in
                    (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte)
                        || (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte) || (48...57).contains(byte)
                        || byte == UInt8(ascii: "-")
                }
        }
    }
}
