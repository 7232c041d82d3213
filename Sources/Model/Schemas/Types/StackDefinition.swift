import JSON

extension Schemas {
    static let stack = ResourceDefinition(
        "stack",
        table: .stack,
        observedTable: .stackObserved,
        isEnvironmentScoped: true,
        collectionMethods: [.get, .post],
        resourceMethods: [.get, .put, .delete],
        fields: CommonFields.lifecycle(.stack) + [
            CommonFields.labelName([.create, .update, .required, .unique, .schedulesUpdate]),
            CommonFields.description,
            CommonFields.creatorID,
            FieldDefinition("environment", .map(.string), .create, about: "Answers to the questions of its template"),
            FieldDefinition("startOnCreate", .boolean, [.create, .unfiltered]),
            FieldDefinition(
                "externalId",
                .string,
                .createUpdate,
                about: "Where it came from: catalog://catalog:template:version"
            ),
            FieldDefinition("group", .string, [.create, .update, .unfiltered]),
            FieldDefinition("system", .boolean, [.create, .update, .notNull], default: false),
            FieldDefinition(
                "sharing",
                .enum,
                [.create, .update, .notNull],
                default: "project",
                options: ["private", "project", "shared"],
                about: "Who of those with stacks of their own sees it: nobody else, the environment, or whom it names"
            ),
            FieldDefinition(
                "sharedWith",
                .array(.embedded("accessSubject")),
                [.create, .update],
                about: "Whom a shared stack is theirs to work with"
            ),
            CommonFields.healthState,
            FieldDefinition("serviceIds", .array(.reference("service")), from: .computed),
        ]
            + CommonFields.unfilled([
                ("answers", .map(.json)), ("binding", .json), ("dockerCompose", .string), ("outputs", .map(.string)),
                ("previousEnvironment", .map(.string)), ("previousExternalId", .string), ("rancherCompose", .string),
                ("templates", .map(.string)),
            ]),
        states: .stack,
        actions: [
            // Their work is the services' activate and deactivate; the stack's own state stays.
            ActionDefinition(
                "activateservices",
                output: "stack",
                states: ["activating", "active", "updating-active", "error"]
            ),
            ActionDefinition(
                "deactivateservices",
                output: "stack",
                states: ["activating", "active", "updating-active", "error"]
            ),
            .process("remove", of: "stack"),
            .process("update", of: "stack"),
        ],
        links: [
            LinkDefinition("account", to: "project", .reference(field: "accountId")),
            LinkDefinition("services", to: "service", .children(table: .service, member: "stackId")),
            LinkDefinition("instances", to: "instance", .children(table: .instance, member: "stackId")),
            LinkDefinition("volumes", to: "volume", .children(table: .volume, member: "stackId")),
            LinkDefinition("volumeTemplates", to: "volumeTemplate", .none),
        ],
        unsupported: ["dockerCompose", "rancherCompose", "templates", "answers", "binding"].map {
            UnsupportedMember(
                $0,
                "the server does not read compose files yet: send the stack's services one by one, or use the command line's up"
            )
        }
    )
}
