import JSON
import Model
import RBAC
import Testing

/// Decisions over random roles, compared with a second, plainer reading of the same rules.
struct ExplanationTests {
    private struct SeededRandom: RandomNumberGenerator {
        var state: UInt64

        mutating func next() -> UInt64 {
            state &+= 0x9E37_79B9_7F4A_7C15
            var z: UInt64 = state
            z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
            z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
            return z ^ (z >> 31)
        }
    }

    private static let verbs: [Verb] = [.list, .get, .create, .update, .delete, .action("remove"), .action("stop")]
    private static let types: [String] = [
        "service", "stack", "instance", "container", "project", "projectMember", "apiKey",
    ]

    private static func rule(_ random: inout SeededRandom) -> Rule {
        func pick<T>(_ list: [T]) -> T { list[Int.random(in: 0..<list.count, using: &random)] }
        let patterns: [VerbPattern] = [.any, .anyAction] + verbs.map { .only($0) }
        let conditions: [[Condition]] = [
            [], [], [], [Condition("name", .equals("a"))], [Condition("id", .isAccount)],
            [Condition("id", .isEnvironment)],
            [Condition("name", .oneOf(["a", "b"])), Condition("accountId", .isAccount)],
        ]
        return Rule(
            pick([.allow, .allow, .allow, .deny]),
            [pick(patterns), pick(patterns)],
            on: [pick(types + ["*", "credential", "=instance"])],
            where: pick(conditions),
            numbers: pick([nil, nil, nil, [1, 2]]),
            fields: pick([[:], [:], [:], ["name": .read]])
        )
    }

    private static func bindings(_ random: inout SeededRandom) -> [Binding] {
        (0..<Int.random(in: 0...4, using: &random)).map { index in
            let scopes: [BindingScope] = [
                .cluster, .environment(5), .environment(6), .anyEnvironment, .object(type: "service", number: 1),
                .object(type: "instance", number: 2),
            ]
            let subjects: [SubjectPattern] = [.account(2), .account(3), .kind(.user), .credential(8)]
            let rules: [Rule] = (0..<Int.random(in: 0...4, using: &random)).map { _ in rule(&random) }
            return Binding(
                Role("r\(index)", rules: rules),
                to: subjects[Int.random(in: 0..<4, using: &random)],
                in: scopes[Int.random(in: 0..<6, using: &random)]
            )
        }
    }

    /// Whether a rule of a binding speaks of a request, read straight from the documented meaning.
    private static func speaks(_ binding: Binding, _ rule: Rule, _ request: AccessRequest) -> Bool {
        switch binding.subject {
        case .account(let number): guard request.subject.accountID == number else { return false }
        case .credential(let number): guard request.subject.credentialID == number else { return false }
        case .kind(let kind): guard request.subject.kind == kind else { return false }
        }
        let type: String = request.object?.type ?? request.type
        var here: UInt64?
        if case .environment(let number) = request.scope { here = number }
        var of: UInt64? = here
        switch binding.scope {
        case .cluster: guard here == nil else { return false }
        case .anyEnvironment: guard here != nil else { return false }
        case .environment(let number):
            of = number
            let isItself: Bool =
                here == nil
                && (type == "project" && (request.object == nil || request.object?.number == number)
                    || type == "projectMember" && (request.object == nil || request.object?.environment == number))
            guard here == number || isItself else { return false }
        case .object(let bound, let number):
            if let object = request.object {
                guard object.number == number, Schemas.isType(object.type, kindOf: bound) else { return false }
            } else {
                guard Schemas.isType(type, kindOf: bound) || Schemas.isType(bound, kindOf: type) else { return false }
            }
        }
        let isVerb: Bool = rule.verbs.contains { pattern in
            switch pattern {
            case .any: true
            case .anyAction: request.verb.description.hasPrefix("action:")
            case .only(let verb): verb == request.verb
            }
        }
        guard isVerb, rule.types.contains(where: { $0 == "*" || $0 == "=\(type)" || Schemas.isType(type, kindOf: $0) })
        else {
            return false
        }
        guard let object = request.object else {
            let isForOne: Bool =
                switch (binding.scope, here) {
                case (.object, _), (.environment, nil): true
                default: false
                }
            if rule.effect == .deny, isForOne { return false }
            return rule.effect == .allow || (rule.conditions.isEmpty && rule.numbers == nil)
        }
        if let numbers = rule.numbers {
            guard let number = object.number, numbers.contains(number) else { return false }
        }
        return rule.conditions.allSatisfy { condition in
            let value: JSONValue? =
                condition.member == "id" ? object.number.map { JSONValue($0) } : object.members[condition.member]
            guard let value else { return false }
            return switch condition.test {
            case .equals(let wanted): value == wanted
            case .oneOf(let texts): texts.contains(value.string ?? "")
            case .prefix(let prefix): (value.string ?? "").hasPrefix(prefix)
            case .isAccount: request.subject.accountID.map { value == JSONValue($0) } ?? false
            case .isHost: request.subject.hostID.map { value == JSONValue($0) } ?? false
            case .isEnvironment: of.map { value == JSONValue($0) } ?? false
            }
        }
    }

