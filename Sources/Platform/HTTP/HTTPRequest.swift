/// A request, whole: as it was received, or to be sent.
package struct HTTPRequest: Sendable {
    package var method: String
    /// As it stands in the request line.
    package let target: String
    /// The path of the target, still percent-encoded; `*` for the server itself.
    package let path: String
    /// What follows the `?` of the target, still percent-encoded.
    package let query: String?
    package var headers: HTTPHeaders
    package var body: [UInt8]
    /// Instead of `body`, for one that comes, or goes, piece by piece.
    package var bodyStream: BodyStream?
    /// 1 for HTTP/1.1 and what came after it, 0 for HTTP/1.0.
    package let minorVersion: Int
    /// It is one of the streams of a connection, which can be nothing else.
    package let isHTTP2: Bool

    package init(
        method: String,
        target: String,
        headers: HTTPHeaders = HTTPHeaders(),
        body: [UInt8] = [],
        minorVersion: Int = 1,
        isHTTP2: Bool = false
    ) {
        self.method = method
        self.target = target
        self.headers = headers
        self.body = body
        self.minorVersion = minorVersion
        self.isHTTP2 = isHTTP2

        // An absolute target (`http://host/path`) has its path behind the authority.
        var rest: Substring = target[...]
        var isAbsolute: Bool = false
        if !target.hasPrefix("/"), let scheme = target.firstRange(of: "://") {
            let afterAuthority: Substring = target[scheme.upperBound...].drop { $0 != "/" && $0 != "?" }
            rest = afterAuthority.isEmpty ? "/" : afterAuthority
            isAbsolute = true
        }
        if let mark = rest.utf8.firstIndex(of: UInt8(ascii: "?")) {
            path = mark == rest.startIndex ? "/" : String(rest[..<mark])
            query = String(rest[rest.utf8.index(after: mark)...])
        } else {
            path = isAbsolute ? String(rest) : target
            query = nil
        }
    }

    /// The items of the query, decoded; nil when an escape or its UTF-8 is invalid.
    package var queryItems: QueryItems? { QueryItems(query ?? "") }

    /// The segments of the path between slashes, each decoded; nil when an escape or its UTF-8 is invalid.
    package var segments: [String]? {
        var segments: [String] = []
        for part in path.utf8.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: true) {
            guard let segment = PercentCoding.decode(part) else { return nil }
            segments.append(segment)
        }
        return segments
    }

    /// The protocol that it came by.
    package var protocolName: String { isHTTP2 ? "HTTP/2" : "HTTP/1.\(minorVersion)" }

    /// Whether the sender wants to use the connection again.
    var keepsAlive: Bool {
        if headers.list("connection", contains: "close") { return false }
        return minorVersion >= 1 || headers.list("connection", contains: "keep-alive")
    }
}
