import EventLoop
import HTTP

/// A request as a destination gets it, but for what is different each time: made once for all that are the same.
final class PreparedCall: Sendable {
    /// Without its body.
    let request: HTTPRequest
    let endpoint: Endpoint
    /// For messages.
    let authority: String
    /// Of the connection's loop.
    let client: HTTPClient
    let trace: InterceptionTrace.Common
    /// When it was found out who is calling; nil where nobody has asked.
    let identified: Moment?
    let written = WrittenCall()

    struct Moment: Sendable {
        /// Of the monotonic clock, in nanoseconds.
        var time: UInt64
        /// The last change of the logins by which a caller may be known.
        var logins: UInt64
    }

    /// - Parameters:
    ///   - request: as interceptors have left it.
    ///   - identity: canonical names of the headers in which a validator said who is calling.
    ///   - depth: how many interceptors' calls led to the request.
    init(
        _ request: HTTPRequest,
        of arrival: Arrival,
        to destination: DestinationRule,
        identity: Set<String>,
        depth: Int,
        trace: InterceptionTrace.Common,
        identified: Moment? = nil,
        _ clients: OutboundClients
    ) {
        self.request = Self.outgoing(request, arrival.reception, destination, identity, depth)
        endpoint = destination.address.endpoint
        authority = destination.address.authority
        client = clients.client(
            arrival.connection.loop,
            secure: destination.address.isSecure,
            allowed: destination.allowedAddresses
        )
        self.trace = trace
        self.identified = identified
    }

    private static let differentEachTime = HeaderNames(["traceparent", "x-api-request-id"])

    private static func outgoing(
        _ request: HTTPRequest,
        _ reception: Reception,
        _ destination: DestinationRule,
        _ identity: Set<String>,
        _ depth: Int
    ) -> HTTPRequest {
        let address: OutboundAddress = destination.address
        let base: Substring = address.path.hasSuffix("/") ? address.path.dropLast() : address.path[...]
        var target: String = base + (request.path.hasPrefix("/") ? request.path : "/\(request.path)")
        if let query: String = request.query { target += "?\(query)" }
        var headers: HTTPHeaders = ForwardedRequest.withoutConnection(request.headers)
        headers.removeAll { isWithheld(HeaderLists.canonical($0), destination, identity) }
        headers.remove(anyOf: differentEachTime)
        let before: [String] = request.headers.all("x-forwarded-for")
        let peer: String = reception.client.peer
        headers["X-Forwarded-For"] = before.isEmpty ? peer : (before + [peer]).joined(separator: ", ")
        if !headers.contains("x-forwarded-proto") { headers.append("X-Forwarded-Proto", reception.base.scheme) }
        if !headers.contains("x-forwarded-host") { headers.append("X-Forwarded-Host", reception.base.authority) }
        headers[HeaderPolicy.depth] = String(depth + 1)
        return HTTPRequest(method: request.method, target: target, headers: headers)
    }

    /// No header says who is calling but what a validator said.
    private static func isWithheld(_ name: String, _ destination: DestinationRule, _ identity: Set<String>) -> Bool {
        guard !identity.contains(name) else { return false }
        return HeaderPolicy.isIdentity(name) || name == "X-Api-Project-Id" || name == HeaderPolicy.breakGlass
            || (!destination.passesCredentials && HeaderPolicy.isCredential(name))
    }
}
