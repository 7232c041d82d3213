import JSON
import Model
import RBAC

/// Decides about an object as it is stored: what came out of the interceptors, not what went in.
enum Authorisation {
    /// That the type has the method for this caller.
    ///
    /// - Throws: 405, as schemas are made for the caller and do not list it; for environments 403 (contract A9, A16).
    static func require(_ method: ResourceMethod, of definition: ResourceDefinition, _ exchange: Exchange)
        throws(Problem)
    {
        let isCreation: Bool = method == .post
        let mine: [ResourceMethod] =
            isCreation
            ? exchange.rights.collectionMethods(of: definition) : exchange.rights.resourceMethods(of: definition)
        guard !mine.contains(method) else { return }
        let all: [ResourceMethod] = isCreation ? definition.collectionMethods : definition.resourceMethods
        if definition.name == "project", all.contains(method) {
            throw .forbidden("You may not \(method.rawValue) this environment.")
        }
        throw .methodNotAllowed(
            all.contains(method)
                ? "\(method.rawValue) on \(definition.plural) is not yours to do here."
                : "\(definition.nameInProse) cannot be changed by \(method.rawValue)."
        )
    }

    /// The decision on an object as it would be stored, for the audit log.
    ///
    /// - Parameter number: nil for one that is about to be made.
    /// - Throws: 403; with the field, where that is all that is in the way.
    static func require(
        _ verb: Verb,
        _ fields: JSONObject,
        of definition: ResourceDefinition,
        number: UInt64?,
        _ exchange: Exchange
    ) throws(Problem) -> Decision {
        var object = AccessObject(definition, number: number, fields)
        StackSharing.add(to: &object, in: exchange.view)
        let decision: Decision = exchange.rights.decide(verb, definition.name, object)
        guard decision.isAllowed else {
            var problem = Problem.forbidden(
                "You may not \(verb) this \(definition.name).",
                detail: decision.description
            )
            problem.fieldName = decision.violatedField
            throw problem
        }
        return decision
    }

    /// The decision, for the audit log.
    ///
    /// - Throws: 403 with the nearest misses; the caller can see the object, or it would have been a 404 before.
    static func require(_ verb: Verb, _ resource: Resource, _ exchange: Exchange) throws(Problem) -> Decision {
        let decision: Decision = exchange.rights.decide(verb, resource, in: exchange.view)
        guard decision.isAllowed else {
            throw .forbidden(
                "You may not \(verb) the \(resource.definition.name) \(Renderer.id(of: resource)).",
                detail: decision.description
            )
        }
        return decision
    }
}
