/// An answer with its reason.
package struct Decision: Hashable, Sendable, CustomStringConvertible {
    package enum Reason: Hashable, Sendable {
        /// The first binding and rule that allowed it.
        case allowed(Binding, Rule)
        /// The binding and rule that denied it, whatever others allow.
        case denied(Binding, Rule)
        /// The object belongs to another environment than the one that is acted in.
        case outOfScope
        /// Nothing allows it. The nearest misses, best first.
        case noRule(nearest: [NearMiss])
    }

    package var reason: Reason

    package init(reason: Reason) {
        self.reason = reason
    }

    package var isAllowed: Bool {
        if case .allowed = reason { return true }
        return false
    }

    /// The binding and rule that decided; nil when none did.
    package var decider: (binding: Binding, rule: Rule)? {
        switch reason {
        case .allowed(let binding, let rule), .denied(let binding, let rule): (binding, rule)
        case .outOfScope, .noRule: nil
        }
    }

    package var nearest: [NearMiss] {
        if case .noRule(let nearest) = reason { return nearest }
        return []
    }

    /// The field that keeps it from being allowed, when it is but one.
    package var violatedField: String? {
        for miss in nearest {
            if case .constraint(_, let field) = miss.lack { return field }
        }
        return nil
    }

    /// In words: for the audit log and for `can-i --explain`.
    package var description: String {
        switch reason {
        case .allowed(let binding, let rule): return "\(binding): \(rule)"
        case .denied(let binding, let rule): return "denied by \(binding): \(rule)"
        case .outOfScope: return "denied: the object belongs to another environment"
        case .noRule(let nearest):
            guard !nearest.isEmpty else { return "denied: no rule allows it" }
            return "denied: no rule allows it; nearest: \(nearest.map(\.description).joined(separator: "; "))"
        }
    }
}

/// A rule that would have allowed a request but for one thing.
package struct NearMiss: Hashable, Sendable, CustomStringConvertible {
    package enum Lack: Hashable, Sendable {
        /// The object is made in a way that the rule does not allow; the field that is against it.
        case constraint(Constraint, field: String)
        /// The object is not one of those that the rule speaks of; the first condition that does not hold, or nil where it is
        /// none of the objects that are named.
        case object(Condition?)
        /// The rule is about other verbs.
        case verb
        /// The binding is for another scope.
        case scope

        /// Nearer ones first.
        var rank: Int {
            switch self {
            case .constraint: 0
            case .object: 1
            case .verb: 2
            case .scope: 3
            }
        }
    }

    package var binding: Binding
    package var rule: Rule
    package var lack: Lack

    package var description: String {
        switch lack {
        case .constraint(let constraint, let field):
            "\(binding): \(rule) wants \(constraint), and \(field) is against it"
        case .object(let condition?): "\(binding): \(rule) does not cover this object: \(condition) does not hold"
        case .object(nil): "\(binding): \(rule) does not cover this object"
        case .verb: "\(binding): \(rule) does not cover this verb"
        case .scope: "\(binding): \(rule) does not count here"
        }
    }

    /// What would have to change for the rule to allow it.
    package func remedy(_ request: AccessRequest) -> String {
        switch lack {
        case .constraint(let constraint, let field): "change \(field) so that \(constraint) holds"
        case .object(let condition?):
            "the object would have to fulfil \(condition), or a role must allow \(request.verb) on it without that"
        case .object(nil): "the role would have to name this object"
        case .verb: "ask for a role that allows \(request.verb) on \(request.effectiveType) in \(request.scope)"
        case .scope: "ask for a binding of the role \(binding.role.name) in \(request.scope)"
        }
    }
}
