import JSON

extension Schemas {
    /// What a service's instances are made from.
    ///
    /// Members that have no definition are kept as they came: clients compare what they sent with what they get.
    static let launchConfig = ResourceDefinition(
        "launchConfig",
        fields: LaunchFields.shared + LaunchFields.launchConfigOnly,
        keepsUnknownMembers: true
    )

    /// How to tell that an instance is well (contract O10).
    ///
    /// Times are milliseconds; no `requestLine` means that a TCP connection is enough.
    static let instanceHealthCheck = ResourceDefinition(
        "instanceHealthCheck",
        fields: [
            FieldDefinition("name", .string, .create),
            FieldDefinition("port", .int, [.create, .required], min: 1, max: 65_535),
            FieldDefinition("requestLine", .string, .create),
            FieldDefinition("interval", .int, .create, min: 1),
            FieldDefinition("responseTimeout", .int, .create, min: 1),
            FieldDefinition("initializingTimeout", .int, .create, min: 1),
            FieldDefinition("reinitializingTimeout", .int, .create, min: 1),
            FieldDefinition("healthyThreshold", .int, .create, min: 1),
            FieldDefinition("unhealthyThreshold", .int, .create, min: 1),
            FieldDefinition(
                "strategy",
                .enum,
                .create,
                default: "recreate",
                options: ["none", "recreate", "recreateOnQuorum"]
            ),
            FieldDefinition("recreateOnQuorumStrategyConfig", .embedded("recreateOnQuorumStrategyConfig"), .create),
        ]
    )

    /// The smaller objects inside a launch configuration or container.
    static let launchParts: [ResourceDefinition] = [
        ResourceDefinition(
            "recreateOnQuorumStrategyConfig",
            fields: [FieldDefinition("quorum", .int, [.create, .required], min: 1)]
        ),
        ResourceDefinition(
            "logConfig",
            fields: [
                FieldDefinition("driver", .string, .create),
                FieldDefinition("config", .map(.string), .create),
            ]
        ),
        ResourceDefinition(
            "ulimit",
            fields: [
                FieldDefinition("name", .string, [.create, .required]),
                FieldDefinition("soft", .int, .create),
                FieldDefinition("hard", .int, .create),
            ]
        ),
        ResourceDefinition(
            "blkioDeviceOption",
            fields: ["readBps", "writeBps", "readIops", "writeIops", "weight"].map {
                FieldDefinition($0, .int, .create)
            }
        ),
        ResourceDefinition(
            "secretReference",
            fields: [FieldDefinition("secretId", .reference("secret"), [.create, .required])]
                + ["name", "uid", "gid", "mode"].map { FieldDefinition($0, .string, .create) }
        ),
        ResourceDefinition(
            "dockerBuild",
            fields: ["context", "remote", "dockerfile"].map { FieldDefinition($0, .string, .create) }
                + ["nocache", "rm", "forcerm"].map { FieldDefinition($0, .boolean, .create) }
        ),
        ResourceDefinition(
            "restartPolicy",
            fields: [
                FieldDefinition("name", .enum, [.create, .required], options: ["no", "always", "on-failure"]),
                FieldDefinition("maximumRetryCount", .int, .create, min: 0),
            ]
        ),
        ResourceDefinition(
            "virtualMachineDisk",
            fields: [
                FieldDefinition("name", .string, .create),
                FieldDefinition("size", .string, .create, default: "40g"),
                FieldDefinition("driver", .string, .create),
                FieldDefinition("opts", .map(.string), .create),
                FieldDefinition("root", .boolean, .create),
                FieldDefinition("readIops", .int, .create),
                FieldDefinition("writeIops", .int, .create),
            ]
        ),
        ResourceDefinition(
            "publicEndpoint",
            fields: [
                FieldDefinition("ipAddress", .string),
                FieldDefinition("port", .int),
                FieldDefinition("hostId", .reference("host")),
                FieldDefinition("instanceId", .reference("instance")),
                FieldDefinition("serviceId", .reference("service")),
            ]
        ),
    ]
}
