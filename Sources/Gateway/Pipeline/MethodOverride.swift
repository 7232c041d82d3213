import HTTP

/// The method of a request after the override `_method`, for clients that can send forms only (contract A3).
///
/// Only a POST can be overridden, and only by a method of the API: a GET is repeated by clients and proxies and followed
/// by crawlers, so it must never change anything.
enum MethodOverride {
    private static let methods: Set<String> = ["GET", "POST", "PUT", "DELETE"]

    static func method(of request: HTTPRequest, _ query: QueryItems) -> String {
        guard request.method == "POST", let named: String = query["_method"] ?? inForm(request) else {
            return request.method
        }
        let method: String = named.uppercased()
        return methods.contains(method) ? method : request.method
    }

    /// Whether the body of this request, which has not come yet, could name another method.
    static func mayBeInBody(_ request: HTTPRequest) -> Bool {
        guard request.method == "POST" else { return false }
        let type: String = request.headers["content-type"]?.lowercased() ?? ""
        return type.hasPrefix("multipart/form-data") || type.hasPrefix("application/x-www-form-urlencoded")
    }

    private static func inForm(_ request: HTTPRequest) -> String? {
        let type: String = request.headers["content-type"] ?? ""
        if type.lowercased().hasPrefix("multipart/form-data") {
            return (try? MultipartForm(request.body, contentType: type))?.items.first { $0.name == "_method" }?.value
        }
        guard request.headers["content-type"]?.lowercased().hasPrefix("application/x-www-form-urlencoded") == true,
            let text = String(validating: request.body, as: UTF8.self), text.contains("_method=")
        else { return nil }
        return QueryItems(text)?["_method"]
    }
}
