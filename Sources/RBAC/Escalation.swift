import Model

/// What keeps people from giving what they do not have: each rule of a role must be covered by rules of whoever makes or
/// binds it, for everybody alike.
package enum Escalation {
    /// Something that a role allows and its maker may not.
    package struct Missing: Hashable, Sendable, CustomStringConvertible {
        package var verb: Verb
        package var type: String
        /// The fields, where it is about those only.
        package var fields: [String]

        package init(verb: Verb, type: String, fields: [String]) {
            self.verb = verb
            self.type = type
            self.fields = fields
        }

        package var description: String {
            "\(verb) on \(type)\(fields.isEmpty ? "" : " (fields \(fields.joined(separator: ", ")))")"
        }
    }

    /// Where a role counts, or could.
    package enum Place: Hashable, Sendable {
        case environment(UInt64)
        case everywhere
    }

    /// The first rights of the rules that the holder of `bindings` does not have there; empty when it has all.
    package static func missing(
        _ rules: [Rule],
        in place: Place,
        holder: Subject,
        bindings: [Binding],
        limit: Int = 5
    ) -> [Missing] {
        let held: [(binding: Binding, rule: Rule)] = bindings.filter { $0.subject.matches(holder) }.flatMap { binding in
            binding.role.rules.map { (binding, $0) }
        }
        var missing: [Missing] = []
        for rule in rules where rule.effect == .allow {
            for definition in Schemas.all
            where rule.covers(type: definition.name) && !Rule.machineTypes.contains(definition.name) {
                for verb in verbs(of: definition) where rule.covers(verb) {
                    let one = AccessAtom(verb: verb, definition: definition)
                    guard let found: Missing = lack(rule, one, place, held) else { continue }
                    if !missing.contains(found) { missing.append(found) }
                    if missing.count >= limit { return missing }
                }
            }
        }
        return missing
    }

    /// Everything that a rule can say of a type.
    static func verbs(of definition: ResourceDefinition) -> [Verb] {
        var verbs: [Verb] = []
        if definition.collectionMethods.contains(.get) { verbs.append(.list) }
        if definition.collectionMethods.contains(.post) { verbs.append(.create) }
        if definition.resourceMethods.contains(.get) { verbs.append(.get) }
        if definition.resourceMethods.contains(.put) { verbs.append(.update) }
        if definition.resourceMethods.contains(.delete) { verbs.append(.delete) }
        if definition.name == "subscribe" { verbs.append(.subscribe) }
        verbs += definition.actions.map { .action($0.name) }
        if ["accessRole", "roleTemplate"].contains(definition.name) { verbs += [.escalate, .bind] }
        return verbs
    }

    private struct AccessAtom {
        var verb: Verb
        var definition: ResourceDefinition
    }

    private static func lack(
        _ rule: Rule,
        _ atom: AccessAtom,
        _ place: Place,
        _ held: [(binding: Binding, rule: Rule)]
    ) -> Missing? {
        let name: String = atom.definition.name
        let missing = Missing(verb: atom.verb, type: name, fields: [])
        var lacking: Set<String>?
        for (binding, own) in held where own.covers(type: name) && counts(binding, in: place, atom.definition) {
            guard covers(own, atom.verb) else { continue }
            switch own.effect {
            case .deny:
                // What is taken from the holder, if only of some objects or fields, is not the holder's to give.
                return missing
            case .allow:
                guard binding.isWhole, isWithin(rule, own, place) else { continue }
                let fields: [String] = fieldsBeyond(rule, own, atom)
                if fields.isEmpty { lacking = [] }
                lacking = lacking.map { $0.intersection(fields) } ?? Set(fields)
            }
        }
        guard let lacking else { return missing }
        return lacking.isEmpty ? nil : Missing(verb: atom.verb, type: name, fields: lacking.sorted())
    }

    /// As in decisions, but that who may do everything may also give the right to go beyond one's own, by name.
    private static func covers(_ own: Rule, _ verb: Verb) -> Bool {
        if verb.isBeyondOwnRights, own.verbs.contains(.any), own.types.contains("*") { return true }
        return own.covers(verb)
    }

    private static func counts(_ binding: Binding, in place: Place, _ definition: ResourceDefinition) -> Bool {
        switch (binding.scope, place) {
        case (.everywhere, _): return true
        // At the root all objects of all environments can be reached.
        case (.cluster, .everywhere): return definition.name != "subscribe"
        case (.cluster, .environment): return !definition.isEnvironmentScoped && definition.name != "subscribe"
        case (.anyEnvironment, .environment): return true
        case (.anyEnvironment, .everywhere): return definition.isEnvironmentScoped || definition.name == "subscribe"
        case (.environment(let number), .environment(let asked)): return number == asked
        case (.environment, .everywhere): return false
        // Of single objects: they take away, but do not give.
        case (.stack(_, let environment), .environment(let asked)): return environment == asked
        case (.object(_, _, let environment), .environment(let asked)): return environment.map { $0 == asked } ?? true
        case (.stack, .everywhere), (.object, .everywhere): return true
        }
    }

    /// Whether every object that a rule speaks of is one that the holder's rule speaks of.
    private static func isWithin(_ rule: Rule, _ own: Rule, _ place: Place) -> Bool {
        for condition in own.conditions {
            // What a binding gives in an environment, it gives of that environment's objects.
            if condition.test == .isEnvironment, case .environment = place { continue }
            guard !condition.isAboutCaller, rule.conditions.contains(condition) else { return false }
        }
        if let numbers: Set<UInt64> = own.numbers {
            guard let wanted: Set<UInt64> = rule.numbers, wanted.isSubset(of: numbers) else { return false }
        }
        return own.constraints.allSatisfy { rule.constraints.contains($0) }
    }

    /// The fields of which a rule gives more than the holder's.
    private static func fieldsBeyond(_ rule: Rule, _ own: Rule, _ atom: AccessAtom) -> [String] {
        guard !own.fields.isEmpty else { return [] }
        let letter: FieldPermissions =
            switch atom.verb {
            case .create: .create
            case .update: .update
            default: .read
            }
        return atom.definition.fields.filter { field in
            // What nobody can set is given to nobody.
            switch letter {
            case .create where !field.isCreatable: return false
            case .update where !field.isUpdatable: return false
            default: break
            }
            let given: FieldPermissions = rule.fields[field.name] ?? rule.fields["*"] ?? .all
            let has: FieldPermissions = own.fields[field.name] ?? own.fields["*"] ?? .all
            return given.contains(letter) && !has.contains(letter)
        }.map(\.name)
    }
}

extension Binding {
    /// Whether it gives its rules for all objects of its scope.
    fileprivate var isWhole: Bool {
        switch scope {
        case .stack, .object: false
        default: true
        }
    }
}
