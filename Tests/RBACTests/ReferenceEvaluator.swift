import JSON
import Model
import RBAC

/// A second reading of bindings and rules: straight down the list, as the documentation says it, with nothing worked out
/// before and nothing shared with the evaluator under test.
enum ReferenceEvaluator {
    enum Outcome: Hashable {
        case allowed(binding: Int, rule: Int)
        case denied(binding: Int, rule: Int)
        case outOfScope
        case nothing
    }

    static func decide(_ request: AccessRequest, _ bindings: [Binding]) -> Outcome {
        if case .environment(let here) = request.scope, let home = request.object?.environment, home != here {
            return .outOfScope
        }
        var allowed: Outcome?
        for (b, binding) in bindings.enumerated() {
            for (r, rule) in binding.role.rules.enumerated() where speaks(binding, rule, request) {
                if rule.effect == .allow, allowed == nil { allowed = .allowed(binding: b, rule: r) }
                if rule.effect == .deny, rule.fields.isEmpty { return .denied(binding: b, rule: r) }
            }
        }
        return allowed ?? .nothing
    }

    /// Whether a rule of a binding speaks of a request.
    static func speaks(_ binding: Binding, _ rule: Rule, _ request: AccessRequest) -> Bool {
        let type: String = request.object?.type ?? request.type
        guard isFor(binding, request.subject), isVerb(rule, request.verb), isType(rule, type),
            counts(binding, request, type)
        else { return false }
        guard let object = request.object else { return isPossible(binding, rule, request.scope) }
        if let numbers = rule.numbers {
            guard let number = object.number, numbers.contains(number) else { return false }
        }
        return rule.conditions.allSatisfy { holds($0, object, request, of: environment(binding, request)) }
            && rule.constraints.allSatisfy { keeps($0, object, request.verb) }
    }

    private static func isFor(_ binding: Binding, _ subject: Subject) -> Bool {
        switch binding.subject {
        case .account(let number): subject.accountID == number
        case .credential(let number): subject.credentialID == number
        case .kind(let kind): subject.kind == kind
        case .outside(let identity): subject.identities.contains(identity)
        }
    }

    private static func isVerb(_ rule: Rule, _ verb: Verb) -> Bool {
        let text: String = verb.description
        let isBeyond: Bool = text == "action:escalate" || text == "action:bind"
        return rule.verbs.contains { pattern in
            switch pattern {
            case .any: !isBeyond
            case .anyAction: !isBeyond && text.hasPrefix("action:")
            case .anyActionBut(let name): !isBeyond && text.hasPrefix("action:") && text != "action:\(name)"
            case .only(let one): one.description == text
            }
        }
    }

    private static func isType(_ rule: Rule, _ type: String) -> Bool {
        rule.types.contains { pattern in
            switch pattern {
            case "*": true
            case "*public": Schemas.definition(type) != nil && !["register", "hostCertificate"].contains(type)
            case "=\(type)": true
            default: Schemas.isType(type, kindOf: pattern)
            }
        }
    }

    private static func here(_ request: AccessRequest) -> UInt64? {
        if case .environment(let number) = request.scope { return number }
        return nil
    }

    private static func environment(_ binding: Binding, _ request: AccessRequest) -> UInt64? {
        if case .environment(let number) = binding.scope { return number }
        return here(request)
    }

    private static func counts(_ binding: Binding, _ request: AccessRequest, _ type: String) -> Bool {
        let (here, object): (UInt64?, AccessObject?) = (here(request), request.object)
        switch binding.scope {
        case .everywhere: return true
        case .cluster: return here == nil
        case .anyEnvironment: return here != nil
        case .environment(let number):
            if binding.number != nil, !isInside(number, request) { return false }
            if let here { return here == number }
            switch type {
            case "project": return object == nil || object?.number == number
            case "projectMember", "accessRole", "accessRoleBinding":
                return object == nil || object?.environment == number
            default: return false
            }
        case .stack(let stack, let home):
            if let here, here != home { return false }
            guard let object else { return true }
            return type == "stack"
                ? object.number == stack : object.members["stackId"] == JSONValue.int(Int64(clamping: stack))
        case .object(let bound, let number, let home):
            if let here, let home, here != home { return false }
            guard let object else { return Schemas.isType(type, kindOf: bound) || Schemas.isType(bound, kindOf: type) }
            return object.number == number && Schemas.isType(object.type, kindOf: bound)
        }
    }

