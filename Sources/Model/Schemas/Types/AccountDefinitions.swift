import JSON

extension Schemas {
    private static let accountFields: [FieldDefinition] =
        // An account owns itself: it has no accountId.
        CommonFields.lifecycle(.standard).filter { $0.name != "accountId" && $0.name != "kind" } + [
            FieldDefinition("name", .string, .createReconcile, maxLength: 255),
            CommonFields.description,
        ]

    private static func accountActions(_ type: String) -> [ActionDefinition] {
        ["activate", "deactivate", "remove", "update", "purge"].map { .process($0, of: type) }
    }

    /// People.
    ///
    /// Environments are accounts, too, but show as ``project``.
    static let account = ResourceDefinition(
        "account",
        table: .account,
        collectionMethods: [.get, .post],
        resourceMethods: [.get, .put, .delete],
        fields: accountFields.filter { $0.name != "uuid" } + [
            // A text, as clients name kinds that mean nothing here; what those may do is nothing.
            FieldDefinition(
                "kind",
                .string,
                [.create, .update, .notNull],
                default: "user",
                minLength: 1,
                maxLength: 64,
                validChars: "a-zA-Z0-9",
                about: "admin, user, readAdmin, project, agent, service or superadmin"
            ),
            FieldDefinition("uuid", .string, [.unique, .create], maxLength: 128),
            FieldDefinition("externalId", .string, [.create], maxLength: 255, about: "Who it is to its provider"),
            FieldDefinition(
                "externalIdType",
                .string,
                [.create],
                maxLength: 64,
                validChars: "a-zA-Z0-9_",
                about: "Whose name for it externalId is"
            ),
        ],
        states: .standard,
        actions: accountActions("account"),
        links: [
            LinkDefinition("credentials", to: "credential", .children(table: .credential, member: "accountId")),
            LinkDefinition("apiKeys", to: "apiKey", .children(table: .credential, member: "accountId")),
            LinkDefinition("passwords", to: "password", .children(table: .credential, member: "accountId")),
        ]
    )

    /// An environment.
    static let project = ResourceDefinition(
        "project",
        base: "account",
        table: .account,
        kind: "project",
        collectionMethods: [.get, .post],
        resourceMethods: [.get, .put, .delete],
        fields: accountFields + [
            FieldDefinition("kind", .string),
            FieldDefinition("members", .array(.embedded("projectMember")), .create),
            FieldDefinition("orchestration", .string, [.unfiltered], from: .computed),
            FieldDefinition("projectTemplateId", .reference("projectTemplate"), .create),
            FieldDefinition(
                "quotas",
                .map(.int),
                [.create, .update, .unfiltered],
                about:
                    "The most that it may have of stacks, services, containers, volumes, objects, bytes, watches; set by "
                    + "administrators"
            ),
            FieldDefinition(
                "quotaUsage",
                .json,
                [.unfiltered],
                from: .computed,
                about: "Of what is limited, what is used and the limit; in its own document only"
            ),
            CommonFields.healthState,
            FieldDefinition("version", .string, [.unfiltered], from: .computed, about: "Of its data; always 2"),
            CommonFields.never("virtualMachine"), CommonFields.never("allowSystemRole"),
        ]
            + CommonFields.unfilled([
                ("defaultNetworkId", .reference("network")), ("hostRemoveDelaySeconds", .int),
                ("createdStackIds", .array(.reference("stack"))), ("startedStackIds", .array(.reference("stack"))),
                ("projectLinks", .array(.reference("project"))), ("scheduledUpgradeDelayMinutes", .int),
                ("servicesPortRange", .json),
            ]),
        states: .standard,
        actions: accountActions("project") + [
            ActionDefinition(
                "setmembers",
                input: "setProjectMembersInput",
                output: "setProjectMembersInput",
                states: ["active", "inactive", "registering", "updating-active", "updating-inactive"]
            )
        ],
        links: [
            LinkDefinition(
                "projectMembers",
                to: "projectMember",
                .children(table: .projectMember, member: "projectId")
            ),
            LinkDefinition("hosts", to: "host", .children(table: .host, member: "accountId")),
            LinkDefinition("stacks", to: "stack", .children(table: .stack, member: "accountId")),
            LinkDefinition("services", to: "service", .children(table: .service, member: "accountId")),
            LinkDefinition("instances", to: "instance", .children(table: .instance, member: "accountId")),
            LinkDefinition("containers", to: "container", .children(table: .instance, member: "accountId")),
            LinkDefinition("volumes", to: "volume", .children(table: .volume, member: "accountId")),
            LinkDefinition("credentials", to: "credential", .children(table: .credential, member: "accountId")),
            LinkDefinition("apiKeys", to: "apiKey", .children(table: .credential, member: "accountId")),
            LinkDefinition(
                "registrationTokens",
                to: "registrationToken",
                .children(table: .credential, member: "accountId")
            ),
        ],
        unsupported: [
            UnsupportedMember("hostRemoveDelaySeconds", "hosts are never removed for their silence"),
            UnsupportedMember("virtualMachine", "virtual machines are not built yet"),
            UnsupportedMember("projectLinks", "links between environments are not built yet"),
            UnsupportedMember("allowSystemRole", "roles of the system are not built yet"),
        ]
    )

