import HTTP

/// The address under which the caller sees this API: every link in a document starts with it.
///
/// Order (contract A2): `X-Forwarded-Proto` and `X-Forwarded-Host`, then the `Host` header, then the socket's own
/// address; `X-Forwarded-Port` replaces a port in the host; 80 and 443 are left out where they are the default.
struct BaseURL: Hashable, Sendable {
    /// `http` or `https`.
    var scheme: String
    /// Host and, when it is not the default, port.
    var authority: String

    init(scheme: String, authority: String) {
        self.scheme = scheme
        self.authority = authority
    }

    /// - Parameters:
    ///   - isSecure: whether the connection itself is TLS.
    ///   - local: the listener's own address, for a request without a usable `Host`.
    init(headers: HTTPHeaders, isSecure: Bool, local: String) {
        let forwarded: String? = headers["x-forwarded-proto"].flatMap(Self.first)?.lowercased()
        scheme = forwarded == "https" || forwarded == "http" ? forwarded ?? "http" : (isSecure ? "https" : "http")
        let named: String? = forwarded == nil ? nil : headers["x-forwarded-host"].flatMap(Self.first)
        let host: String = [named, headers["host"], local].compactMap(\.self).first(where: Self.isAuthority) ?? local
        var (name, port): (String, String?) = Self.split(host)
        if let given: String = headers["x-forwarded-port"].flatMap(Self.first), UInt16(given) != nil { port = given }
        let isDefault: Bool = (scheme == "http" && port == "80") || (scheme == "https" && port == "443")
        if let port, UInt16(port) != nil, !isDefault { name += ":\(port)" }
        authority = name
    }

    var text: String { "\(scheme)://\(authority)" }
    /// The same place for WebSockets.
    var webSocketText: String { "\(scheme == "https" ? "wss" : "ws")://\(authority)" }

    /// The first entry of a comma-separated header.
    private static func first(_ header: String) -> String? {
        header.split(separator: ",").first.map { String($0).filter { $0 != " " } }
    }

    /// Host and port only: what stands here ends up in links, so nothing else may come in.
    private static func isAuthority(_ text: String) -> Bool {
        !text.isEmpty && text.utf8.count <= 255
            && text.utf8.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                    UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "-"), UInt8(ascii: "_"),
                    UInt8(ascii: ":"), UInt8(ascii: "["), UInt8(ascii: "]"):
                    true
                default: false
                }
            }
    }

    /// Cuts a port off, minding the brackets of IPv6.
    private static func split(_ host: String) -> (String, String?) {
        guard let colon: String.Index = host.lastIndex(of: ":"),
            host.lastIndex(of: "]").map({ $0 < colon }) ?? (host.firstIndex(of: ":") == colon)
        else { return (host, nil) }
        return (String(host[..<colon]), String(host[host.index(after: colon)...]))
    }
}
