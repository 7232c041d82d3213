import JSON

extension Schemas {
    private static let accountFields: [FieldDefinition] =
        // An account owns itself: it has no accountId.
        CommonFields.lifecycle(.standard).filter { $0.name != "accountId" && $0.name != "kind" } + [
            FieldDefinition("name", .string, .createReconcile, maxLength: 255),
            CommonFields.description,
        ]

    private static func accountActions(_ type: String) -> [ActionDefinition] {
        [.process("activate", of: type), .process("deactivate", of: type), .process("remove", of: type)]
    }

    /// People.
    ///
    /// Environments are accounts, too, but show as ``project``.
    static let account = ResourceDefinition(
        "account",
        table: .account,
        collectionMethods: [.get, .post],
        resourceMethods: [.get, .put, .delete],
        fields: accountFields + [
            FieldDefinition("kind", .enum, [.create, .notNull], default: "user", options: ["admin", "user"])
        ],
        states: .standard,
        actions: accountActions("account"),
        links: [
            LinkDefinition("credentials", to: "credential", .children(table: .credential, member: "accountId"))
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
            CommonFields.healthState,
        ],
        states: .standard,
        actions: accountActions("project"),
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
        ]
    )

    /// That an identity is a member of an environment.
    ///
    /// Members are named when the environment is created.
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
                about: "The member's account id"
            ),
            FieldDefinition(
                "externalIdType",
                .enum,
                [.create, .unfiltered],
                default: "rancher_id",
                options: ["rancher_id"]
            ),
            FieldDefinition("role", .enum, .create, default: "member", options: MembershipRoles.names),
            FieldDefinition("projectId", .reference("project")),
        ],
        states: .standard,
        links: [LinkDefinition("project", to: "project", .reference(field: "projectId"))]
    )
}
