import JSON

extension Schemas {
    /// What containers show and nobody sets.
    ///
    /// The state is worked out from what is wanted and what the host reports: ``InstanceState``.
    private static let runtimeFields: [FieldDefinition] =
        CommonFields.lifecycle(.instance, stateFrom: .computed) + [
            CommonFields.creatorID,
            FieldDefinition("hostId", .reference("host")),
            FieldDefinition("serviceId", .reference("service"), [.unfiltered]),
            FieldDefinition("serviceIds", .array(.reference("service")), from: .computed),
            FieldDefinition("system", .boolean, [.notNull], default: false),
            FieldDefinition("createIndex", .int),
            FieldDefinition("deploymentUnitUuid", .string),
            FieldDefinition("externalId", .string, from: .observed, about: "The runtime's own id of the container"),
            FieldDefinition("primaryIpAddress", .string, [.unfiltered], from: .observed),
            FieldDefinition("startCount", .int, from: .observed),
            FieldDefinition("firstRunning", .date, from: .observed),
            FieldDefinition(
                "healthState",
                .enum,
                options: ["healthy", "unhealthy", "initializing", "reinitializing"],
                from: .observed
            ),
            CommonFields.never("nativeContainer"),
        ]
        + CommonFields.unfilled([
            ("healthcheckStates", .array(.json)), ("mounts", .array(.json)),
            ("primaryNetworkId", .reference("network")),
            ("userPorts", .array(.string)), ("version", .string),
        ])

    private static let containerFields: [FieldDefinition] =
        runtimeFields + LaunchFields.shared + [
            CommonFields.name, CommonFields.description,
            FieldDefinition("stackId", .reference("stack"), .create),
            FieldDefinition("restartPolicy", .embedded("restartPolicy"), .create),
        ]

    private static let instanceLinks: [LinkDefinition] = [
        LinkDefinition("account", to: "project", .reference(field: "accountId")),
        LinkDefinition("host", to: "host", .reference(field: "hostId")),
        LinkDefinition("stack", to: "stack", .reference(field: "stackId")),
        LinkDefinition("service", to: "service", .reference(field: "serviceId")),
        LinkDefinition("hosts", to: "host", .named(field: "hostId")),
        LinkDefinition("services", to: "service", .named(field: "serviceIds")),
        LinkDefinition("serviceLogs", to: "serviceLog", .none),
    ]

    private static func instanceActions(_ type: String) -> [ActionDefinition] {
        [
            .process("start", of: type),
            ActionDefinition("stop", input: "instanceStop", output: type, process: "stop"),
            .process("restart", of: type),
            .process("remove", of: type),
            .process("update", of: type),
            .process("purge", of: type),
            ActionDefinition(
                "logs",
                input: "containerLogs",
                output: "hostAccess",
                states: ["starting", "running", "stopping", "stopped", "restarting"]
            ),
            ActionDefinition("execute", input: "containerExec", output: "hostAccess", states: ["running"]),
        ]
    }

    /// The read-only supertype: `GET /instances/<id>` works for every container.
    static let instance = ResourceDefinition(
        "instance",
        table: .instance,
        observedTable: .instanceObserved,
        isEnvironmentScoped: true,
        collectionMethods: [.get],
        resourceMethods: [.get],
        fields: containerFields.map(\.readOnly),
        states: .instance,
        actions: instanceActions("instance"),
        links: instanceLinks
    )

    static let container = ResourceDefinition(
        "container",
        base: "instance",
        table: .instance,
        observedTable: .instanceObserved,
        kind: "container",
        isEnvironmentScoped: true,
        collectionMethods: [.get, .post],
        resourceMethods: [.get, .put, .delete],
        fields: containerFields,
        states: .instance,
        actions: instanceActions("container"),
        links: instanceLinks
    )

    /// What the actions of containers take and give.
    static let instanceInputs: [ResourceDefinition] = [
        ResourceDefinition(
            "instanceStop",
            fields: [
                FieldDefinition("remove", .boolean, [.create, .notNull], default: false),
                FieldDefinition("timeout", .int, .create, min: 0, about: "Seconds until it is killed"),
            ]
        ),
        ResourceDefinition(
            "containerLogs",
            fields: [
                FieldDefinition("follow", .boolean, [.create, .notNull], default: true),
                FieldDefinition("lines", .int, .create, default: 100, min: 0),
                FieldDefinition("since", .string, .create),
                FieldDefinition("timestamps", .boolean, .create),
            ]
        ),
        ResourceDefinition(
            "containerExec",
            fields: [
                FieldDefinition(
                    "command",
                    .array(.string),
                    [.create, .required],
                    about: "The program and its arguments"
                ),
                FieldDefinition("attachStdin", .boolean, [.create, .notNull], default: true),
                FieldDefinition("attachStdout", .boolean, [.create, .notNull], default: true),
                FieldDefinition("tty", .boolean, [.create, .notNull], default: true, about: "Give it a terminal"),
                FieldDefinition("columns", .int, .create, min: 1, max: 10_000, about: "Of the terminal"),
                FieldDefinition("rows", .int, .create, min: 1, max: 10_000, about: "Of the terminal"),
                FieldDefinition(
                    "frames",
                    .enum,
                    [.create, .notNull],
                    default: "base64",
                    options: ["base64", "tagged"],
                    about: "How the stream is written: tagged also tells errors apart, sizes, ends and exit codes"
                ),
            ]
        ),
        ResourceDefinition(
            "hostAccess",
            fields: [FieldDefinition("url", .string), FieldDefinition("token", .string)]
        ),
    ]
}
