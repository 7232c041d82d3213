/// The settings that static roles depend on.
package struct RolePolicy: Hashable, Sendable {
    /// Who may change hosts and system stacks (`modify.infrastructure.roles`); names of roles and of kinds of accounts.
    package var infrastructure: Set<String>
    /// Whether those who may not change the infrastructure may run commands in privileged containers
    /// (`allow.restricted.user.exec`).
    package var allowsRestrictedExec: Bool
    /// Of several memberships of one caller in one environment the lowest counts
    /// (`api.security.role.priority.<role>`).
    package var priorities: [String: Int]

    package init(infrastructure: Set<String>, allowsRestrictedExec: Bool, priorities: [String: Int]) {
        self.infrastructure = infrastructure
        self.allowsRestrictedExec = allowsRestrictedExec
        self.priorities = priorities
    }

    package static let infrastructureSetting: String = "modify.infrastructure.roles"
    package static let restrictedExecSetting: String = "allow.restricted.user.exec"
    package static func prioritySetting(_ role: String) -> String { "api.security.role.priority.\(role)" }

    /// As the settings are until somebody changes them (contract A15).
    package static let standard = RolePolicy(
        infrastructure: [
            "superadmin", "admin", "service", "owner", "member", "project", "environment", "projectadmin", "agent",
        ],
        allowsRestrictedExec: false,
        priorities: ["owner": 0, "member": 1, "restricted": 2, "stackowner": 3, "stackuser": 4, "readonly": 5]
    )

    /// Reads the value of `modify.infrastructure.roles`: names with commas; those of the older API (`v1-…`) say nothing new.
    package static func names(_ text: String) -> Set<String> {
        Set(
            text.split(separator: ",").map { String($0.filter { $0 != " " }) }.filter {
                !$0.isEmpty && !$0.hasPrefix("v1-")
            }
        )
    }

    func priority(_ role: String) -> Int { priorities[role] ?? Int.max }
}
