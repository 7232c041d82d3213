/// One end of a connection: where to connect to, where to listen, or who is there.
///
/// As the address of an existing socket `host` is always a numeric IPv4 or IPv6 literal; an unnamed Unix
/// socket has an empty path.
package enum Endpoint: Hashable, Sendable, CustomStringConvertible {
    case tcp(host: String, port: Int)
    case unix(path: String)

    /// As it is written in URLs and messages: `host:port`, `[v6]:port` or `unix:path`.
    package var description: String {
        switch self {
        case .tcp(let host, let port): host.utf8.contains(UInt8(ascii: ":")) ? "[\(host)]:\(port)" : "\(host):\(port)"
        case .unix(let path): "unix:\(path)"
        }
    }

    /// The port of a TCP endpoint.
    package var port: Int? {
        if case .tcp(_, let port) = self { port } else { nil }
    }

    /// The host of a TCP endpoint.
    package var host: String? {
        if case .tcp(let host, _) = self { host } else { nil }
    }
}
