import JSON

/// Roles inside an environment.
extension StaticRoles {
    private static let work: [VerbPattern] = [.any]

    /// What owners, members and the environment's own keys have in common.
    private static let workspace = Role(
        "workspace",
        including: [presence],
        rules: [
            subscribing,
            Rule(.allow, work, on: ["stack", "service", "container", "volume"], fields: ["system": .read]),
            Rule(.allow, read + [.anyAction], on: ["instance"]),
            Rule(.allow, work, on: tools),
            Rule(.allow, read + [.only(.update), .only(.delete), .anyAction], on: ["host"]),
            Rule(.allow, work, on: ["machine", "hostTemplate"]),
            Rule(.allow, read + [.only(.create)], on: ["registrationToken"]),
            Rule(.allow, read, on: ["=credential"], where: inEnvironment),
            Rule(.allow, work, on: ["apiKey"], where: inEnvironment, fields: keyFields),
            Rule(.allow, read, on: ["accessRole"], where: [Condition("projectId", .isEnvironment)]),
            records, lookups,
        ]
    )

    /// What stacks are made with.
    private static let tools: [String] = [
        "secret", "certificate", "registry", "registryCredential", "volumeTemplate", "network", "storagePool",
    ]
    private static let lookups = Rule(.allow, read, on: ["projectTemplate", "serviceConsumeMap"])

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
            Rule(
                .allow,
                work,
                on: ["accessRole", "accessRoleBinding"],
                where: [Condition("projectId", .isEnvironment)]
            ),
            Rule(.allow, read, on: ["accessRole"], where: [Condition("projectId", .isNull)]),
        ]
    )

    package static let member = Role("member", including: [workspace], rules: [])

    /// An environment's own API keys: no membership, no other environment, no new one.
    package static let projectKey = Role("projectKey", including: [workspace], rules: [])

    /// Works with stacks, and looks at the machines below.
    package static let restricted = Role(
        "restricted",
        including: [presence],
        rules: [
            subscribing,
            Rule(.allow, work, on: ["stack", "service", "container", "volume"], fields: ["system": .read]),
            Rule(.allow, read + [.anyAction], on: ["instance"]),
            Rule(.allow, work, on: tools),
            Rule(.allow, read, on: ["host", "physicalHost", "machine", "hostTemplate"]),
            Rule(.allow, read, on: ["=credential"], where: inEnvironment),
            // Such a key can do no more than this role: see `Subject.limitedTo`.
            Rule(.allow, work, on: ["apiKey"], where: inEnvironment, fields: keyFields),
            Rule(.allow, read, on: ["accessRole"], where: [Condition("projectId", .isEnvironment)]),
            records, lookups,
        ]
    )

    /// Sees everything but secrets, and changes nothing.
    package static let readonly = Role(
        "readonly",
        including: [presence],
        rules: [
            subscribing,
            Rule(.allow, read, on: ["stack", "service", "volume", "host", "physicalHost", "machine", "hostTemplate"]),
            Rule(.allow, read + [.only(.action("logs"))], on: ["instance"], fields: ["environment": []]),
            Rule(.deny, [.any], on: ["launchConfig"], fields: ["environment": .all]),
            Rule(.allow, read, on: tools),
            Rule(.allow, read, on: ["=credential", "apiKey"], where: inEnvironment),
            Rule(.allow, read, on: ["accessRole"], where: [Condition("projectId", .isEnvironment)]),
            records, lookups,
        ]
    )

    // MARK: Members who share hosts and have stacks of their own

    private static let tree: [String] = ["stack", "service", "container", "volume"]
    private static let mine: [Condition] = [Condition("creatorId", .isAccount)]
    private static let shared: [Condition] = [
        Condition("sharing", .equals("shared")), Condition("sharedWith", .namesCaller),
    ]
    private static let sharingFields: [String: FieldPermissions] = [
        "system": .read, "sharing": .read, "sharedWith": .read,
    ]

    /// What others see of a stack: that it is there and how it does, not what it is made of.
    private static func summary(_ more: [String]) -> [String: FieldPermissions] {
        var fields: [String: FieldPermissions] = ["*": []]
        for name in [
            "id", "name", "state", "accountId", "kind", "created", "removed", "transitioning", "transitioningMessage",
            "transitioningProgress", "stackId", "system", "creatorId", "sharing",
        ] + more { fields[name] = .read }
        return fields
    }

    private static let ownWork = Role(
        "own work",
        including: [presence],
        rules: [
            subscribing,
            Rule(.allow, work, on: tree, where: mine, fields: ["system": .read]),
            Rule(.allow, read + [.anyAction], on: ["instance"], where: mine),
            // What a creator shares is the named ones' to work with; the stack itself stays the creator's to remove or
            // to share further.
            Rule(.allow, work, on: ["service", "container", "volume"], where: shared, fields: sharingFields),
            Rule(.allow, read + [.anyAction], on: ["instance"], where: shared),
            Rule(
                .allow,
                read + [
                    .only(.update), .only(.action("activateservices")), .only(.action("deactivateservices")),
                ],
                on: ["stack"],
                where: shared,
                fields: sharingFields
            ),
            Rule(.allow, read, on: ["host", "physicalHost", "network", "storagePool", "registry", "volumeTemplate"]),
            Rule(.allow, work, on: ["secret"], where: mine),
        ]
    )

    /// Has stacks of its own on the environment's hosts, and sees how those of others do.
    package static let stackowner = Role(
        "stackowner",
        including: [ownWork],
        rules: [
            Rule(
                .allow,
                read,
                on: ["stack", "service", "instance", "volume"],
                where: [Condition("sharing", .equals("project"))],
                fields: summary(["healthState", "publicEndpoints"])
            )
        ]
    )

    /// Has stacks of its own on the environment's hosts, and sees no others.
    package static let stackuser = Role(
        "stackuser",
        including: [ownWork],
        rules: [
            Rule(.allow, read, on: ["stack"], where: [Condition("system", .equals(true))], fields: summary([]))
        ]
    )

    // MARK: Containers that act for their environment

    /// A container that speaks for its environment: as a member, without the secrets.
    package static let environment = Role(
        "environment",
        including: [workspace],
        rules: [Rule(.deny, [.any], on: ["secret", "secretReference"])]
    )

    /// The same for balancers and storage, which need what the secrets are.
    package static let projectadmin = Role(
        "projectadmin",
        including: [workspace],
        rules: [Rule(.allow, [.only(.action("certificate"))], on: ["service"])]
    )
}
