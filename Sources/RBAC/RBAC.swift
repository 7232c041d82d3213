import Model

/// Decides who may do what: explicit denial over permission over default denial.
///
/// A pure function of its arguments.
package enum RBAC {
    /// How many near misses a refusal names.
    private static let nearMissLimit: Int = 3

    /// Decides a request.
    ///
    /// Without an object it answers whether any object could be meant (conditions that allow are taken to hold,
    /// conditions that deny are not).
    package static func decide(_ request: AccessRequest, bindings: [Binding]) -> Decision {
        if case .environment(let asked) = request.scope, let owner: UInt64 = request.object?.environment, owner != asked
        {
            return Decision(reason: .outOfScope)
        }
        var allowed: Decision?
        var misses: [NearMiss] = []
        for binding in bindings where binding.subject.matches(request.subject) {
            let reaches: Bool = binding.reaches(request)
            let environment: UInt64? = binding.environment(for: request)
            for rule in binding.role.rules where rule.covers(type: request.effectiveType) {
                let coversVerb: Bool = rule.covers(request.verb)
                let selects: Bool = rule.selects(request.object, subject: request.subject, environment: environment)
                if reaches, coversVerb, selects {
                    switch rule.effect {
                    case .deny where request.object == nil && binding.isSelective(in: request.scope): break
                    case .deny where rule.fields.isEmpty: return Decision(reason: .denied(binding, rule))
                    case .deny: break
                    case .allow: allowed = allowed ?? Decision(reason: .allowed(binding, rule))
                    }
                } else if rule.effect == .allow, allowed == nil {
                    if let lack: NearMiss.Lack = onlyLack(reaches: reaches, coversVerb: coversVerb, selects: selects) {
                        misses.append(NearMiss(binding: binding, rule: rule, lack: lack))
                    }
                }
            }
        }
        if let allowed { return allowed }
        // Sorting by what is missing keeps the order of bindings and rules among equals.
        let nearest: [NearMiss] = misses.enumerated().sorted {
            ($0.element.lack, $0.offset) < ($1.element.lack, $1.offset)
        }
        .prefix(nearMissLimit).map(\.element)
        return Decision(reason: .noRule(nearest: nearest))
    }

    /// The bindings of a subject with those rules only that speak of a type: ``decide(_:bindings:)`` about an object of
    /// exactly this type gives the same with them.
    package static func narrowed(_ bindings: [Binding], to subject: Subject, _ type: String) -> [Binding] {
        bindings.filter { $0.subject.matches(subject) }.map { binding in
            var binding: Binding = binding
            binding.role.rules = binding.role.rules.filter { $0.covers(type: type) }
            return binding
        }
    }

    private static func onlyLack(reaches: Bool, coversVerb: Bool, selects: Bool) -> NearMiss.Lack? {
        switch (reaches, coversVerb, selects) {
        case (true, true, false): .object
        case (true, false, true): .verb
        case (false, true, true): .scope
        default: nil
        }
    }

    /// Early authorisation: whether no change of the request's object could make it right.
    package static func canEver(
        _ subject: Subject,
        _ verb: Verb,
        _ type: String,
        in scope: AccessScope,
        bindings: [Binding]
    ) -> Bool {
        decide(AccessRequest(subject, verb, type, in: scope), bindings: bindings).isAllowed
    }

    /// Which rows of a type a list may show.
    package enum RowAccess: Hashable, Sendable {
        case none
        /// All of the scope: no row needs a look.
        case all
        /// Ask ``RBAC/decide(_:bindings:)`` with the verb `get` for each.
        case some
    }

    package static func rows(
        of type: String,
        for subject: Subject,
        in scope: AccessScope,
        bindings: [Binding]
    ) -> RowAccess {
        let request = AccessRequest(subject, .get, type, in: scope)
        guard decide(request, bindings: bindings).isAllowed else { return .none }
        var isUnconditional = false
        for binding in bindings where binding.subject.matches(subject) && binding.reaches(request) {
            for rule in binding.role.rules where rule.covers(.get) && rule.covers(type: type) {
                switch rule.effect {
                case .deny where rule.fields.isEmpty: return .some
                case .deny: break
                case .allow:
                    if !binding.isSelective(in: scope), !rule.isSelective, rule.coversWhole(type: type) {
                        isUnconditional = true
                    }
                }
            }
            // A denial of some subtype concerns rows of this type, too.
            if binding.role.rules.contains(where: { deniesSubtype($0, of: type) }) { return .some }
        }
        return isUnconditional ? .all : .some
    }

    private static func deniesSubtype(_ rule: Rule, of type: String) -> Bool {
        rule.effect == .deny && rule.fields.isEmpty && rule.covers(.get)
            && rule.types.contains { $0 != type && Schemas.isType($0, kindOf: type) }
    }
}
