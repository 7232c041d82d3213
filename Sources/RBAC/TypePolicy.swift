import Model

/// What the bindings of one subject say about one type: worked out once for each policy revision, so that a decision looks
/// at the rules about the object in hand and no others.
///
/// The same rules in the same order as in the bindings; ``verdict(_:)`` with it and without it are equal.
package struct TypePolicy: Sendable {
    struct Entry: Sendable {
        /// Its place among all rules of all bindings: what comes first decides.
        var order: Int
        var binding: Binding
        var rule: Rule
    }

    package let type: String
    /// Rules that may speak of any object.
    private var general: [Entry] = []
    /// Rules of bindings for single objects and stacks, and rules with fixed objects.
    private var byObject: [UInt64: [Entry]] = [:]
    private var byStack: [UInt64: [Entry]] = [:]
    /// For questions without an object: of rules that differ in nothing but the object, one.
    private var types: [Entry] = []

    package init(_ type: String, _ bindings: [Binding], for subject: Subject) {
        self.type = type
        var order: Int = 0
        var rules: [String: [Rule]] = [:]
        var seen: Set<Shape> = []
        for binding in bindings where binding.subject.matches(subject) {
            // Many bindings give the same role: what it says of the type is looked for once.
            let speaking: [Rule] = rules[binding.role.id] ?? binding.role.rules.filter { $0.covers(type: type) }
            rules[binding.role.id] = speaking
            for rule in speaking {
                let entry = Entry(order: order, binding: binding, rule: rule)
                order += 1
                add(entry)
                if seen.insert(Shape(entry)).inserted { types.append(entry) }
            }
        }
    }

    /// What a question without an object sees of an entry.
    private struct Shape: Hashable {
        var rule: Rule
        var scope: BindingScope
        /// What is given at run time reaches less than what is built in.
        var isGranted: Bool

        init(_ entry: Entry) {
            rule = entry.rule
            isGranted = entry.binding.number != nil
            scope =
                switch entry.binding.scope {
                case .stack(_, let environment): .stack(0, environment: environment)
                case .object(let type, _, let environment): .object(type: type, number: 0, environment: environment)
                default: entry.binding.scope
                }
        }
    }

    private mutating func add(_ entry: Entry) {
        switch entry.binding.scope {
        case .object(_, let number, _): byObject[number, default: []].append(entry)
        case .stack(let number, _): byStack[number, default: []].append(entry)
        default:
            guard let numbers: Set<UInt64> = entry.rule.numbers else { return general.append(entry) }
            for number in numbers { byObject[number, default: []].append(entry) }
        }
    }

    /// Those that may speak of the request, in order.
    func candidates(_ request: AccessRequest) -> [Entry] {
        guard let object: AccessObject = request.object else { return types }
        let ofObject: [Entry] = byObject.isEmpty ? [] : object.number.flatMap { byObject[$0] } ?? []
        let ofStack: [Entry] = byStack.isEmpty ? [] : object.stack.flatMap { byStack[$0] } ?? []
        if ofObject.isEmpty, ofStack.isEmpty { return general }
        return (general + ofObject + ofStack).sorted { $0.order < $1.order }
    }

    /// All rules about the type, of single objects as well.
    var everything: [Entry] {
        general + byObject.values.flatMap(\.self) + byStack.values.flatMap(\.self)
    }

    /// The denying rules about a verb that take the whole of it, of objects that differ in nothing else one.
    func denials(_ verb: Verb) -> [Entry] {
        types.filter { $0.rule.effect == .deny && $0.rule.fields.isEmpty && $0.rule.covers(verb) }
    }

    /// How many rules a decision on the request looks at.
    package func looksAt(_ request: AccessRequest) -> Int { candidates(request).count }

    /// Whether a decision may come out differently for different objects of the type.
    package var dependsOnObject: Bool { types.contains { $0.isSelective || !$0.rule.constraints.isEmpty } }

    /// Whether some rule asks how a stack is shared.
    package var asksForSharing: Bool {
        (types + general).contains { entry in
            entry.rule.conditions.contains { $0.member == "sharing" || $0.member == "sharedWith" }
        }
    }

    /// Whether what may be seen or set of an object's fields depends on the object.
    package var hasFieldsByObject: Bool {
        let givers: [Entry] = types.filter { $0.rule.effect == .allow }
        if types.contains(where: { $0.rule.effect == .deny && !$0.rule.fields.isEmpty && $0.isSelective }) {
            return true
        }
        guard let first: Entry = givers.first else { return false }
        return givers.contains { $0.rule.fields != first.rule.fields }
            && givers.contains { $0.isSelective }
    }

    /// The fields of an object with what the caller may do with each under these verbs; see ``FieldAccess``.
    package func fieldAccess(_ request: AccessRequest, _ verbs: [Verb]) -> FieldAccess {
        var access = FieldAccess()
        for entry in candidates(request) where entry.binding.reaches(request) {
            let environment: UInt64? = entry.binding.environment(for: request)
            let isOfOne: Bool = request.object == nil && entry.binding.isSelective(in: request.scope)
            guard verbs.contains(where: { entry.rule.covers($0) }), entry.rule.effect == .allow || !isOfOne,
                entry.rule.miss(request.object, request.verb, subject: request.subject, environment: environment)
                    == nil
            else { continue }
            access.add(entry.rule)
        }
        return access
    }
}

extension TypePolicy.Entry {
    /// Whether it speaks of some objects of its scope only.
    var isSelective: Bool {
        switch binding.scope {
        case .object, .stack: true
        default: rule.isSelective
        }
    }
}

/// What rules together give of fields.
package struct FieldAccess: Hashable, Sendable {
    private var giving: [[String: FieldPermissions]] = []
    private var taking: [[String: FieldPermissions]] = []

    mutating func add(_ rule: Rule) {
        switch rule.effect {
        case .allow: if !giving.contains(rule.fields) { giving.append(rule.fields) }
        case .deny: if !rule.fields.isEmpty, !taking.contains(rule.fields) { taking.append(rule.fields) }
        }
    }

    package func gives(_ letter: FieldPermissions, of field: String) -> Bool {
        giving.contains { ($0[field] ?? $0["*"] ?? .all).contains(letter) } && !takes(letter, of: field)
    }

    func takes(_ letter: FieldPermissions, of field: String) -> Bool {
        taking.contains { ($0[field] ?? $0["*"] ?? []).contains(letter) }
    }
}
