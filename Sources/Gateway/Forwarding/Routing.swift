import HTTP
import Model
import RBAC
import Store
import StoreFormat

/// The stage that brings a request to the node that owns its scope: changes, and the streams of hosts.
///
/// Reads, subscriptions and tokens of streams are answered where they come in, from a state that is as new as the
/// owner's. So are replacements and removals of one object made where they come in: their preconditions name what they
/// change. A request that was forwarded is never forwarded again: whoever gets it answers, owner or not; changes need no
/// owner, since revisions and epochs fence them.
enum Routing {
    /// Actions that change nothing: they make a token out of what every node knows.
    private static let localActions: Set<String> = ["logs", "execute"]
    /// Changed through the API without a table that says so.
    private static let changeable: Set<String> = ["register", "setting", "activeSetting"]

    static func stage(_ exchange: inout Exchange, _ gateway: Gateway) async throws(Problem) -> Answer? {
        guard let peers: any PeerForwarding = gateway.peers, exchange.forwarded == nil else { return nil }
        if exchange.path.type?.lowercased() == "hoststream" {
            guard let host: UInt64 = exchange.caller.subject.hostID,
                let project: UInt64 = exchange.caller.accountNumber,
                exchange.rights.mayStream(host: host)
            else { return nil }
            return try await ForwardedStream.open(exchange, scope: project, gateway, orElse: .refuse) {
                $0.rights.mayStream(host: host) && ($0.certified?.notAfter ?? .max) > gateway.now()
            }.map { .forwarded($0) }
        }
        guard let scope: UInt64 = scope(ofChange: exchange), case .peer(let peer) = peers.owner(of: scope) else {
            return nil
        }
        return try await ForwardedChange.answer(&exchange, to: peer, peers, gateway)
    }

    /// The scope that a request changes; nil for one that changes nothing, or is made where it came in.
    static func scope(ofChange exchange: Exchange) -> UInt64? {
        guard exchange.method == "POST", let definition: ResourceDefinition = exchange.definition,
            definition.table != nil || changeable.contains(definition.name)
        else { return nil }
        if let action: String = exchange.query["action"]?.lowercased(), localActions.contains(action) { return nil }
        if let project: UInt64 = exchange.projectNumber { return project }
        if definition.name == "register" { return exchange.caller.accountNumber }
        // At the root an object says itself where it belongs.
        guard let id: ResourceID = exchange.path.id.flatMap({ ResourceID($0) }),
            let resource: Resource = Resource.find(definition, id.number, in: exchange.view)
        else { return 0 }
        return resource.record.scope
    }
}