    /// That an identity is a member of an environment.
    ///
    /// Members are named when the environment is created, and by its action `setmembers`.
    static let projectMember = ResourceDefinition(
        "projectMember",
        table: .projectMember,
        isEnvironmentScoped: true,
        environmentMember: "projectId",
        collectionMethods: [.get],
        resourceMethods: [.get],
        fields: CommonFields.lifecycle(.standard).filter { $0.name != "accountId" } + [
            FieldDefinition("name", .string, from: .computed),
            FieldDefinition(
                "externalId",
                .string,
                [.create, .required, .unfiltered],
                minLength: 1,
                about: "The member's account id, or its id at the provider"
            ),
            FieldDefinition(
                "externalIdType",
                .string,
                [.create, .unfiltered],
                default: "rancher_id",
                minLength: 1,
                maxLength: 64,
                validChars: "a-zA-Z0-9_"
            ),
            FieldDefinition("role", .enum, .create, default: "member", options: MembershipRoles.names),
            FieldDefinition("projectId", .reference("project")),
        ],
        states: .standard,
        links: [LinkDefinition("project", to: "project", .reference(field: "projectId"))]
    )

    /// Who may be a member of something: a person or a group, here or at a provider.
    static let identity = ResourceDefinition(
        "identity",
        plural: "identities",
        hasTextID: true,
        collectionMethods: [.get],
        resourceMethods: [.get],
        fields: [
            CommonFields.id,
            FieldDefinition("name", .string, [.unfiltered], from: .computed),
            FieldDefinition("login", .string, [.unfiltered], from: .computed),
            FieldDefinition("externalId", .string, [.unfiltered], from: .computed),
            FieldDefinition("externalIdType", .string, [.unfiltered], from: .computed),
            FieldDefinition("profilePicture", .string, [.unfiltered], from: .computed),
            FieldDefinition("profileUrl", .string, [.unfiltered], from: .computed),
            FieldDefinition("user", .boolean, [.unfiltered], from: .computed, about: "A person, not a group"),
            FieldDefinition("role", .string, [.unfiltered], from: .computed),
            FieldDefinition("projectId", .reference("project"), [.unfiltered], from: .computed),
            FieldDefinition("all", .string, [.unfiltered], from: .computed),
        ]
    )

    /// What `setmembers` takes: the whole list.
    static let setProjectMembersInput = ResourceDefinition(
        "setProjectMembersInput",
        fields: [FieldDefinition("members", .array(.embedded("projectMember")), [.create, .required])]
    )
}
