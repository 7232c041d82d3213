import EventLoop
import Model

/// An address at a provider: `https://host[:port][/path][?query]` and nothing else.
struct ProviderAddress: Hashable, Sendable {
    var host: String
    var port: Int
    /// What goes into the request line; percent-encoded as it came.
    var target: String

    /// nil for another scheme, a user, a fragment, spaces, and names that resolvers read as numbers.
    init?(_ text: String) {
        guard text.hasPrefix("https://"), text.utf8.count <= 2_048,
            text.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F && $0 != UInt8(ascii: "\\") }), !text.contains("#")
        else { return nil }
        let rest: Substring = text.dropFirst("https://".count)
        let authority: Substring = rest.prefix { $0 != "/" && $0 != "?" }
        let path: Substring = rest.dropFirst(authority.count)
        target = path.first == "/" ? String(path) : "/\(path)"
        var name: Substring = authority
        var digits: Substring = "443"
        if authority.first == "[" {
            guard let close: Substring.Index = authority.firstIndex(of: "]") else { return nil }
            name = authority[authority.index(after: authority.startIndex)..<close]
            let behind: Substring = authority[authority.index(after: close)...]
            guard InternetAddress.isIPv6(name), behind.isEmpty || behind.first == ":" else { return nil }
            if !behind.isEmpty { digits = behind.dropFirst() }
        } else if let colon: Substring.Index = authority.firstIndex(of: ":") {
            name = authority[..<colon]
            digits = authority[authority.index(after: colon)...]
        }
        guard digits.utf8.allSatisfy({ (0x30...0x39).contains($0) }), let port = Int(digits),
            (1...65_535).contains(port)
        else { return nil }
        self.port = port
        host = name.lowercased()
        guard authority.first == "[" || Self.isName(host) || InternetAddress.isIPv4(host) else { return nil }
    }

    private static func isName(_ text: String) -> Bool {
        guard !text.isEmpty, text.utf8.count <= 253, CharacterClass("a-z0-9.-").containsAll(of: text) else {
            return false
        }
        // 2130706433, 0x7f.1 and 0177.0.0.1 are addresses to resolvers; no name ends in a number (RFC 3696).
        let last: Substring = text.split(separator: ".").last ?? ""
        return !last.isEmpty && !last.allSatisfy(\.isNumber) && !last.hasPrefix("0x")
    }

    var endpoint: Endpoint { .tcp(host: host, port: port) }
    /// As it stands in a Host header.
    var authority: String {
        let shown: String = host.contains(":") ? "[\(host)]" : host
        return port == 443 ? shown : "\(shown):\(port)"
    }

    /// Whether a provider may be at the numeric address that a name led to: not where a link's or a cloud's own services answer
    /// everybody, and nowhere that is no single machine.
    static func mayBeCalled(_ address: String) -> Bool {
        var plain: String = address.lowercased()
        if plain.hasPrefix("::ffff:"), InternetAddress.isIPv4(plain.dropFirst(7)) { plain = String(plain.dropFirst(7)) }
        if InternetAddress.isIPv4(plain) {
            let bytes: [Int] = plain.split(separator: ".").compactMap { Int($0) }
            guard bytes.count == 4 else { return false }
            return bytes[0] != 0 && bytes[0] < 224 && !(bytes[0] == 169 && bytes[1] == 254)
                && bytes != [100, 100, 100, 200]
        }
        guard InternetAddress.isIPv6(plain.prefix { $0 != "%" }) else { return false }
        let first: Int = Int(plain.prefix { $0 != ":" }, radix: 16) ?? 0
        let isLinkLocal: Bool = first & 0xFFC0 == 0xFE80
        return plain != "::" && !isLinkLocal && first & 0xFF00 != 0xFF00 && plain != "fd00:ec2::254"
    }
}
