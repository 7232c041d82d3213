import HTTP
import Store

/// What goes round every answer to a client, whoever made it: cookies of the user interface, and what other sites' pages need.
enum Dressing {
    /// The answer where nothing of the request matters but where it came from; nil for all others.
    static func early(_ arrival: Arrival, _ policy: PolicySnapshot, _ view: StoreView) -> HTTPResponse? {
        if policy.redirectsToHTTPS, let answer: HTTPResponse = HTTPSRedirect.answer(arrival, view) { return answer }
        return policy.crossOrigin.isEmpty ? nil : policy.crossOrigin.preflight(arrival.request)
    }

    static func add(to response: inout HTTPResponse, _ request: HTTPRequest, _ policy: PolicySnapshot) {
        if !policy.crossOrigin.isEmpty, response.headers["access-control-allow-origin"] == nil {
            policy.crossOrigin.add(to: &response, request)
        }
        guard response.status != 101 else { return }
        // When missing or different (contract A4).
        let cookies: String? = request.headers["cookie"]
        for cookie in policy.interfaceCookies where !has(cookie, cookies) {
            response.headers.append("Set-Cookie", cookie.set)
        }
    }

    private static func has(_ cookie: PolicySnapshot.InterfaceCookie, _ header: String?) -> Bool {
        guard let header else { return false }
        return header.split(separator: ";").contains { $0.drop { $0 == " " } == cookie.shown }
    }
}
