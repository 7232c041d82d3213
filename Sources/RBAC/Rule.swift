package import JSON
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

    package var description: String {
        (contains(.create) ? "c" : "") + (contains(.read) ? "r" : "") + (contains(.update) ? "u" : "")
    }
}

/// One thing that must be true of an object for a rule to speak of it.
package struct Condition: Hashable, Sendable, CustomStringConvertible {
    package enum Test: Hashable, Sendable {
        case equals(JSONValue)
        case oneOf([String])
        case prefix(String)
        /// The member is the asking account.
        case isAccount
        /// The member is the asking host.
        case isHost
        /// The member is the environment that the binding is for.
        case isEnvironment
    }

    /// A member of the object; `id` is its number.
    package var member: String
    package var test: Test

    package init(_ member: String, _ test: Test) {
        self.member = member
        self.test = test
    }

    func holds(for object: AccessObject, subject: Subject, environment: UInt64?) -> Bool {
        let value: JSONValue? = member == "id" ? object.number.map { JSONValue($0) } : object.members[member]
        func isNumber(_ number: UInt64?) -> Bool {
            guard let number, let value else { return false }
            return value == JSONValue(number)
        }
        switch test {
        case .equals(let wanted): return value == wanted
        case .oneOf(let texts): return value?.string.map { texts.contains($0) } ?? false
        case .prefix(let prefix): return value?.string?.hasPrefix(prefix) ?? false
        case .isAccount: return isNumber(subject.accountID)
        case .isHost: return isNumber(subject.hostID)
        case .isEnvironment: return isNumber(environment)
        }
    }

    package var description: String {
        switch test {
        case .equals(let value): "\(member)=\(String(decoding: JSONWriter.bytes(value), as: UTF8.self))"
        case .oneOf(let texts): "\(member) in (\(texts.joined(separator: ",")))"
        case .prefix(let prefix): "\(member)=\(prefix)*"
        case .isAccount, .isHost: "\(member)=self"
        case .isEnvironment: "\(member)=environment"
        }
    }
}

/// One line of a role: it allows or denies verbs on types, perhaps only on some objects, perhaps only in some fields.
package struct Rule: Hashable, Sendable, CustomStringConvertible {
    package enum Effect: String, Hashable, Sendable {
        case allow, deny
    }

    package let effect: Effect
    package let verbs: [VerbPattern]
    /// Schema ids, each with its subtypes; `=account` for a type without them; `*` for all.
    package let types: [String]
    /// All must hold.
    package let conditions: [Condition]
    /// Fixed objects; nil for all.
    ///
    /// Nothing that is being created is among them.
    package let numbers: Set<UInt64>?
    /// For an allowing rule, what it allows of a field; all where the field is not named.
    ///
    /// For a denying one, what it takes away: a denying rule with fields takes away no more than those.
    package let fields: [String: FieldPermissions]
    /// In words, made once: audit records name the rule for each change.
    package let description: String

    package init(
        _ effect: Effect,
        _ verbs: [VerbPattern],
        on types: [String],
        where conditions: [Condition] = [],
        numbers: Set<UInt64>? = nil,
        fields: [String: FieldPermissions] = [:]
    ) {
        self.effect = effect
        self.verbs = verbs
        self.types = types
        self.conditions = conditions
        self.numbers = numbers
        self.fields = fields
        description = Self.words(effect, verbs, types, conditions, numbers, fields)
    }

    func covers(_ verb: Verb) -> Bool { verbs.contains { $0.matches(verb) } }

    func covers(type: String) -> Bool {
        types.contains { pattern in
            if pattern.first == "=" { return pattern.dropFirst() == type }
            return pattern == "*" || Schemas.isType(type, kindOf: pattern)
        }
    }

    /// Whether it covers the type with all that is below it.
    func coversWhole(type: String) -> Bool {
        covers(type: type) && Schemas.subtypes(of: type).allSatisfy { coversWhole(type: $0.name) }
    }

    /// Whether it speaks of some objects of its types only.
    var isSelective: Bool { !conditions.isEmpty || numbers != nil }

    /// Without an object, an allowing rule might hold for some, and a denying one might not for some.
    func selects(_ object: AccessObject?, subject: Subject, environment: UInt64?) -> Bool {
        guard isSelective else { return true }
        guard let object else { return effect == .allow }
        if let numbers {
            guard let number: UInt64 = object.number, numbers.contains(number) else { return false }
        }
        return conditions.allSatisfy { $0.holds(for: object, subject: subject, environment: environment) }
    }

    private static func words(
        _ effect: Effect,
        _ verbs: [VerbPattern],
        _ types: [String],
        _ conditions: [Condition],
        _ numbers: Set<UInt64>?,
        _ fields: [String: FieldPermissions]
    ) -> String {
        var text: String = "\(effect.rawValue) \(verbs.map(\.description).joined(separator: ","))"
        text += " on \(types.joined(separator: ","))"
        var limits: [String] = conditions.map(\.description)
        if let numbers { limits.append("id in (\(numbers.sorted().map(String.init).joined(separator: ",")))") }
        if !limits.isEmpty { text += " where \(limits.joined(separator: ", "))" }
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

    package init(_ name: String, including others: [Role] = [], rules: [Rule]) {
        self.name = name
        self.rules = others.flatMap(\.rules) + rules
    }
}
