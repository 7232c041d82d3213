import HTTP
import Store

/// The address under which the caller sees this API: every link in a document starts with it.
///
/// Order (contract A2): `X-API-request-url` where the settings trust clients so far, `X-Forwarded-Proto` and
/// `X-Forwarded-Host`, then the `Host` header, then the socket's own address; `X-Forwarded-Port`
/// replaces a port in the host; 80 and 443 are left out where they are the default.
struct BaseURL: Hashable, Sendable {
    /// `http` or `https`.
    var scheme: String
    /// Host and, when it is not the default, port.
    var authority: String

    init(scheme: String, authority: String) {
        self.scheme = scheme
        self.authority = authority
    }

    /// What the settings say about addresses.
    struct Rules: Hashable, Sendable {
        /// Whether a client may say itself what address it used (`api.allow.client.override`).
        var trustsClients: Bool = false
        /// Ports that stand for HTTPS when nobody says what was spoken (`proxy.protocol.https.ports`).
        var securePorts: Set<String> = []

        init() {}

        init(_ view: StoreView) {
            trustsClients = ActiveSettings.value("api.allow.client.override", view)?.lowercased() == "true"
            let ports: String = ActiveSettings.value("proxy.protocol.https.ports", view) ?? ""
            securePorts = Set(ports.split { $0 == "," || $0 == " " }.map { String($0) })
        }
    }

    /// - Parameters:
    ///   - isSecure: whether the connection itself is TLS.
    ///   - local: the listener's own address, for a request without a usable `Host`.
    init(headers: HTTPHeaders, isSecure: Bool, local: String, rules: Rules = Rules()) {
        if rules.trustsClients, let given: BaseURL = headers["x-api-request-url"].flatMap(Self.stated) {
            self = given
            return
        }
        let forwarded: String? = headers["x-forwarded-proto"].flatMap(Self.first)?.lowercased()
        let named: String? = forwarded == nil ? nil : headers["x-forwarded-host"].flatMap(Self.first)
        let host: String =
            named.flatMap(Self.authority) ?? headers["host"].flatMap(Self.authority) ?? local
        var (name, port): (String, String?) = Self.split(host)
        if let given: String = headers["x-forwarded-port"].flatMap(Self.first), UInt16(given) != nil { port = given }
        let isKnown: Bool = forwarded == "https" || forwarded == "http"
        let looksSecure: Bool = forwarded == nil && port.map { rules.securePorts.contains($0) } ?? false
        scheme = isKnown ? forwarded ?? "http" : (isSecure || looksSecure ? "https" : "http")
        if let port, UInt16(port) != nil, !Self.isDefault(port, scheme) { name += ":\(port)" }
        authority = name
    }

    var text: String { "\(scheme)://\(authority)" }
    /// The same place for WebSockets.
    var webSocketText: String { "\(scheme == "https" ? "wss" : "ws")://\(authority)" }

    /// Scheme, host and port of a whole address; nil for anything else.
    private static func stated(_ address: String) -> BaseURL? {
        guard let mark = address.firstRange(of: "://") else { return nil }
        let scheme: String = address[..<mark.lowerBound].lowercased()
        let authority = String(address[mark.upperBound...].prefix { $0 != "/" && $0 != "?" && $0 != "#" })
        guard scheme == "http" || scheme == "https", isAuthority(authority) else { return nil }
        let (name, port): (String, String?) = split(authority)
        return BaseURL(scheme: scheme, authority: isDefault(port, scheme) ? name : authority)
    }

    private static func isDefault(_ port: String?, _ scheme: String) -> Bool {
        (scheme == "http" && port == "80") || (scheme == "https" && port == "443")
    }

    /// The first entry of a comma-separated header.
    private static func first(_ header: String) -> String? {
        header.split(separator: ",").first.map { String($0).filter { $0 != " " } }
    }

    private static func authority(_ text: String) -> String? { isAuthority(text) ? text : nil }

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
        let bytes: String.UTF8View = host.utf8
        guard let colon: String.Index = bytes.lastIndex(of: UInt8(ascii: ":")),
            bytes.lastIndex(of: UInt8(ascii: "]")).map({ $0 < colon })
                ?? (bytes.firstIndex(of: UInt8(ascii: ":")) == colon)
        else { return (host, nil) }
        return (String(host[..<colon]), String(host[bytes.index(after: colon)...]))
    }
}
