import HTTP
import Store

/// A request as a listener hands it on: what came in, and what is known of it before anything is read.
///
/// A class because it is many fields wide and goes along with every step.
final class Arrival: Sendable {
    let reception: Reception
    /// Without the headers that only nodes may send.
    let request: HTTPRequest
    let connection: ConnectionInfo
    let id: String
    /// From the node that forwarded it; nil on listeners for clients.
    let facts: ForwardedFacts?

    var base: BaseURL { reception.base }

    /// - Parameter request: has the body.
    init(
        _ reception: Reception,
        _ request: HTTPRequest,
        _ connection: ConnectionInfo,
        id: String,
        facts: ForwardedFacts? = nil
    ) {
        self.reception = reception
        self.request = reception.request(with: request)
        self.connection = connection
        self.id = id
        self.facts = facts
    }

    /// The same, with the body that came piece by piece.
    init(_ other: Arrival, collected body: [UInt8]) {
        var request: HTTPRequest = other.request
        request.body = body
        request.bodyStream = nil
        self.request = request
        (reception, connection, id, facts) = (other.reception, other.connection, other.id, other.facts)
    }

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
