import EventLoop
import Model

/// Where somebody listens whom this server calls, as a URL says it: an interceptor, a destination, a provider of logins.
struct OutboundAddress: Hashable, Sendable {
    var isSecure: Bool
    /// A name, or a numeric address in its one strict spelling.
    var host: String
    var port: Int
    /// Begins with a slash; percent-encoded as it came.
    var path: String
    var query: String?

    /// The address without path and query, for messages.
    var authority: String { "\(isSecure ? "https" : "http")://\(Endpoint.tcp(host: host, port: port))" }
    var endpoint: Endpoint { .tcp(host: host, port: port) }
    /// What goes into a request line.
    var target: String { query.map { "\(path)?\($0)" } ?? path }

    /// As it stands in a `Host` header.
    var hostHeader: String {
        let shown: String = host.contains(":") ? "[\(host)]" : host
        return port == (isSecure ? 443 : 80) ? shown : "\(shown):\(port)"
    }

    /// - Throws: ``PathFault`` for anything but an absolute HTTP URL without user, password and fragment.
    init(_ text: String) throws(PathFault) {
        var rest: Substring
        if text.hasPrefix("http://") {
            isSecure = false
            rest = text.dropFirst("http://".count)
        } else if text.hasPrefix("https://") {
            isSecure = true
            rest = text.dropFirst("https://".count)
        } else {
            throw PathFault("it must begin with http:// or https://")
        }
        guard text.utf8.count <= 2_048, text.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) else {
            throw PathFault("it has spaces or characters that must be percent-encoded, or is longer than 2048 bytes")
        }
        guard !rest.contains("#") else { throw PathFault("it must not have a fragment (#)") }
        if let mark: Substring.Index = rest.firstIndex(of: "?") {
            query = String(rest[rest.index(after: mark)...])
            rest = rest[..<mark]
        }
        let slash: Substring.Index = rest.firstIndex(of: "/") ?? rest.endIndex
        path = slash == rest.endIndex ? "/" : String(rest[slash...])
        let authority: Substring = rest[..<slash]
        guard !authority.contains("@") else { throw PathFault("it must not have a user or password") }
        (host, port) = try Self.place(authority, isSecure ? 443 : 80)
    }

    private static func place(_ text: Substring, _ standard: Int) throws(PathFault) -> (String, Int) {
        var host: Substring = text
        var port: Int = standard
        if text.first == "[" {
            guard let close: Substring.Index = text.firstIndex(of: "]") else { throw PathFault("a [ has no ]") }
            host = text[text.index(after: text.startIndex)..<close]
            guard InternetAddress.isIPv6(host) else { throw PathFault("\(host) is no IPv6 address") }
            port = try number(text[text.index(after: close)...], standard)
            return (host.lowercased(), port)
        }
        if let colon: Substring.Index = text.firstIndex(of: ":") {
            host = text[..<colon]
            port = try number(text[colon...], standard)
        }
        if InternetAddress.isIPv4(host) { return (String(host), port) }
        let letters = CharacterClass("a-zA-Z0-9._-")
        guard !host.isEmpty, host.utf8.count <= 253, letters.containsAll(of: String(host)) else {
            throw PathFault("it has no host name")
        }
        // Resolvers read 2130706433, 0x7f.1 and 0177.0.0.1 as addresses; no name ends in a number (RFC 3696).
        let last: Substring = host.split(separator: ".").last ?? ""
        if last.allSatisfy({ $0.isASCII && $0.isNumber }) || last.lowercased().hasPrefix("0x") || last.isEmpty {
            throw PathFault("\(host) is neither a name nor an address such as 10.0.0.7")
        }
        return (host.lowercased(), port)
    }

    private static func number(_ text: Substring, _ standard: Int) throws(PathFault) -> Int {
        guard !text.isEmpty else { return standard }
        guard text.first == ":", text.dropFirst().allSatisfy({ $0.isASCII && $0.isNumber }),
            let port = Int(text.dropFirst()), (1...65_535).contains(port)
        else { throw PathFault("the port must be a number from 1 to 65535") }
        return port
    }
}
