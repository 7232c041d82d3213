import Model

/// Decides who may do what: explicit denial over permission over default denial.
///
/// A pure function of its arguments.
package enum RBAC {
    /// How many near misses a refusal names.
    private static let nearMissLimit: Int = 3

    /// What is decided, without the words for a refusal.
    package enum Verdict: Hashable, Sendable {
        case allowed(Binding, Rule)
        case denied(Binding, Rule)
        case outOfScope
        case noRule

        package var isAllowed: Bool {
            if case .allowed = self { return true }
            return false
        }
    }

    /// Decides a request.
    ///
    /// Without an object it answers whether any object could be meant (conditions that allow are taken to hold,
    /// conditions that deny are not).
    package static func decide(_ request: AccessRequest, bindings: [Binding]) -> Decision {
        decide(request, TypePolicy(request.effectiveType, bindings, for: request.subject), bindings: bindings)
    }

    /// The same with what was worked out before for the request's type.
    ///
    /// - Parameter policy: of the request's subject and of the type of its object, or of the request without one.
    package static func decide(_ request: AccessRequest, _ policy: TypePolicy, bindings: [Binding]) -> Decision {
        switch verdict(request, policy) {
        case .allowed(let binding, let rule): Decision(reason: .allowed(binding, rule))
        case .denied(let binding, let rule): Decision(reason: .denied(binding, rule))
        case .outOfScope: Decision(reason: .outOfScope)
        case .noRule: Decision(reason: .noRule(nearest: nearMisses(request, bindings)))
        }
    }

    /// The decision itself.
    package static func verdict(_ request: AccessRequest, _ policy: TypePolicy) -> Verdict {
        if case .environment(let asked) = request.scope, let owner: UInt64 = request.object?.environment, owner != asked
        {
            return .outOfScope
        }
        var allowed: Verdict?
        for entry in policy.candidates(request) where entry.rule.covers(request.verb) {
            let (binding, rule): (Binding, Rule) = (entry.binding, entry.rule)
            // What denies single fields, or some objects nobody named, leaves the question open.
            if rule.effect == .allow ? allowed != nil : !rule.fields.isEmpty { continue }
            if rule.effect == .deny, request.object == nil, binding.isSelective(in: request.scope) { continue }
            guard binding.reaches(request),
                rule.miss(
                    request.object,
                    request.verb,
                    subject: request.subject,
                    environment: binding.environment(for: request)
                ) == nil
            else { continue }
            switch rule.effect {
            case .deny: return .denied(binding, rule)
            case .allow: allowed = .allowed(binding, rule)
            }
        }
        return allowed ?? .noRule
    }

    /// The allowing rules that lack one thing only, best first: looked for when nothing allows a request.
    private static func nearMisses(_ request: AccessRequest, _ bindings: [Binding]) -> [NearMiss] {
        var misses: [NearMiss] = []
        for binding in bindings where binding.subject.matches(request.subject) {
            let reaches: Bool = binding.reaches(request)
            let environment: UInt64? = binding.environment(for: request)
            for rule in binding.role.rules where rule.effect == .allow && rule.covers(type: request.effectiveType) {
                let miss: Rule.Miss? = rule.miss(
                    request.object,
                    request.verb,
                    subject: request.subject,
                    environment: environment
                )
                let lack: NearMiss.Lack
                switch (reaches, rule.covers(request.verb), miss) {
                case (true, true, .constraint(let constraint, let field)):
                    lack = .constraint(constraint, field: field)
                case (true, true, .condition(let condition)): lack = .object(condition)
                case (true, true, .numbers): lack = .object(nil)
                case (true, false, nil): lack = .verb
                case (false, true, nil): lack = .scope
                default: continue
                }
                misses.append(NearMiss(binding: binding, rule: rule, lack: lack))
            }
        }
        // Sorting by what is missing keeps the order of bindings and rules among equals.
        return misses.enumerated().sorted { ($0.element.lack.rank, $0.offset) < ($1.element.lack.rank, $1.offset) }
            .prefix(nearMissLimit).map(\.element)
    }

    /// Early authorisation: whether no change of the request's object could make it right.
    package static func canEver(
        _ subject: Subject,
        _ verb: Verb,
        _ type: String,
        in scope: AccessScope,
        bindings: [Binding]
    ) -> Bool {
        verdict(AccessRequest(subject, verb, type, in: scope), TypePolicy(type, bindings, for: subject)).isAllowed
    }
}
