import Foundation
import JSON
import Model
import RBAC
import TestSupport
import Testing

/// Decisions over random policies, compared with a second, plainer reading of the same rules.
struct ExplanationTests {
    /// A million with `DROVER_ALL_TESTS`.
    private static let rounds: Int = ProcessInfo.processInfo.environment["DROVER_ALL_TESTS"] == "1" ? 1_000_000 : 20_000

    @Test func `a decision and its reason are those of a plain reading of the rules`() {
        var random = Seeded(2017)
        var counts: [String: Int] = [:]
        var wrong: [String] = []
        for _ in 0..<Self.rounds {
            let bindings: [Binding] = RandomPolicies.bindings(&random)
            let request: AccessRequest = RandomPolicies.request(&random)
            let decision: Decision = RBAC.decide(request, bindings: bindings)
            let (kind, isEqual): (String, Bool)
            switch (decision.reason, ReferenceEvaluator.decide(request, bindings)) {
            case (.allowed(let binding, let rule), .allowed(let b, let r)):
                (kind, isEqual) = ("allowed", bindings[b] == binding && bindings[b].role.rules[r] == rule)
            case (.denied(let binding, let rule), .denied(let b, let r)):
                (kind, isEqual) = ("denied", bindings[b] == binding && bindings[b].role.rules[r] == rule)
            case (.outOfScope, .outOfScope): (kind, isEqual) = ("outOfScope", true)
            case (.noRule, .nothing): (kind, isEqual) = ("noRule", true)
            default: (kind, isEqual) = ("different", false)
            }
            counts[kind, default: 0] += 1
            if !isEqual { wrong.append("\(decision) for \(request) of \(bindings)") }
        }
        #expect(wrong.isEmpty, "\(wrong.count): \(wrong.first ?? "")")
        for kind in ["outOfScope", "denied", "allowed", "noRule"] {
            #expect(counts[kind, default: 0] > Self.rounds / 200, "\(kind): \(counts)")
        }
    }

    @Test func `a near miss lacks one thing only, and mending it allows the request`() {
        var random = Seeded(1)
        var lacks: Set<Int> = []
        for _ in 0..<8_000 {
            let bindings: [Binding] = RandomPolicies.bindings(&random)
            let request: AccessRequest = RandomPolicies.request(&random)
            let nearest: [NearMiss] = RBAC.decide(request, bindings: bindings).nearest
            #expect(nearest.count <= 3)
            for miss in nearest {
                #expect(miss.rule.effect == .allow)
                #expect(!ReferenceEvaluator.speaks(miss.binding, miss.rule, request))
                let (binding, rule): (Binding, Rule) = Self.mended(miss, request)
                #expect(ReferenceEvaluator.speaks(binding, rule, request), "\(miss) for \(request)")
                #expect(!miss.remedy(request).isEmpty)
                switch miss.lack {
                case .constraint: lacks.insert(0)
                case .object: lacks.insert(1)
                case .verb: lacks.insert(2)
                case .scope: lacks.insert(3)
                }
            }
        }
        #expect(lacks == [0, 1, 2, 3])
    }

    /// The same with the one thing that lacks.
    private static func mended(_ miss: NearMiss, _ request: AccessRequest) -> (Binding, Rule) {
        var binding: Binding = miss.binding
        let rule: Rule = miss.rule
        func with(
            _ verbs: [VerbPattern],
            _ conditions: [Condition],
            _ numbers: Set<UInt64>?,
            _ constraints: [Constraint]
        ) -> Rule {
            Rule(.allow, verbs, on: rule.types, where: conditions, numbers: numbers, constraints: constraints)
        }
        switch miss.lack {
        case .constraint: return (binding, with(rule.verbs, rule.conditions, rule.numbers, []))
        case .object: return (binding, with(rule.verbs, [], nil, []))
        case .verb:
            // As the verb may be one that no wildcard covers, and one for which constraints count.
            return (binding, with([.only(request.verb)], rule.conditions, rule.numbers, []))
        case .scope:
            binding.scope = request.scope == .cluster ? .cluster : .anyEnvironment
            // The environment that conditions compare with may have changed with the scope.
            let kept: [Condition] = rule.conditions.filter { $0.test != .isEnvironment }
            return (binding, with(rule.verbs, kept, rule.numbers, rule.constraints))
        }
    }

    @Test func `an object that is allowed is never ruled out early`() {
        var random = Seeded(99)
        var asked: Int = 0
        for _ in 0..<15_000 {
            let bindings: [Binding] = RandomPolicies.bindings(&random)
            var request: AccessRequest = RandomPolicies.request(&random)
            // Early, the concrete type is not known: only types that are their objects' own can be compared.
            guard request.object?.type == request.type, RBAC.decide(request, bindings: bindings).isAllowed else {
                continue
            }
            // What is in no environment is reached in one by who owns it there: that shows in the object only.
            guard Schemas.definition(request.type)?.isEnvironmentScoped ?? false else { continue }
            asked += 1
            request.object = nil
            let denied: Bool = bindings.contains { binding in
                binding.role.rules.contains { $0.effect == .deny && ReferenceEvaluator.speaks(binding, $0, request) }
            }
            #expect(
                denied
                    || RBAC.canEver(request.subject, request.verb, request.type, in: request.scope, bindings: bindings)
            )
        }
        #expect(asked > 300)
    }

    @Test func `what is worked out before for a type gives what the bindings give`() {
        var random = Seeded(7)
        for _ in 0..<5_000 {
            let bindings: [Binding] = RandomPolicies.bindings(&random)
            let request: AccessRequest = RandomPolicies.request(&random)
            let policy = TypePolicy(request.object?.type ?? request.type, bindings, for: request.subject)
            for field in ["name", "state"] {
                let isGiven: Bool = policy.fieldAccess(request, [request.verb]).gives(.read, of: field)
                let speaking: [Rule] = bindings.flatMap { binding in
                    binding.role.rules.filter { ReferenceEvaluator.speaks(binding, $0, request) }
                }
                let isPlainly: Bool =
                    speaking.contains {
                        $0.effect == .allow && ($0.fields[field] ?? $0.fields["*"] ?? .all).contains(.read)
                    }
                    && !speaking.contains {
                        $0.effect == .deny && ($0.fields[field] ?? $0.fields["*"] ?? []).contains(.read)
                    }
                #expect(isGiven == isPlainly)
            }
        }
    }
}
