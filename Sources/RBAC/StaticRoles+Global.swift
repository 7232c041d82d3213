import JSON

/// Roles at the root, and those of machines.
extension StaticRoles {
    /// The servers themselves.
    package static let superadmin = Role("superadmin", rules: [Rule(.allow, [.any], on: ["*"])])

    /// Subscriptions are per environment; registering and host streams need the credential that says which environment or
    /// host it is.
    private static let notAtTheRoot = Rule(.deny, [.any], on: ["subscribe", "register", "hostCertificate", hostStream])

    /// Administrators, at the root.
    package static let admin = Role("admin", rules: [Rule(.allow, [.any], on: ["*"]), notAtTheRoot])

    /// Sees what administrators see.
    package static let readAdmin = Role(
        "readAdmin",
        rules: [Rule(.allow, read, on: ["*"]), Rule(.allow, [.only(.create)], on: ["accessReview"]), notAtTheRoot]
    )

    /// A controller outside of the servers.
    package static let service = Role(
        "service",
        rules: [Rule(.allow, [.any], on: ["*"]), Rule(.deny, [.any], on: ["register", "hostCertificate", hostStream])]
    )

    /// Everybody with an account, at the root.
    package static let user = Role(
        "user",
        including: [basics],
        rules: [
            Rule(.allow, [.only(.list), .only(.create)], on: ["project"]),
            Rule(.allow, [.only(.list)], on: ["projectMember"]),
            Rule(.allow, read, on: ["=account"], where: [Condition("id", .isAccount)]),
            Rule(.allow, read, on: ["identity"]),
            Rule(.allow, read + [.only(.action("changesecret"))], on: ["password"], where: own),
            Rule(.allow, read, on: ["=credential"], where: own),
            Rule(.allow, [.any], on: ["apiKey"], where: own, fields: keyFields),
            Rule(.allow, [.any], on: ["clientCertificate"], where: own, fields: ["accountId": .read]),
            Rule(.allow, [.any], on: ["userPreference", "projectTemplate"], where: own),
            Rule(.allow, read, on: ["projectTemplate"]),
            Rule(.allow, read, on: ["auditLog"], where: own),
        ]
    )

    private static let own: [Condition] = [Condition("accountId", .isAccount)]

    /// Accounts of the original's agents: they find out that there is nothing here for them.
    package static let agent = Role(
        "agent",
        rules: [Rule(.allow, read, on: ["schema", "apiVersion", "collection", "error"])]
    )

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

    /// Somebody who logs in.
    package static let token = Role(
        "token",
        rules: [
            Rule(.allow, read + [.only(.create), .only(.delete)], on: ["token"]), Rule(.allow, read, on: ["schema"]),
        ]
    )
}
