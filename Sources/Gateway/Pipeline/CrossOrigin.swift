import HTTP
import Store

/// Which other sites' pages may call the API (setting `api.cors.origins`; the Fetch standard's CORS protocol).
///
/// A page of an origin that is named may read and change, with credentials. `*` lets every page read what it can show a key
/// for itself; changes from unnamed sites stay refused (``CrossSite``).
struct CrossOrigin: Hashable, Sendable {
    private let named: Set<String>
    private let isForAll: Bool

    init(_ setting: String) {
        let parts: [String] = setting.split(separator: ",").map { part in
            String(part.filter { $0 != " " }).lowercased()
        }
        isForAll = parts.contains("*")
        named = Set(parts.filter { $0.hasPrefix("http://") || $0.hasPrefix("https://") })
    }

    var isEmpty: Bool { named.isEmpty && !isForAll }

    func trusts(_ origin: String) -> Bool { named.contains(origin.lowercased()) }

    /// The answer to a browser that asks before it sends; nil for what is no such question, or from nobody who may.
    func preflight(_ request: HTTPRequest) -> HTTPResponse? {
        guard request.method == "OPTIONS", request.headers.contains("access-control-request-method") else { return nil }
        var response = HTTPResponse(status: 204)
        add(to: &response, request)
        guard response.headers.contains("access-control-allow-origin") else { return nil }
        response.headers["Access-Control-Allow-Methods"] = "GET, HEAD, POST, PUT, DELETE"
        response.headers["Access-Control-Allow-Headers"] =
            "Authorization, Content-Type, X-API-Project-Id, X-API-CSRF, X-API-No-Challenge, X-API-Action-Links, "
            + "X-API-Min-Revision, traceparent"
        response.headers["Access-Control-Max-Age"] = "600"
        return response
    }

    func add(to response: inout HTTPResponse, _ request: HTTPRequest) {
        guard !isEmpty, let origin: String = request.headers["origin"] else { return }
        response.headers.append("Vary", "Origin")
        if trusts(origin) {
            response.headers["Access-Control-Allow-Origin"] = origin
            response.headers["Access-Control-Allow-Credentials"] = "true"
        } else if isForAll {
            response.headers["Access-Control-Allow-Origin"] = "*"
        } else {
            return
        }
        response.headers["Access-Control-Expose-Headers"] =
            "X-API-Schemas, X-API-Request-Id, X-API-Revision, X-API-Account-Id, X-API-User-Id, X-Rancher-Version"
    }
}
