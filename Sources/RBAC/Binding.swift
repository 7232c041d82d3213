import JSON
import Model

/// Whom a binding gives its role to.
///
/// Names never stand here: ids are for ever, names are not.
package enum SubjectPattern: Hashable, Sendable {
    case account(UInt64)
    case credential(UInt64)
    case kind(Subject.Kind)
    /// Somebody whom another directory knows, such as a group.
    case outside(String)

    package init(_ identity: AccessIdentity) {
        switch identity {
        case .account(let number): self = .account(number)
        case .credential(let number): self = .credential(number)
        case .outside(let text): self = .outside(text)
        }
    }

    func matches(_ subject: Subject) -> Bool {
        switch self {
        case .account(let number): subject.accountID == number
        case .credential(let number): subject.credentialID == number
        case .kind(let kind): subject.kind == kind
        case .outside(let text): subject.identities.contains(text)
        }
    }
}

/// Where a binding's role counts.
package enum BindingScope: Hashable, Sendable, CustomStringConvertible {
    /// At the root of the API only.
    case cluster
    /// Under one environment's path; at the root, for that environment itself, its members and its roles.
    case environment(UInt64)
    /// Under the path of every environment.
    case anyEnvironment
    /// At the root and under the path of every environment; `federation` in each cluster of the federation.
    case everywhere(federation: Bool)
    /// For a stack and what is in it, in its environment and at the root.
    case stack(UInt64, environment: UInt64)
    /// For one object: in its environment and at the root; without an environment, wherever it is asked for.
    case object(type: String, number: UInt64, environment: UInt64? = nil)

    package var description: String {
        switch self {
        case .cluster: "the cluster"
        case .environment(let number): "environment 1a\(number)"
        case .anyEnvironment: "every environment"
        case .everywhere(let federation): federation ? "the federation" : "the whole cluster"
        case .stack(let number, _): "stack 1st\(number)"
        case .object(let type, let number, _): "\(type) 1\(Schemas.idLetters(of: type))\(number)"
        }
    }
}

/// A role given to somebody somewhere.
package struct Binding: Hashable, Sendable, CustomStringConvertible {
    package var role: Role
    package var subject: SubjectPattern
    package var scope: BindingScope
    /// The number of the `accessRoleBinding` that it was made of; nil for a built-in one.
    package var number: UInt64?

    package init(_ role: Role, to subject: SubjectPattern, in scope: BindingScope, number: UInt64? = nil) {
        self.role = role
        self.subject = subject
        self.scope = scope
        self.number = number
    }

    package var description: String { "\(role.name) in \(scope)" }

    /// Whether it says anything about the request.
    func reaches(_ request: AccessRequest) -> Bool {
        if number != nil, case .environment(let own) = scope, !Self.isInside(own, request) { return false }
        switch (scope, request.scope) {
        case (.everywhere, _): return true
        case (.cluster, .cluster): return true
        case (.cluster, .environment): return false
        case (.anyEnvironment, .environment): return true
        case (.anyEnvironment, .cluster): return false
        case (.environment(let number), .environment(let asked)): return number == asked
        case (.environment(let number), .cluster):
            switch request.effectiveType {
            case "project": return request.object.map { $0.number == number } ?? true
            case "projectMember", "accessRole", "accessRoleBinding":
                return request.object.map { $0.environment == number } ?? true
            default: return false
            }
        case (.stack(let number, let environment), _):
            if case .environment(let asked) = request.scope, asked != environment { return false }
            guard let object: AccessObject = request.object else { return true }
            return object.stack == number
        case (.object(let type, let number, let environment), _):
            if case .environment(let asked) = request.scope, let environment, asked != environment { return false }
            guard let object: AccessObject = request.object else {
                return Schemas.isType(request.type, kindOf: type) || Schemas.isType(type, kindOf: request.type)
            }
            return object.number == number && Schemas.isType(object.type, kindOf: type)
        }
    }

    /// Whether the request is about something of the environment: what is given there is given of nothing else.
    private static func isInside(_ environment: UInt64, _ request: AccessRequest) -> Bool {
        guard let object: AccessObject = request.object else {
            return Schemas.definition(request.type)?.isEnvironmentScoped ?? false
                || ["project", "subscribe"].contains(request.type)
                || Schemas.isType(request.type, kindOf: "credential")
        }
        if object.type == "project" { return object.number == environment }
        return object.environment == environment || object.members["accountId"] == JSONValue(environment)
    }

    /// Whether it reaches a single object of the scope only: then what it denies is denied of that object alone.
    func isSelective(in asked: AccessScope) -> Bool {
        switch (scope, asked) {
        case (.object, _), (.stack, _), (.environment, .cluster): true
        default: false
        }
    }

    /// The environment that conditions compare with.
    func environment(for request: AccessRequest) -> UInt64? {
        if case .environment(let number) = scope { return number }
        if case .environment(let number) = request.scope { return number }
        return nil
    }
}
