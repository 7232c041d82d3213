import Model
import RBAC

/// Whom an administrator becomes who tries out a role (`_role`) while access control is off.
///
/// Names are those of the original's schema sets: kinds of accounts, and what one can be in an environment.
enum RoleTrial {
    /// Nil for a name that is no role.
    ///
    /// - Parameter environment: the one that the request names; without one, who is something in an environment is just
    ///   somebody with an account.
    static func subject(_ name: String, of caller: Subject, in environment: UInt64?) -> Subject? {
        var subject: Subject = caller
        if let kind: Subject.Kind = kinds[name] ?? Subject.Kind(rawValue: name) {
            let isInside: Bool = [.project, .environment, .projectadmin].contains(kind)
            guard isInside else {
                subject.kind = kind
                return subject
            }
            subject.kind = environment == nil ? .user : kind
            if let environment { subject.accountID = environment }
            return subject
        }
        guard StaticRoles.memberships.contains(where: { $0.name == name }) else { return nil }
        subject.kind = .user
        subject.memberships = environment.map { [Subject.Membership(projectID: $0, role: name)] } ?? []
        return subject
    }

    private static let kinds: [String: Subject.Kind] = [
        "register": .agent, "agentRegister": .agent, "registeredAgent": .agent,
    ]
}
