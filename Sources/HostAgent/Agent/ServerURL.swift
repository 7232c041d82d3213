package import EventLoop

/// Where the server's API is.
package struct ServerURL: Hashable, Sendable, CustomStringConvertible {
    package let endpoint: Endpoint
    /// Whether it is `https`.
    package let isSecure: Bool
    /// What stands before `/v2-beta`; empty or with a slash in front, never with one at its end.
    package let basePath: String

    /// Shape: `http[s]://HOST[:PORT][/PATH]`; a `/v1`, `/v2-beta` or registration script at its end is cut off, since that is what
    /// people have at hand.
    ///
    /// - Throws: what is wrong with it.
    package init(_ text: String) throws(AgentFault) {
        let wrong = AgentFault("'\(text)' is no server address; write https://HOST:PORT, or http://HOST:PORT")
        guard let scheme: String = ["http://", "https://"].first(where: { text.hasPrefix($0) }) else { throw wrong }
        isSecure = scheme == "https://"
        let rest: Substring = text.dropFirst(scheme.count)
        let authority: Substring = rest.prefix { $0 != "/" && $0 != "?" && $0 != "#" }
        guard let (host, port) = Self.split(authority, defaultPort: isSecure ? 443 : 80) else { throw wrong }
        endpoint = .tcp(host: host, port: port)
        var segments: [Substring] = rest.dropFirst(authority.count).prefix { $0 != "?" && $0 != "#" }.split(
            separator: "/"
        )
        if let version: Int = segments.firstIndex(where: { ["v1", "v2-beta"].contains($0) }) {
            segments.removeSubrange(version...)
        }
        basePath = segments.map { "/\($0)" }.joined()
    }

    private static func split(_ authority: Substring, defaultPort: Int) -> (host: String, port: Int)? {
        var host: Substring = authority
        var port: Int = defaultPort
        if authority.hasPrefix("["), let close: Substring.Index = authority.firstIndex(of: "]") {
            host = authority[authority.index(after: authority.startIndex)..<close]
            let behind: Substring = authority[authority.index(after: close)...]
            guard behind.isEmpty || behind.hasPrefix(":") else { return nil }
            if behind.count > 1 {
                guard let given = Int(behind.dropFirst()) else { return nil }
                port = given
            }
        } else if let colon: Substring.Index = authority.lastIndex(of: ":") {
            guard let given = Int(authority[authority.index(after: colon)...]) else { return nil }
            port = given
            host = authority[..<colon]
        }
        // An IPv6 address stands in brackets, so elsewhere a second colon is a mistake.
        let isBracketed: Bool = authority.hasPrefix("[") && authority.contains("]")
        guard !host.isEmpty, (1...65535).contains(port), !host.contains("@"), !host.contains("["),
            isBracketed || !host.contains(":")
        else { return nil }
        return (String(host), port)
    }

    package var description: String { "\(isSecure ? "https" : "http")://\(endpoint)\(basePath)" }

    /// Whether it is what servers listen on, and nobody can connect to.
    var isAnywhere: Bool { endpoint.host == "0.0.0.0" || endpoint.host == "::" }

    /// Whether it means the machine that asks.
    var isLoopback: Bool {
        guard let host: String = endpoint.host else { return true }
        return host == "localhost" || host == "::1" || host.hasPrefix("127.")
    }
}
