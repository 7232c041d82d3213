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

    package var isAllowed: Bool {
        if case .allowed = reason { return true }
        return false
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
    package enum Lack: Int, Hashable, Sendable, Comparable {
        /// The object is not one of those that the rule speaks of.
        case object
        /// The rule is about other verbs.
        case verb
        /// The binding is for another scope.
        case scope

        package static func < (left: Lack, right: Lack) -> Bool { left.rawValue < right.rawValue }
    }

    package var binding: Binding
    package var rule: Rule
    package var lack: Lack

    package var description: String {
        switch lack {
        case .object: "\(binding): \(rule) does not cover this object"
        case .verb: "\(binding): \(rule) does not cover this verb"
        case .scope: "\(binding): \(rule) does not count here"
        }
    }
}
