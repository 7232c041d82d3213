import Model

/// What may be done with a field: letters as in contract A16.
package struct FieldPermissions: OptionSet, Hashable, Sendable, CustomStringConvertible {
    package let rawValue: UInt8
    package init(rawValue: UInt8) { self.rawValue = rawValue }

    /// `c`: settable by POST.
    package static let create = FieldPermissions(rawValue: 1)
    /// `r`: shown.
    package static let read = FieldPermissions(rawValue: 2)
    /// `u`: settable by PUT.
    package static let update = FieldPermissions(rawValue: 4)
    package static let all: FieldPermissions = [.create, .read, .update]

    /// Parses letters such as `cr`; nil for any other letter.
    ///
    /// `o` and `d` of older overlays say nothing about fields here.
    package init?(letters: String) {
        var result: FieldPermissions = []
        for letter in letters {
            switch letter {
            case "c": result.insert(.create)
            case "r": result.insert(.read)
            case "u": result.insert(.update)
            default: return nil
            }
        }
        self = result
    }

    package var description: String {
        (contains(.create) ? "c" : "") + (contains(.read) ? "r" : "") + (contains(.update) ? "u" : "")
    }
}

/// One line of a role: it allows or denies verbs on types, perhaps only on some objects, perhaps only in some fields.
package struct Rule: Hashable, Sendable, CustomStringConvertible {
    package enum Effect: String, Hashable, Sendable {
        case allow, deny
    }

    package let effect: Effect
    package let verbs: [VerbPattern]
    /// Schema ids, each with its subtypes; `=account` for a type without them; `*` for all; ``everyPublicType``.
    package let types: [String]
    /// All must hold.
    package let conditions: [Condition]
    /// Fixed objects; nil for all.
    ///
    /// Nothing that is being created is among them.
    package let numbers: Set<UInt64>?
    /// For an allowing rule, what it allows of a field; where a field is not named, what `*` says, and all without it.
    ///
    /// For a denying one, what it takes away: a denying rule with fields takes away no more than those.
    package let fields: [String: FieldPermissions]
    /// For an allowing rule: it allows to make and change only what keeps them all.
    package let constraints: [Constraint]
    /// In words, made once: audit records name the rule for each change.
    package let description: String

    package init(
        _ effect: Effect,
        _ verbs: [VerbPattern],
        on types: [String],
        where conditions: [Condition] = [],
        numbers: Set<UInt64>? = nil,
        fields: [String: FieldPermissions] = [:],
        constraints: [Constraint] = []
    ) {
        self.effect = effect
        self.verbs = verbs
        self.types = types
        self.conditions = conditions
        self.numbers = numbers
        self.fields = fields
        self.constraints = constraints
        description = Self.words(effect, verbs, types, conditions, numbers, fields, constraints)
    }

    func covers(_ verb: Verb) -> Bool { verbs.contains { $0.matches(verb) } }

    func covers(type: String) -> Bool {
        types.contains { pattern in
            if pattern.first == "=" { return pattern.dropFirst() == type }
            if pattern == Self.everyPublicType {
                return Schemas.definition(type) != nil && !Self.machineTypes.contains(type)
            }
            return pattern == "*" || Schemas.isType(type, kindOf: pattern)
        }
    }

    /// What `*` of a role made at run time means: every type of the schemas but ``machineTypes``.
    package static let everyPublicType: String = "*public"

    /// What only hosts and those who want to become one do: no role made at run time speaks of them.
    package static let machineTypes: Set<String> = ["register", "hostCertificate"]

    /// Whether it speaks of some objects of its types only.
    var isSelective: Bool { !conditions.isEmpty || numbers != nil }

    /// What keeps it from speaking of an object.
    enum Miss: Hashable, Sendable {
        case numbers
        case condition(Condition)
        /// With the field that is against it.
        case constraint(Constraint, field: String)
    }

    /// Nil when it speaks of the object.
    ///
    /// Without an object, an allowing rule might hold for some, and a denying one might not for some; `numbers` stands for
    /// that then.
    func miss(_ object: AccessObject?, _ verb: Verb, subject: Subject, environment: UInt64?) -> Miss? {
        guard isSelective || !constraints.isEmpty else { return nil }
        guard let object else { return effect == .allow ? nil : .numbers }
        if let numbers {
            guard let number: UInt64 = object.number, numbers.contains(number) else { return .numbers }
        }
        for condition in conditions where !condition.holds(for: object, subject: subject, environment: environment) {
            return .condition(condition)
        }
        guard verb == .create || verb == .update else { return nil }
        for constraint in constraints {
            if let field: String = constraint.violation(in: object) { return .constraint(constraint, field: field) }
        }
        return nil
    }

    private static func words(
        _ effect: Effect,
        _ verbs: [VerbPattern],
        _ types: [String],
        _ conditions: [Condition],
        _ numbers: Set<UInt64>?,
        _ fields: [String: FieldPermissions],
        _ constraints: [Constraint]
    ) -> String {
        var text: String = "\(effect.rawValue) \(verbs.map(\.description).joined(separator: ","))"
        text += " on \(types.map { $0 == everyPublicType ? "*" : $0 }.joined(separator: ","))"
        var limits: [String] = conditions.map(\.description)
        if let numbers { limits.append("id in (\(numbers.sorted().map(String.init).joined(separator: ",")))") }
        if !limits.isEmpty { text += " where \(limits.joined(separator: ", "))" }
        if !constraints.isEmpty { text += " with \(constraints.map(\.description).joined(separator: ", "))" }
        if !fields.isEmpty {
            let list: [String] = fields.sorted { $0.key < $1.key }.map { "\($0.key):\($0.value)" }
            text += " (fields \(list.joined(separator: " ")))"
        }
        return text
    }
}

/// A named list of rules.
package struct Role: Hashable, Sendable {
    package var name: String
    package var rules: [Rule]
    /// Tells it from every other list of rules, also from an older one of the same name.
    package var id: String
    /// The number of the `accessRole` that it was made of; nil for a built-in one.
    package var number: UInt64?

    package init(_ name: String, id: String? = nil, including others: [Role] = [], rules: [Rule]) {
        self.name = name
        self.id = id ?? name
        self.rules = others.flatMap(\.rules) + rules
    }

    package static func == (left: Role, right: Role) -> Bool {
        left.id == right.id && left.name == right.name && left.rules == right.rules
    }

    package func hash(into hasher: inout Hasher) { hasher.combine(id) }
}
