import HTTP
import Store

/// As much of a request as says who asks, where and how: what judges rights and shows documents later, for any number of
/// streams.
///
/// Without a view, which would keep everything alive that was there when it was taken, and without the connection.
struct LastingRequest: Sendable {
    let asked: Asked
    let certified: CertifiedPeer?
    let project: UInt64?
    /// For what cannot be asked again in the same words: a request of another node's, or with a body.
    let isUnique: Bool
    private let issuing: (any CertificateIssuing)?
    private let policies: PolicySnapshots

    /// Those that say who asks, in which environment and how: all that is looked at after the first answer.
    static let headers: [String] = [
        "authorization", "cookie", "x-enforce-authentication", "x-api-project-id", "x-api-client-access-key",
        "x-api-action-links", "x-api-csrf", "content-type", "user-agent",
    ]

    init(_ exchange: Exchange, _ asked: Asked, _ policies: PolicySnapshots) {
        let whole: HTTPRequest = asked.request
        var request = HTTPRequest(
            method: whole.method,
            target: whole.target,
            body: whole.body,
            minorVersion: whole.minorVersion,
            isHTTP2: whole.isHTTP2
        )
        for name in Self.headers {
            for value in whole.headers.all(name) { request.headers.append(name, value) }
        }
        let stream = DepartedStream(asked.connection)
        let connection = ConnectionInfo(peer: stream.peer, local: stream.local, stream: stream)
        self.asked = Asked(asked, request: request, connection: connection)
        self.policies = policies
        certified = exchange.certified
        issuing = exchange.issuing
        project = exchange.projectNumber
        isUnique = asked.forwarded != nil || !whole.body.isEmpty || whole.bodyStream != nil
    }

    /// The request on a view, by whom it was found to be of and with what they may do.
    func exchange(_ caller: Caller, _ rights: Rights, _ view: StoreView) -> Exchange {
        var exchange = Exchange(asked, view: view, policies: policies, caller, in: project, rights)
        exchange.certified = certified
        exchange.issuing = issuing
        return exchange
    }
}
