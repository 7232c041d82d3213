import JSON
import Limits

extension Schemas {
    private static let accessFields: [FieldDefinition] =
        CommonFields.lifecycle(.access).filter { $0.name != "accountId" } + [
            FieldDefinition("name", .string, [.create, .update, .required], minLength: 1, maxLength: 255),
            CommonFields.description,
        ]

    private static let rules = FieldDefinition(
        "rules",
        .array(.embedded("accessRule")),
        [.create, .update],
        about: "What it allows and denies"
    )

    private static let projectID = FieldDefinition(
        "projectId",
        .reference("project"),
        [.create],
        about: "The environment that it belongs to; null for the whole cluster"
    )

    private static func accessActions(_ type: String) -> [ActionDefinition] {
        [.process("activate", of: type), .process("deactivate", of: type), .process("remove", of: type)]
    }

    /// What roles are made of; the built-in ones stand among them.
    static let roleTemplate = ResourceDefinition(
        "roleTemplate",
        table: .roleTemplate,
        collectionMethods: [.get, .post],
        resourceMethods: [.get, .put, .delete],
        fields: accessFields + [
            rules,
            FieldDefinition(
                "scope",
                .enum,
                [.create, .notNull],
                default: "project",
                options: ["global", "project"],
                about: "Where roles made of it can be bound"
            ),
            FieldDefinition("builtin", .boolean, [.notNull], default: false),
            FieldDefinition("inherits", .array(.reference("roleTemplate")), [.create, .update]),
            FieldDefinition(
                "replicate",
                .enum,
                [.create, .notNull],
                default: "local",
                options: ["local", "federation"]
            ),
        ],
        states: .access,
        actions: accessActions("roleTemplate"),
        links: [
            LinkDefinition("accessRoles", to: "accessRole", .children(table: .accessRole, member: "roleTemplateId"))
        ]
    )

    /// A role made at run time.
    static let accessRole = ResourceDefinition(
        "accessRole",
        table: .accessRole,
        isEnvironmentScoped: true,
        environmentMember: "projectId",
        collectionMethods: [.get, .post],
        resourceMethods: [.get, .put, .delete],
        fields: accessFields + [
            rules, projectID,
            FieldDefinition(
                "roleTemplateId",
                .reference("roleTemplate"),
                [.create, .update],
                about: "Whose rules come first"
            ),
        ],
        states: .access,
        actions: accessActions("accessRole"),
        links: [
            LinkDefinition("project", to: "project", .reference(field: "projectId")),
            LinkDefinition(
                "accessRoleBindings",
                to: "accessRoleBinding",
                .children(table: .accessRoleBinding, member: "accessRoleId")
            ),
        ]
    )

    /// A role given to subjects in a scope.
    static let accessRoleBinding = ResourceDefinition(
        "accessRoleBinding",
        table: .accessRoleBinding,
        isEnvironmentScoped: true,
        environmentMember: "projectId",
        collectionMethods: [.get, .post],
        resourceMethods: [.get, .put, .delete],
        fields: accessFields.filter { $0.name != "name" } + [
            FieldDefinition("name", .string, [.create, .update], maxLength: 255),
            FieldDefinition("accessRoleId", .reference("accessRole"), [.create, .required]),
            projectID,
            FieldDefinition(
                "scopeType",
                .enum,
                [.create],
                options: ["federation", "cluster", "environment", "stack", "object"],
                about: "Where the role counts; without one the environment, or the cluster for a role of none"
            ),
            FieldDefinition(
                "scopeId",
                .string,
                [.create],
                maxLength: 64,
                about: "The environment, the stack or the object"
            ),
            FieldDefinition(
                "scopeObjectType",
                .string,
                [.create, .unfiltered],
                maxLength: 64,
                about: "The type of the object, for the scope object"
            ),
            FieldDefinition("subjects", .array(.embedded("accessSubject")), [.create, .update, .required]),
            FieldDefinition("expires", .date, [.create, .update], about: "From when on it gives nothing"),
        ],
        states: .access,
        actions: accessActions("accessRoleBinding"),
        links: [
            LinkDefinition("project", to: "project", .reference(field: "projectId")),
            LinkDefinition("accessRole", to: "accessRole", .reference(field: "accessRoleId")),
        ]
    )

