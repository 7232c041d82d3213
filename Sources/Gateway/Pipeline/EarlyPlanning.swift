import HTTP
import Model

/// Changes that are planned on the state that is here, without asking first whether it is current.
///
/// That saves a round to a majority. It is right for what names one object and is committed only if that object, the rights
/// behind the request and whatever else the plan relied on are still as they were in the view
/// (``PlannedChange/preconditions``): then it is as if the view had been taken at that moment. An answer that
/// changes nothing has no such proof, so it is not given before the current state has been looked at: see
/// ``Exchange/isCurrent``. Whoever has written through another node therefore never meets the time before.
enum EarlyPlanning {
    /// By the request alone: a replacement or removal of one object in an environment, by somebody with a key.
    ///
    /// Others rely on more than their preconditions name: a creation on everything that its members refer to, a host's
    /// certificate on the host.
    static func isPossible(_ request: HTTPRequest, _ path: APIPath) -> Bool {
        guard request.method == "PUT" || request.method == "DELETE", path.id != nil, path.link == nil,
            let type: String = path.type, let definition: ResourceDefinition = Schemas.find(type)
        else { return false }
        return definition.table != nil && definition.isEnvironmentScoped && request.headers.contains("authorization")
    }

    /// Whether what came of it may be said: it was committed, the current state was looked at, or something was proposed
    /// and the cluster has not said what became of it.
    static func isTrue(_ exchange: Exchange) -> Bool {
        exchange.isCurrent || exchange.committed > 0 || exchange.tickets != nil
    }
}
