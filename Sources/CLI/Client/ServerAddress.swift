internal import EventLoop

/// Where a server's API is.
struct ServerAddress: Equatable, Sendable, CustomStringConvertible {
    var host: String
    var port: Int
    /// `https`: the server proves that it is the one with this host's name.
    var isSecure: Bool = false
    /// Before `/v2-beta`, for a server that does not stand at the root; without a slash at its end.
    var prefix: String

    /// Shape: `http[s]://host[:port][/prefix]`, also with `/v2-beta` behind it; the scheme may be missing.
    init(parsing text: String) throws(CommandFailure) {
        var rest: Substring = text[...]
        if let scheme = rest.firstRange(of: "://") {
            switch rest[..<scheme.lowerBound].lowercased() {
            case "http": rest = rest[scheme.upperBound...]
            case "https":
                rest = rest[scheme.upperBound...]
                isSecure = true
            default: throw .usage("'\(text)' is no address of a server: it must begin with https:// or http://")
            }
        }
        let authority: Substring = rest.prefix { $0 != "/" }
        var path: Substring = rest.dropFirst(authority.count)
        while path.hasSuffix("/") { path = path.dropLast() }
        for version in ["/v2-beta", "/v1"] where path.hasSuffix(version) { path = path.dropLast(version.count) }
        prefix = String(path)

        var port: Substring = isSecure ? "443" : "80"
        if authority.hasPrefix("["), let close = authority.firstIndex(of: "]") {
            host = String(authority[authority.index(after: authority.startIndex)..<close])
            let behind: Substring = authority[authority.index(after: close)...]
            if behind.hasPrefix(":") { port = behind.dropFirst() }
        } else if let colon = authority.lastIndex(of: ":") {
            host = String(authority[..<colon])
            port = authority[authority.index(after: colon)...]
        } else {
            host = String(authority)
        }
        guard !host.isEmpty, !host.contains("@"), let number = Int(port), (1...65_535).contains(number) else {
            throw .usage("'\(text)' is no address of a server; write https://HOST:PORT or http://HOST:PORT")
        }
        self.port = number
    }

    var endpoint: Endpoint { .tcp(host: host, port: port) }

    var description: String { "\(isSecure ? "https" : "http")://\(authority)\(prefix)" }

    /// As it stands in a Host header.
    var authority: String { port == (isSecure ? 443 : 80) ? bracketed : "\(bracketed):\(port)" }

    private var bracketed: String { host.contains(":") ? "[\(host)]" : host }

    /// What to ask this server for to follow one of its links.
    ///
    /// A server behind a proxy may not know under which name it is reached, and a key is for one server only: so of a link
    /// only the path counts.
    func target(of link: String) -> String {
        guard let scheme = link.firstRange(of: "://") else { return link }
        let path: Substring = link[scheme.upperBound...].drop { $0 != "/" }
        return path.isEmpty ? "/" : String(path)
    }
}