    /// Who is meant, and what roles are made of, inside the above.
    static let accessParts: [ResourceDefinition] = [
        ResourceDefinition(
            "accessSubject",
            fields: [
                FieldDefinition(
                    "externalIdType",
                    .string,
                    [.create],
                    maxLength: 64,
                    about: "rancher_id for an account of this cluster, or the type of a directory's users or groups"
                ),
                FieldDefinition("externalId", .string, [.create], maxLength: 255),
                FieldDefinition(
                    "credentialId",
                    .reference("credential"),
                    [.create],
                    about: "A key instead: only requests made with it"
                ),
            ].map(\.unfiltered)
        ),
        ResourceDefinition(
            "accessRule",
            fields: [
                FieldDefinition("effect", .enum, [.create, .notNull], default: "allow", options: ["allow", "deny"]),
                FieldDefinition(
                    "verbs",
                    .array(.string),
                    [.create, .required],
                    about: "list get create update delete subscribe action:<name>; * and action:* for all"
                ),
                FieldDefinition(
                    "resourceTypes",
                    .array(.string),
                    [.create, .required],
                    about: "Schema ids, each with its subtypes; * for all"
                ),
                FieldDefinition("ids", .array(.string), [.create], about: "Only these objects"),
                FieldDefinition(
                    "selector",
                    .string,
                    [.create],
                    maxLength: 1_024,
                    about: "Only objects of which all of it is true: name=web*, kind in (a,b), creator=self"
                ),
                FieldDefinition(
                    "fields",
                    .map(.string),
                    [.create],
                    about: "Of a field the letters c, r and u; * for all others"
                ),
                FieldDefinition(
                    "constraints",
                    .map(.string),
                    [.create],
                    about: "What a workload must keep, such as privileged=false"
                ),
            ].map(\.unfiltered)
        ),
        ResourceDefinition(
            "accessMiss",
            fields: [
                FieldDefinition("binding", .string), FieldDefinition("rule", .string),
                FieldDefinition("lack", .enum, options: ["constraint", "object", "verb", "scope"]),
                FieldDefinition("remedy", .string, about: "What would have to change"),
            ].map(\.unfiltered)
        ),
        ResourceDefinition(
            "accessChange",
            fields: [
                FieldDefinition("subject", .string), FieldDefinition("scope", .string),
                FieldDefinition("resourceType", .string), FieldDefinition("verb", .string),
                FieldDefinition("before", .enum, options: ["none", "some", "all"]),
                FieldDefinition("after", .enum, options: ["none", "some", "all"]),
            ].map(\.unfiltered)
        ),
        ResourceDefinition(
            "accessPreview",
            fields: [
                FieldDefinition("gains", .array(.embedded("accessChange"))),
                FieldDefinition("losses", .array(.embedded("accessChange"))),
                FieldDefinition("truncated", .boolean, [.notNull], default: false),
            ].map(\.unfiltered)
        ),
    ]

    /// The question whether somebody may do something, with the reason in the answer.
    static let accessReview = ResourceDefinition(
        "accessReview",
        collectionMethods: [.post],
        fields: [
            FieldDefinition("verb", .string, [.create, .required], minLength: 1, maxLength: 64),
            FieldDefinition("resourceType", .string, [.create, .required], minLength: 1, maxLength: 64),
            FieldDefinition("resourceId", .string, [.create], maxLength: 64),
            FieldDefinition("projectId", .string, [.create], maxLength: 64, about: "Where; without one as the request"),
            FieldDefinition("field", .string, [.create], maxLength: 64),
            FieldDefinition(
                "subject",
                .string,
                [.create],
                maxLength: 320,
                about: "An account, a key (key:1c7), or type:id of a directory; without one the caller"
            ),
            FieldDefinition("allowed", .boolean, from: .computed),
            FieldDefinition("reason", .string, from: .computed),
            FieldDefinition("binding", .string, from: .computed),
            FieldDefinition("rule", .string, from: .computed),
            FieldDefinition("ruleIndex", .int, from: .computed),
            FieldDefinition("accessRoleId", .reference("accessRole"), from: .computed),
            FieldDefinition("accessRoleBindingId", .reference("accessRoleBinding"), from: .computed),
            FieldDefinition("nearest", .array(.embedded("accessMiss")), from: .computed),
        ].map(\.unfiltered)
    )
}
