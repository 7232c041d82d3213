import EventLoop
import HTTP
import Limits

/// What follows from the head of a client's request and from the settings alone.
///
/// Whoever keeps a connection most often asks the same thing again, or sends the same headers with it: what was
/// found out for the last request of a connection is compared by its bytes, and used again.
final class Reception: Sendable {
    /// As it came, but for its body.
    private let head: HTTPRequest
    private let local: String

    let policy: PolicySnapshot
    /// Without the headers that only nodes may send, and without its body.
    let request: HTTPRequest
    let base: BaseURL
    let client: ClientAddress
    /// nil for an address with an invalid escape.
    let address: Address?
    let kind: GatewayCounters.RequestClass
    /// What interceptors and destinations have to do with it; nil for nothing, as long as the body cannot say otherwise.
    let passage: PassageRoute?

    /// The path and the query, decoded.
    struct Address: Sendable {
        let segments: [String]
        let query: QueryItems
    }

    /// - Parameters:
    ///   - local: where the listener is, for requests without a usable Host.
    ///   - facts: of a request that another node has forwarded, which was intercepted there.
    init(
        _ request: HTTPRequest,
        _ connection: ConnectionInfo,
        _ policy: PolicySnapshot,
        local: String,
        facts: ForwardedFacts? = nil
    ) {
        var head: HTTPRequest = request
        head.body = []
        head.bodyStream = nil
        self.head = head
        self.local = local
        self.policy = policy
        // Whatever a client says there is not what a node of the cluster said.
        ForwardedFacts.strip(&head.headers)
        self.request = head
        base =
            facts?.base
            ?? BaseURL(
                headers: head.headers,
                isSecure: connection.isSecure,
                local: local,
                rules: policy.baseURLRules
            )
        client = facts?.client ?? ClientAddress(headers: head.headers, peer: connection.peer.host)
        if let segments: [String] = head.segments, let query: QueryItems = head.queryItems {
            address = Address(segments: segments, query: query)
        } else {
            address = nil
        }
        kind = GatewayCounters.RequestClass(head)
        passage =
            facts == nil
            ? address.flatMap { PassageRoute.find(head, $0.segments, $0.query, policy.interceptors) } : nil
    }

    /// That of the connection's last request, where this one is the same and nothing was set anew since; else a new one.
    static func of(
        _ request: HTTPRequest,
        _ connection: ConnectionInfo,
        _ policy: PolicySnapshot,
        local: String
    ) -> Reception {
        if let last: Reception = connection.note as? Reception, last.holds(policy, local), last.isOf(request) {
            return last
        }
        let made = Reception(request, connection, policy, local: local)
        connection.note = request.headers.byteCount <= Limits.httpKeptHeadBytes ? made : nil
        return made
    }

    /// Whether this request has the same head.
    func isOf(_ other: HTTPRequest) -> Bool {
        head.method == other.method && head.target == other.target && head.minorVersion == other.minorVersion
            && head.headers.repeats(other.headers)
    }

    /// Whether all that follows from the head follows from it still.
    func holds(_ policy: PolicySnapshot, _ local: String) -> Bool { policy === self.policy && local == self.local }

    /// The request with the body that this one has.
    func request(with other: HTTPRequest) -> HTTPRequest {
        guard !other.body.isEmpty || other.bodyStream != nil else { return request }
        var whole: HTTPRequest = request
        whole.body = other.body
        whole.bodyStream = other.bodyStream
        return whole
    }
}
