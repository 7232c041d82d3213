import Model

/// How much of a type somebody may do something with.
package enum AccessExtent: String, Hashable, Sendable, Comparable {
    case none, some, all

    package static func < (left: AccessExtent, right: AccessExtent) -> Bool { left.rank < right.rank }

    private var rank: Int {
        switch self {
        case .none: 0
        case .some: 1
        case .all: 2
        }
    }
}

/// One right that a change of roles gives or takes.
package struct AccessChange: Hashable, Sendable {
    package var type: String
    package var verb: Verb
    package var before: AccessExtent
    package var after: AccessExtent
    /// Whether it is about other objects than before, though not more and not fewer as far as can be told.
    package var isOther: Bool

    package var isGain: Bool { after > before || isOther }
    package var isLoss: Bool { after < before || isOther }
}

/// What a change of bindings means for a subject, worked out by the decisions before and after.
package enum AccessDifference {
    package static func changes(
        for subject: Subject,
        in scope: AccessScope,
        from before: [Binding],
        to after: [Binding]
    ) -> [AccessChange] {
        var changes: [AccessChange] = []
        for definition in Schemas.all where !Rule.machineTypes.contains(definition.name) {
            let verbs: [Verb] = Escalation.verbs(of: definition)
            guard !verbs.isEmpty else { continue }
            let (old, new): (Extents, Extents) = (
                Extents(definition, subject, scope, before), Extents(definition, subject, scope, after)
            )
            for verb in verbs {
                let (before, after): (AccessExtent, AccessExtent) = (old.extent(verb), new.extent(verb))
                let isOther: Bool = before == .some && after == .some && old.rules(verb) != new.rules(verb)
                guard before != after || isOther else { continue }
                changes.append(
                    AccessChange(type: definition.name, verb: verb, before: before, after: after, isOther: isOther)
                )
            }
        }
        return changes
    }

    private struct Extents {
        let policy: TypePolicy
        let subject: Subject
        let scope: AccessScope
        let type: String
        let isEnvironmentScoped: Bool

        init(_ definition: ResourceDefinition, _ subject: Subject, _ scope: AccessScope, _ bindings: [Binding]) {
            policy = TypePolicy(definition.name, bindings, for: subject)
            self.subject = subject
            self.scope = scope
            type = definition.name
            isEnvironmentScoped = definition.isEnvironmentScoped
        }

        func extent(_ verb: Verb) -> AccessExtent {
            var request = AccessRequest(subject, verb, type, in: scope)
            guard RBAC.verdict(request, policy).isAllowed else { return .none }
            if verb == .list { return isSomewhatSelective(verb) ? .some : .all }
            // Nobody's object: what is allowed on this is allowed on any.
            var object = AccessObject(type, number: UInt64.max)
            if isEnvironmentScoped, case .environment(let number) = scope { object.environment = number }
            request.object = object
            guard RBAC.verdict(request, policy).isAllowed else { return .some }
            return isSomewhatSelective(verb) ? .some : .all
        }

        /// What is said about it, in words and where.
        func rules(_ verb: Verb) -> Set<String> {
            policy.words(AccessRequest(subject, verb, type, in: scope))
        }

        /// Whether something is denied of some objects.
        private func isSomewhatSelective(_ verb: Verb) -> Bool { policy.deniesSome(verb) }
    }
}

extension TypePolicy {
    /// Whether a denial reaches some objects of the scope.
    func deniesSome(_ verb: Verb) -> Bool { denials(verb).contains { $0.isSelective } }

    /// The rules that a request without an object finds, with the scopes that they count in.
    func words(_ request: AccessRequest) -> Set<String> {
        Set(
            everything.filter { $0.rule.covers(request.verb) && $0.binding.reaches(request) }.map {
                "\($0.binding.scope): \($0.rule)"
            }
        )
    }
}
