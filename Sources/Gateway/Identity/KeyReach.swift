import JSON
import Model
import RBAC

/// Keeps keys of an environment from doing more than whoever makes them.
///
/// A key acts for the environment itself, as its members do: who may do less there makes keys that can do as little.
enum KeyReach {
    /// - Parameter owner: whom the key is for.
    static func limit(_ fields: inout JSONObject, of owner: UInt64, _ exchange: Exchange) throws(Problem) {
        guard case .environment(let project) = exchange.rights.scope, owner == project else { return }
        let subject: Subject = exchange.caller.subject
        let missing: [Escalation.Missing] = exchange.rights.missing(
            StaticRoles.projectKey.rules,
            in: .environment(project)
        )
        guard !missing.isEmpty else { return }
        let held: String? = subject.limitedTo ?? subject.memberships.first { $0.projectID == project }?.role
        // Only where the role's own keys are part of it: others would get more than their makers have.
        guard let held, held == StaticRoles.restricted.name else {
            throw AccessRoles.escalation(missing, "make this key")
        }
        fields["limitedTo"] = .string(held)
    }
}
