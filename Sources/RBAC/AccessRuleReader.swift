package import JSON
package import Model

/// Makes rules of the `accessRule` objects that people write, and says at the door what is wrong with them.
///
/// What is stored went through it, so ``roleRules(_:)`` leaves out nothing; should a rule be unreadable all the same, as one
/// of a newer server is, it allows nothing.
package enum AccessRuleReader {
    /// Reads one rule.
    ///
    /// - Throws: the field of the rule that is wrong, and what would be right.
    package static func rule(_ value: JSONValue) throws(ValidationProblem) -> Rule {
        let effect: Rule.Effect = value["effect"]?.string == "deny" ? .deny : .allow
        let verbs: [VerbPattern] = try self.verbs(value)
        let types: [String] = try self.types(value)
        try check(verbs, on: types)
        let numbers: Set<UInt64>? = try self.numbers(value, verbs)
        let conditions: [Condition] = try AccessSelector.conditions(value["selector"]?.string ?? "", of: types)
        return Rule(
            effect,
            verbs,
            on: types.map { $0 == "*" ? Rule.everyPublicType : $0 },
            where: conditions,
            numbers: numbers,
            fields: try fields(value, types),
            constraints: try constraints(value, effect)
        )
    }

    /// The rules of a role as it is stored; an unreadable denial denies everything that it may have been about.
    package static func roleRules(_ values: [JSONValue]) -> [Rule] {
        values.compactMap { value in
            if let rule: Rule = try? rule(value) { return rule }
            // Written by a server that knows more: to allow less than was meant is safe.
            return value["effect"]?.string == "deny" ? Rule(.deny, [.any], on: [Rule.everyPublicType]) : nil
        }
    }

    private static func texts(_ value: JSONValue, _ name: String) -> [String] {
        value[name]?.array?.compactMap(\.string) ?? []
    }

    private static func verbs(_ value: JSONValue) throws(ValidationProblem) -> [VerbPattern] {
        var patterns: [VerbPattern] = []
        for text in texts(value, "verbs") {
            guard let pattern = VerbPattern(text) else {
                throw ValidationProblem(
                    .invalidOption,
                    "verbs",
                    "\(text) is no verb: list, get, create, update, delete, subscribe, action:<name>, action:* or *"
                )
            }
            patterns.append(pattern)
        }
        guard !patterns.isEmpty else { throw ValidationProblem(.missingRequired, "verbs", "a rule needs verbs") }
        return patterns
    }

    private static func types(_ value: JSONValue) throws(ValidationProblem) -> [String] {
        let types: [String] = texts(value, "resourceTypes")
        for type in types where type != "*" {
            guard Schemas.definition(type) != nil, !Rule.machineTypes.contains(type) else {
                throw ValidationProblem(
                    .invalidReference,
                    "resourceTypes",
                    "\(type) is no type that roles can speak of; GET schemas lists them, and * is all"
                )
            }
        }
        guard !types.isEmpty else {
            throw ValidationProblem(.missingRequired, "resourceTypes", "a rule needs resourceTypes")
        }
        return types
    }

    /// Actions must be those of one of the types.
    private static func check(_ verbs: [VerbPattern], on types: [String]) throws(ValidationProblem) {
        guard !types.contains("*") else { return }
        let known: [ResourceDefinition] = covered(by: types)
        for case .only(.action(let name)) in verbs {
            let isOwn: Bool = known.contains { $0.action(name) != nil }
            let isBeyond: Bool =
                Verb.action(name).isBeyondOwnRights && types.contains { ["accessRole", "roleTemplate"].contains($0) }
            guard isOwn || isBeyond else {
                throw ValidationProblem(
                    .invalidOption,
                    "verbs",
                    "action:\(name) is no action of \(types.joined(separator: ", "))"
                )
            }
        }
    }

    static func covered(by types: [String]) -> [ResourceDefinition] {
        Schemas.all.filter { definition in
            types.contains { $0 == "*" || Schemas.isType(definition.name, kindOf: $0) }
        }
    }

    private static func numbers(_ value: JSONValue, _ verbs: [VerbPattern]) throws(ValidationProblem) -> Set<UInt64>? {
        let texts: [String] = texts(value, "ids")
        guard !texts.isEmpty else { return nil }
        let wide: Bool = verbs.contains {
            switch $0 {
            case .only(.create), .only(.list): true
            default: false
            }
        }
        guard !wide else {
            throw ValidationProblem(.invalidOption, "ids", "ids cannot stand beside the verbs create and list")
        }
        var numbers: Set<UInt64> = []
        for text in texts {
            guard let id = ResourceID(text), id.cluster == nil else {
                throw ValidationProblem(.invalidReference, "ids", "\(text) is no id of this cluster, such as 1s42")
            }
            numbers.insert(id.number)
        }
        return numbers
    }

    private static func fields(
        _ value: JSONValue,
        _ types: [String]
    ) throws(ValidationProblem) -> [String: FieldPermissions] {
        var fields: [String: FieldPermissions] = [:]
        for (name, letters) in value["fields"]?.object ?? [:] {
            let isKnown: Bool = name == "*" || covered(by: types).contains { $0.field(name) != nil }
            guard isKnown else {
                throw ValidationProblem(
                    .invalidReference,
                    "fields",
                    "\(types.joined(separator: ", ")) has no field \(name)"
                )
            }
            guard let permissions = FieldPermissions(letters: letters.string ?? "-") else {
                throw ValidationProblem(
                    .invalidCharacters,
                    "fields",
                    "of a field the letters c (create), r (read) and u (update) can be given"
                )
            }
            fields[name] = permissions
        }
        return fields
    }

    private static func constraints(
        _ value: JSONValue,
        _ effect: Rule.Effect
    ) throws(ValidationProblem) -> [Constraint] {
        var constraints: [Constraint] = []
        for (name, text) in value["constraints"]?.object ?? [:] {
            guard effect == .allow else {
                throw ValidationProblem(.invalidOption, "constraints", "a rule that denies has no constraints")
            }
            guard let constraint = Constraint(name, text.string ?? "") else {
                throw ValidationProblem(
                    .invalidOption,
                    "constraints",
                    "\(name)=\(text.string ?? "?") is no constraint: imagePrefix=<text>, or =false of privileged, "
                        + "capAdd, devices, hostMounts, hostNetwork, hostPid"
                )
            }
            constraints.append(constraint)
        }
        return constraints.sorted { $0.kind.rawValue < $1.kind.rawValue }
    }
}
