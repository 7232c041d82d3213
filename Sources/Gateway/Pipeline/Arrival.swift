import HTTP
import Store

/// A request as a listener hands it on: what came in, and what is known of it before anything is read.
struct Arrival: Sendable {
    /// Without the headers that only nodes may send.
    var request: HTTPRequest
    var connection: ConnectionInfo
    var id: String
    var base: BaseURL
    /// From the node that forwarded it; nil on listeners for clients.
    var facts: ForwardedFacts?

    func exchange(_ path: APIPath, _ query: QueryItems, _ view: StoreView, _ gateway: Gateway) -> Exchange {
        var exchange = Exchange(
            Asked(
                self,
                path: path,
                query: path.version == .one ? VersionOne.own(query: query) : query,
                time: gateway.now()
            ),
            view: view,
            policies: gateway.policies
        )
        guard let facts else { return exchange }
        exchange.certified = facts.certificate.map { CertifiedPeer(forwarded: $0) }
        exchange.tickets = facts.tickets
        exchange.interception = facts.interception
        exchange.chance = Chance(seed: facts.seed)
        return exchange
    }
}

extension Exchange {
    /// What another node is told of this request.
    ///
    /// - Parameter revision: what this node has seen.
    func facts(tickets: RequestTickets?, revision: UInt64) -> ForwardedFacts {
        ForwardedFacts(
            id: id,
            client: client,
            base: base,
            certificate: certified?.forwarded,
            tickets: tickets,
            interception: interception,
            seed: chance.seed,
            revision: revision
        )
    }
}
