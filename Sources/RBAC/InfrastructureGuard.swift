import JSON

/// What roles lose that the setting `modify.infrastructure.roles` does not name: hosts and what belongs to the system are
/// theirs to look at (contract A16).
///
/// Said of single objects, so that schemas keep the methods, and whoever tries hears why (403).
package enum InfrastructureGuard {
    package static func apply(_ policy: RolePolicy, to role: Role) -> Role {
        guard !policy.infrastructure.contains(settingName(of: role)) else { return role }
        var guarded = Role(
            role.name,
            id: "\(role.id)!infrastructure\(policy.allowsRestrictedExec ? "" : "!exec")",
            including: [role],
            rules: denials + (policy.allowsRestrictedExec ? [] : execDenials)
        )
        guarded.number = role.number
        return guarded
    }

    /// Roles as the setting names them.
    private static func settingName(of role: Role) -> String {
        role.name == StaticRoles.projectKey.name ? "project" : role.name
    }

    private static let changes: [VerbPattern] = [.only(.create), .only(.update), .only(.delete)]

    private static let denials: [Rule] = [
        Rule(
            .deny,
            changes + [.anyAction],
            on: ["host", "physicalHost", "machine", "hostTemplate"],
            where: [Condition("accountId", .exists)]
        ),
        Rule(.deny, [.any], on: ["registrationToken"], where: [Condition("accountId", .exists)]),
        Rule(
            .deny,
            changes + [.anyActionBut("logs")],
            on: ["stack", "service", "instance", "volume"],
            where: [Condition("system", .equals(true))]
        ),
    ]

    /// Into a container that is as good as its host, or that carries a key.
    private static let execDenials: [Rule] = [
        [Condition("privileged", .equals(true))], [Condition("capAdd", .isNotEmpty)],
        [Condition("labels.io.rancher.container.create_agent", .equals("true"))],
    ].map { Rule(.deny, [.only(.action("execute")), .only(.action("proxy"))], on: ["instance"], where: $0) }
}
