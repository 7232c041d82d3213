import Model

/// Whom a binding gives its role to.
///
/// Names never stand here: ids are for ever, names are not.
package enum SubjectPattern: Hashable, Sendable {
    case account(UInt64)
    case credential(UInt64)
    case kind(Subject.Kind)

    func matches(_ subject: Subject) -> Bool {
        switch self {
        case .account(let number): subject.accountID == number
        case .credential(let number): subject.credentialID == number
        case .kind(let kind): subject.kind == kind
        }
    }
}

/// Where a binding's role counts.
package enum BindingScope: Hashable, Sendable, CustomStringConvertible {
    /// At the root of the API only.
    case cluster
    /// Under one environment's path; at the root, for that environment itself and its list of members.
    case environment(UInt64)
    /// Under the path of every environment.
    case anyEnvironment
    /// For one object, wherever it is asked for.
    case object(type: String, number: UInt64)

    package var description: String {
        switch self {
        case .cluster: "the cluster"
        case .environment(let number): "environment 1a\(number)"
        case .anyEnvironment: "every environment"
        case .object(let type, let number): "\(type) 1\(Schemas.idLetters(of: type))\(number)"
        }
    }
}

/// A role given to somebody somewhere.
package struct Binding: Hashable, Sendable, CustomStringConvertible {
    package var role: Role
    package var subject: SubjectPattern
    package var scope: BindingScope

    package init(_ role: Role, to subject: SubjectPattern, in scope: BindingScope) {
        self.role = role
        self.subject = subject
        self.scope = scope
    }

    package var description: String { "\(role.name) in \(scope)" }

    /// What a subject holds by what it is and by its memberships.
    package static func standing(of subject: Subject) -> [Binding] {
        switch subject.kind {
        case .admin:
            return [
                Binding(StaticRoles.admin, to: .kind(.admin), in: .cluster),
                Binding(StaticRoles.owner, to: .kind(.admin), in: .anyEnvironment),
            ]
        case .user:
            guard let account: UInt64 = subject.accountID else { return [] }
            return [Binding(StaticRoles.user, to: .kind(.user), in: .cluster)]
                + subject.memberships.compactMap { membership in
                    StaticRoles.membershipRole(membership.role).map {
                        Binding($0, to: .account(account), in: .environment(membership.projectID))
                    }
                }
        case .project:
            guard let account: UInt64 = subject.accountID else { return [] }
            return [Binding(StaticRoles.projectKey, to: .account(account), in: .environment(account))]
        case .hostAgent: return [Binding(StaticRoles.hostAgent, to: .kind(.hostAgent), in: .cluster)]
        case .registration: return [Binding(StaticRoles.registration, to: .kind(.registration), in: .cluster)]
        case .anonymous: return []
        }
    }

    /// Whether it says anything about the request.
    func reaches(_ request: AccessRequest) -> Bool {
        switch (scope, request.scope) {
        case (.cluster, .cluster): return true
        case (.cluster, .environment): return false
        case (.anyEnvironment, .environment): return true
        case (.anyEnvironment, .cluster): return false
        case (.environment(let number), .environment(let asked)): return number == asked
        case (.environment(let number), .cluster):
            switch request.effectiveType {
            case "project": return request.object.map { $0.number == number } ?? true
            case "projectMember": return request.object.map { $0.environment == number } ?? true
            default: return false
            }
        case (.object(let type, let number), _):
            guard let object: AccessObject = request.object else {
                return Schemas.isType(request.type, kindOf: type) || Schemas.isType(type, kindOf: request.type)
            }
            return object.number == number && Schemas.isType(object.type, kindOf: type)
        }
    }

    /// Whether it reaches a single object of the scope only: then what it denies is denied of that object alone.
    func isSelective(in asked: AccessScope) -> Bool {
        switch (scope, asked) {
        case (.object, _), (.environment, .cluster): true
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
