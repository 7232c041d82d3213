import Model
import RBAC
import Store
import StoreFormat

/// Making somebody an administrator or a member is giving rights, too: of those that one has.
enum GivenPower {
    private static let kinds: Set<String> = ["admin", "superadmin", "service", "readAdmin"]

    /// That the caller may make an account of the kind, or act for one.
    ///
    /// - Throws: 403 `PrivilegeEscalation`.
    static func requireKind(_ kind: String, _ exchange: Exchange) throws(Problem) {
        guard kinds.contains(kind) else { return }
        let given: Role = kind == "readAdmin" ? StaticRoles.readAdmin : StaticRoles.admin
        let missing: [Escalation.Missing] = exchange.caller.rights(in: nil).missing(given.rules, in: .everywhere)
        guard missing.isEmpty else {
            throw AccessRoles.escalation(missing, "make an account of the kind \(kind), or act for it")
        }
    }

    /// That the caller may give the role of a membership in the environment.
    ///
    /// - Parameter role: a built-in one's name, or `role:1ar7`.
    static func requireMembership(_ role: String, in project: UInt64, _ exchange: Exchange) throws(Problem) {
        let rights: Rights = exchange.caller.rights(in: project)
        var rules: [Rule] = StaticRoles.memberships.first { $0.name == role }?.rules ?? []
        if let number: UInt64 = GrantedRoles.role(named: role) {
            rules = GrantedRoles(exchange.view, at: exchange.time).role(number)?.rules ?? []
        }
        let missing: [Escalation.Missing] = rights.missing(rules, in: .environment(project))
        guard missing.isEmpty || rights.canEver(Verb.bind, "accessRole") else {
            throw AccessRoles.escalation(missing, "make somebody \(role)")
        }
    }

    /// Whether a membership can name it: a built-in role, or one of the environment or of the whole cluster.
    static func isMembership(_ role: String, in project: UInt64?, _ view: StoreView) -> Bool {
        if MembershipRoles.names.contains(role) { return true }
        guard let project, let number: UInt64 = GrantedRoles.role(named: role),
            let record: Record = view.get(RecordKey(.accessRole, number)),
            let found = try? AccessRoleRecord(document: record.document), found.isActive
        else { return false }
        return found.projectID == nil || found.projectID == project
    }
}