    /// What a binding made at run time gives in an environment is of that environment.
    private static func isInside(_ number: UInt64, _ request: AccessRequest) -> Bool {
        guard let object = request.object else {
            return Schemas.definition(request.type)?.isEnvironmentScoped == true
                || ["project", "subscribe", "credential", "apiKey", "registrationToken"].contains(request.type)
        }
        if object.type == "project" { return object.number == number }
        return object.environment == number || object.members["accountId"]?.int == Int64(clamping: number)
    }

    /// Without an object: permissions could be meant, denials count only where they take everything.
    private static func isPossible(_ binding: Binding, _ rule: Rule, _ scope: AccessScope) -> Bool {
        guard rule.effect == .deny else { return true }
        guard rule.conditions.isEmpty, rule.numbers == nil else { return false }
        switch binding.scope {
        case .object, .stack: return false
        case .environment: return scope != .cluster
        default: return true
        }
    }

    private static func holds(
        _ condition: Condition,
        _ object: AccessObject,
        _ request: AccessRequest,
        of environment: UInt64?
    ) -> Bool {
        var value: JSONValue?
        switch condition.member {
        case "id": value = object.number.map { JSONValue($0) }
        case let path where path.contains("."):
            let parts: [Substring] = path.split(separator: ".", maxSplits: 1)
            value = object.members[String(parts[0])]?[String(parts[1])]
        default: value = object.members[condition.member]
        }
        let isThere: Bool = value != nil && value != .null
        switch condition.test {
        case .isNull: return !isThere
        case .exists: return isThere
        case .equals(let wanted): return value == wanted
        case .oneOf(let texts): return isThere && texts.contains(value?.string ?? "\u{0}")
        case .prefix(let prefix): return value?.string?.hasPrefix(prefix) == true
        case .isAccount: return isThere && value?.int == request.subject.accountID.map { Int64(clamping: $0) }
        case .isHost: return isThere && value?.int == request.subject.hostID.map { Int64(clamping: $0) }
        case .isEnvironment: return isThere && value?.int == environment.map { Int64(clamping: $0) }
        case .isNotEmpty: return (value?.array?.count ?? value?.object?.count ?? 0) > 0
        case .namesCaller:
            return value?.array?.contains { entry in
                if let key = entry["credentialId"]?.int { return request.subject.credentialID == UInt64(key) }
                let (type, id): (String, String) = (
                    entry["externalIdType"]?.string ?? "rancher_id", entry["externalId"]?.string ?? ""
                )
                if type == "rancher_id" { return request.subject.accountID.map { "1a\($0)" } == id }
                return request.subject.identities.contains("\(type):\(id)")
            } == true
        }
    }

    private static func keeps(_ constraint: Constraint, _ object: AccessObject, _ verb: Verb) -> Bool {
        guard verb == .create || verb == .update else { return true }
        let all: [JSONObject] =
            [object.members] + [object.members["launchConfig"]?.object].compactMap(\.self)
            + (object.members["secondaryLaunchConfigs"]?.array ?? []).compactMap(\.object)
        return all.allSatisfy { one in
            switch constraint.kind {
            case .privileged: one["privileged"] != true
            case .imagePrefix:
                one["imageUuid"]?.string.map {
                    $0.hasPrefix(constraint.value) || $0.hasPrefix("docker:\(constraint.value)")
                } ?? true
            case .capAdd: (one["capAdd"]?.array ?? []).isEmpty
            case .devices: (one["devices"]?.array ?? []).isEmpty
            case .hostMounts:
                !(one["dataVolumes"]?.array ?? []).contains {
                    $0.string?.hasPrefix("/") == true && $0.string?.contains(":") == true
                }
            case .hostNetwork: one["networkMode"] != "host"
            case .hostPid: one["pidMode"] != "host"
            }
        }
    }
}
