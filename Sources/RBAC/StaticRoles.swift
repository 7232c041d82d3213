import JSON
import JSON

/// The built-in roles, as data in the same form as roles made at run time.
///
/// Source: contract A16. A type that no rule of a role names does not exist for it. Rules may name types that this
/// server does not have yet: they say nothing until it has.
package enum StaticRoles {
    /// The stream between a host and its owner; no type of the public API.
    ///
    /// Objects of it have a member `hostId`.
    package static let hostStream: String = "hostStream"

    /// The cluster itself, its members and join tokens; no type of the schemas.
    ///
    /// Only the rule for everything covers it.
    package static let cluster: String = "cluster"

    package static let all: [Role] = [
        superadmin, admin, readAdmin, service, user, owner, member, restricted, stackowner, stackuser, readonly,
        projectKey, environment, projectadmin, visitor, agent, hostAgent, registration, token, nobody,
    ]

    /// What a membership can name, as `projectMember.role` offers it.
    package static let memberships: [Role] = [owner, member, restricted, stackowner, stackuser, readonly]

    /// The role that a membership names, as the settings have it; nil for one that does not exist, which grants nothing.
    package static func membershipRole(_ name: String, _ policy: RolePolicy) -> Role? {
        memberships.first { $0.name == name }.map { InfrastructureGuard.apply(policy, to: $0) }
    }

    package static let nobody = Role("nobody", rules: [])

    // MARK: Shared parts

    static let read: [VerbPattern] = [.only(.list), .only(.get)]

    /// What everybody needs to find their way: schemas, errors, what is public of the settings, and what they may do.
    static let basics = Role(
        "basics",
        rules: [
            Rule(.allow, read, on: ["schema", "apiVersion", "collection", "error"]),
            Rule(.allow, read, on: ["setting"], where: [Condition("isPublic", .equals(true))]),
            Rule(.allow, read, on: ["roleTemplate"]),
            Rule(.allow, [.only(.create)], on: ["accessReview"]),
        ]
    )

    /// The owner and the two halves of a key are the server's to choose.
    static let keyFields: [String: FieldPermissions] = ["accountId": .read, "publicValue": .read, "secretValue": .read]

    static let inEnvironment: [Condition] = [Condition("accountId", .isEnvironment)]

    /// What all who are in an environment see of it.
    static let presence = Role(
        "presence",
        including: [basics],
        rules: [
            // An environment is the account that owns what is in it: its keys and their like link to that.
            Rule(.allow, read, on: ["project", "=account"], where: [Condition("id", .isEnvironment)]),
            Rule(.allow, read, on: ["projectMember"], where: [Condition("projectId", .isEnvironment)]),
        ]
    )

    static let subscribing = Rule(.allow, [.only(.list), .only(.subscribe)], on: ["subscribe"])

    /// Records of what happened: those of the environment.
    static let records = Rule(.allow, read, on: ["auditLog", "serviceLog"], where: inEnvironment)

    /// Who has nothing in an environment but what bindings give.
    package static let visitor = Role("visitor", including: [presence], rules: [])
}
