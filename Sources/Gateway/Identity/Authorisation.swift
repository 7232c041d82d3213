import Model
import RBAC

/// Decides about an object as it is stored: what came out of the interceptors, not what went in.
enum Authorisation {
    /// The decision, for the audit log.
    ///
    /// - Throws: 403 with the nearest misses; the caller can see the object, or it would have been a 404 before.
    static func require(_ verb: Verb, _ resource: Resource, _ exchange: Exchange) throws(Problem) -> Decision {
        let decision: Decision = exchange.rights.decide(verb, resource)
        guard decision.isAllowed else {
            throw .forbidden(
                "You may not \(verb) the \(resource.definition.name) \(Renderer.id(of: resource)).",
                detail: decision.description)
        }
        return decision
    }
}
