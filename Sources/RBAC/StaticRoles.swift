import JSON
import Model

/// The built-in roles, as data in the form that roles made at run time will have.
///
/// Source: contract A16. A type that no rule of a role names does not exist for it.
package enum StaticRoles {
    /// What everybody needs to find their way: schemas, errors, and what is public of the settings.
    private static let basics = Role(
        "basics",
        rules: [
            Rule(.allow, [.only(.list), .only(.get)], on: ["schema", "apiVersion", "collection", "error"]),
            Rule(
                .allow,
                [.only(.list), .only(.get)],
                on: ["setting"],
                where: [Condition("isPublic", .equals(true))]
            ),
        ]
    )

    /// The owner and the two halves of a key are the server's to choose.
    private static let keyFields: [String: FieldPermissions] = [
        "accountId": .read, "publicValue": .read, "secretValue": .read,
    ]

    /// What owners, members and the environment's own keys have in common.
    private static let workspace = Role(
        "workspace",
        including: [basics],
        rules: [
            Rule(.allow, [.only(.list), .only(.subscribe)], on: ["subscribe"]),
            Rule(.allow, [.any], on: ["stack", "service", "container", "volume"], fields: ["system": .read]),
            Rule(.allow, [.only(.list), .only(.get), .anyAction], on: ["instance"]),
            Rule(.allow, [.only(.list), .only(.get), .only(.update), .only(.delete), .anyAction], on: ["host"]),
            Rule(.allow, [.only(.list), .only(.get), .only(.create)], on: ["registrationToken"]),
            Rule(
                .allow,
                [.only(.list), .only(.get)],
                on: ["=credential"],
                where: [Condition("accountId", .isEnvironment)]
            ),
            Rule(
                .allow,
                [.any],
                on: ["apiKey"],
                where: [Condition("accountId", .isEnvironment)],
                fields: keyFields
            ),
            Rule(
                .allow,
                [.only(.list), .only(.get)],
                on: ["secret", "machine", "projectTemplate", "serviceConsumeMap", "serviceLog", "volumeTemplate"]
            ),
            Rule(.allow, [.only(.list), .only(.get)], on: ["project"], where: [Condition("id", .isEnvironment)]),
            Rule(
                .allow,
                [.only(.list), .only(.get)],
                on: ["projectMember"],
                where: [Condition("projectId", .isEnvironment)]
            ),
        ]
    )

    /// Administrators, at the root.
    ///
    /// Subscriptions are per environment; registering and host streams need the credential that says which
    /// environment or host it is.
    package static let admin = Role(
        "admin",
        rules: [
            Rule(.allow, [.any], on: ["*"]),
            Rule(.deny, [.any], on: ["subscribe", "register", "hostCertificate", hostStream]),
        ]
    )

    /// Everybody with an account, at the root.
    package static let user = Role(
        "user",
        including: [basics],
        rules: [
            Rule(.allow, [.only(.list), .only(.create)], on: ["project"]),
            Rule(.allow, [.only(.list)], on: ["projectMember"]),
            Rule(.allow, [.only(.list), .only(.get)], on: ["projectTemplate"]),
            Rule(.allow, [.only(.list), .only(.get)], on: ["=account"], where: [Condition("id", .isAccount)]),
            Rule(
                .allow,
                [.only(.list), .only(.get)],
                on: ["=credential"],
                where: [Condition("accountId", .isAccount)]
            ),
            Rule(.allow, [.any], on: ["apiKey"], where: [Condition("accountId", .isAccount)], fields: keyFields),
            Rule(
                .allow,
                [.only(.list), .only(.get), .only(.action("changesecret"))],
                on: ["password"],
                where: [Condition("accountId", .isAccount)]
            ),
            Rule(.allow, [.only(.list), .only(.get)], on: ["identity"]),
        ]
    )

    /// Who runs an environment.
    ///
    /// Administrators act as this inside every one.
    package static let owner = Role(
        "owner",
        including: [workspace],
        rules: [
            // Without the field list of the shared rule: owners may make system stacks.
            Rule(.allow, [.only(.create), .only(.update)], on: ["stack"]),
            Rule(.allow, [.only(.delete), .anyAction], on: ["registrationToken"]),
            Rule(
                .allow,
                [.only(.update), .only(.delete), .anyAction],
                on: ["project"],
                where: [Condition("id", .isEnvironment)]
            ),
        ]
    )

    package static let member = Role("member", including: [workspace], rules: [])

    /// An environment's own API keys: no membership, no other environment, no new one.
    package static let projectKey = Role("projectKey", including: [workspace], rules: [])

    /// A host's own key or certificate: its stream and its next certificate, nothing else.
    package static let hostAgent = Role(
        "hostAgent",
        rules: [
            Rule(.allow, [.only(.subscribe)], on: [hostStream], where: [Condition("hostId", .isHost)]),
            Rule(.allow, [.only(.create)], on: ["hostCertificate"]),
        ]
    )

    /// A registration token: one thing only.
    package static let registration = Role(
        "registration",
        rules: [Rule(.allow, [.only(.create)], on: ["register"])]
    )

    package static let nobody = Role("nobody", rules: [])

    /// The stream between a host and its owner; no type of the public API.
    ///
    /// Objects of it have a member `hostId`.
    package static let hostStream: String = "hostStream"

    /// The cluster itself, its members and join tokens; no type of the schemas.
    ///
    /// Only the rule for everything covers it.
    package static let cluster: String = "cluster"

    package static let all: [Role] = [admin, user, owner, member, projectKey, hostAgent, registration, nobody]

    /// The role that a membership names; nil for one that does not exist, which grants nothing.
    package static func membershipRole(_ name: String) -> Role? {
        switch name {
        case "owner": owner
        case "member": member
        default: nil
        }
    }
}
