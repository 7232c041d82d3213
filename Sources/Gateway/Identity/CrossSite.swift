import HTTP
import Store

/// Whether a browser sends the request on behalf of another site's page.
///
/// Browsers send the credentials of HTTP Basic that they remember with whatever any page asks for, and where access control
/// is off none are needed. So what changes something, or opens a stream, must not come from another site's page; what
/// only reads may, since no page gets to see the answer without headers that are never sent. Browsers say where a request
/// comes from in `Sec-Fetch-Site` (Fetch Metadata) and `Origin` (RFC 6454), which pages cannot set; other clients send neither, or
/// the address that they ask.
enum CrossSite {
    /// - Throws: 403 for a change or a stream that another site's page asks for.
    static func refuse(
        _ request: HTTPRequest,
        _ base: BaseURL,
        _ view: StoreView,
        _ crossOrigin: CrossOrigin? = nil
    ) throws(Problem) {
        let reads: Bool =
            ["GET", "HEAD", "OPTIONS"].contains(request.method)
            && !request.headers.list("connection", contains: "upgrade")
        guard !reads else { return }
        let site: [String] = request.headers.all("sec-fetch-site")
        if !site.isEmpty, site.allSatisfy({ $0 == "same-origin" || $0 == "none" }) { return }
        let origins: [String] = request.headers.all("origin")
        // What says neither is no browser.
        if site.isEmpty, origins.isEmpty { return }
        let own: [String] = names(request, base, view)
        // Named by an administrator.
        if let crossOrigin, !origins.isEmpty, origins.allSatisfy({ crossOrigin.trusts($0) }) { return }
        let isOwn: Bool = origins.allSatisfy { origin in place(of: origin).map { own.contains($0) } ?? false }
        // Older browsers say `Origin` only.
        guard isOwn, !origins.isEmpty else {
            throw .forbidden(
                "A page of another site may not change anything here or open a stream: \(origins.first ?? "its origin") is not "
                    + "the address of this API. If it is, set api.host to it."
            )
        }
    }

    /// Under which this API may be known to a browser: host and port, without those that are the default.
    private static func names(_ request: HTTPRequest, _ base: BaseURL, _ view: StoreView) -> [String] {
        let forwarded: String? = request.headers["x-forwarded-host"]?.split(separator: ",").first.map {
            $0.filter { $0 != " " }
        }
        let given: [String?] = [
            request.headers["host"], forwarded, base.authority, ActiveSettings.host(view).flatMap { afterScheme($0) },
        ]
        return given.compactMap { $0.map { plain($0[...]) } }
    }

    /// nil for what is no origin with a host, such as `null`.
    private static func place(of origin: String) -> String? { afterScheme(origin).map { plain($0[...]) } }

    private static func afterScheme(_ text: String) -> String? {
        guard let mark = text.firstRange(of: "://") else { return nil }
        return String(text[mark.upperBound...].prefix { $0 != "/" })
    }

    private static func plain(_ authority: Substring) -> String {
        var authority: Substring = authority
        for port in [":80", ":443"] where authority.hasSuffix(port) { authority.removeLast(port.count) }
        return authority.lowercased()
    }
}