    private static func request(_ random: inout SeededRandom) -> AccessRequest {
        func pick<T>(_ list: [T]) -> T { list[Int.random(in: 0..<list.count, using: &random)] }
        let type: String = pick(types)
        var object: AccessObject?
        if Int.random(in: 0..<4, using: &random) > 0 {
            object = AccessObject(
                pick([type, type, "container"]),
                number: pick([nil, 1, 2, 5, 6]),
                environment: pick([nil, 5, 5, 6]),
                members: ["name": .string(pick(["a", "b", "c"])), "accountId": .int(pick([2, 3]))]
            )
        }
        return AccessRequest(
            Subject(.user, accountID: pick([2, 3]), credentialID: pick([nil, 8])),
            pick(verbs),
            type,
            in: pick([.cluster, .environment(5), .environment(6)]),
            object: object
        )
    }

    @Test func `the reason agrees with the decision, and both with a plain reading of the rules`() {
        var random = SeededRandom(state: 2017)
        var counts: [String: Int] = [:]
        for _ in 0..<20_000 {
            let bindings: [Binding] = Self.bindings(&random)
            let request: AccessRequest = Self.request(&random)
            let decision: Decision = RBAC.decide(request, bindings: bindings)
            let speaking: [(Binding, Rule)] = bindings.flatMap { binding in
                binding.role.rules.filter { Self.speaks(binding, $0, request) }.map { (binding, $0) }
            }
            let denies: [(Binding, Rule)] = speaking.filter { $0.1.effect == .deny && $0.1.fields.isEmpty }
            let allows: [(Binding, Rule)] = speaking.filter { $0.1.effect == .allow }
            switch decision.reason {
            case .outOfScope:
                counts["outOfScope", default: 0] += 1
                guard case .environment(let here) = request.scope else {
                    Issue.record("out of scope at the root: \(request)")
                    continue
                }
                #expect(request.object?.environment != here)
            case .denied(let binding, let rule):
                counts["denied", default: 0] += 1
                #expect(denies.contains { $0.0 == binding && $0.1 == rule })
            case .allowed(let binding, let rule):
                counts["allowed", default: 0] += 1
                #expect(denies.isEmpty)
                #expect(allows.contains { $0.0 == binding && $0.1 == rule })
            case .noRule(let nearest):
                counts["noRule", default: 0] += 1
                #expect(denies.isEmpty && allows.isEmpty)
                #expect(nearest.count <= 3)
                #expect(nearest.map(\.lack) == nearest.map(\.lack).sorted())
                for miss in nearest {
                    #expect(miss.rule.effect == .allow)
                    #expect(!Self.speaks(miss.binding, miss.rule, request))
                    // Mending the one thing that lacks makes it an allowing rule.
                    var binding: Binding = miss.binding
                    var rule: Rule = miss.rule
                    switch miss.lack {
                    case .object:
                        rule = Rule(rule.effect, rule.verbs, on: rule.types, fields: rule.fields)
                    case .verb:
                        rule = Rule(
                            rule.effect,
                            [.any],
                            on: rule.types,
                            where: rule.conditions,
                            numbers: rule.numbers,
                            fields: rule.fields
                        )
                    case .scope:
                        binding.scope = request.scope == .cluster ? .cluster : .anyEnvironment
                        // The environment that conditions compare with may have changed with the scope.
                        if rule.conditions.contains(where: { $0.test == .isEnvironment }) {
                            rule = Rule(
                                rule.effect,
                                rule.verbs,
                                on: rule.types,
                                numbers: rule.numbers,
                                fields: rule.fields
                            )
                        }
                    }
                    #expect(Self.speaks(binding, rule, request), "\(miss) for \(request)")
                }
            }
            #expect(decision.isAllowed == (!allows.isEmpty && denies.isEmpty && decision.reason != .outOfScope))
        }
        for kind in ["outOfScope", "denied", "allowed", "noRule"] { #expect(counts[kind, default: 0] > 100, "\(kind)") }
    }

    @Test func `an object that is allowed is never ruled out early`() {
        var random = SeededRandom(state: 99)
        for _ in 0..<20_000 {
            let bindings: [Binding] = Self.bindings(&random)
            var request: AccessRequest = Self.request(&random)
            guard let object = request.object, Schemas.isType(object.type, kindOf: request.type) else { continue }
            // Early, the concrete type is not known: only types that are their objects' own can be compared.
            guard object.type == request.type else { continue }
            guard RBAC.decide(request, bindings: bindings).isAllowed else { continue }
            request.object = nil
            #expect(
                RBAC.canEver(request.subject, request.verb, request.type, in: request.scope, bindings: bindings)
            )
        }
    }
}
