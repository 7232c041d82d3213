import HTTP
import Store

/// Sends what came in plain text to the same address over TLS, where the setting `api.https.redirect` asks for it.
enum HTTPSRedirect {
    /// nil where the connection, or the proxy before it, is secure.
    ///
    /// To `api.host` where that is https, else to the host of the request at the port that https has.
    static func answer(_ arrival: Arrival, _ view: StoreView) -> HTTPResponse? {
        guard !arrival.connection.isSecure, arrival.base.scheme != "https" else { return nil }
        let place: String
        if let host: String = ActiveSettings.host(view), host.hasPrefix("https://") {
            place = host
        } else {
            let authority: String = arrival.base.authority
            let end: String.Index =
                authority.hasPrefix("[")
                ? authority.firstIndex(of: "]").map { authority.index(after: $0) } ?? authority.endIndex
                : authority.firstIndex(of: ":") ?? authority.endIndex
            place = "https://\(authority[..<end])"
        }
        var target: String = arrival.request.path.hasPrefix("/") ? arrival.request.path : "/"
        if let query: String = arrival.request.query { target += "?\(query)" }
        // The method stays as it is (RFC 9110, section 15.4.9).
        return HTTPResponse(status: 308, headers: ["Location": place + target])
    }
}
