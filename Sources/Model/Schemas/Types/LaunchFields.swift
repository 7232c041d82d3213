import JSON
import Limits

/// How a container is to be run: the members that containers and launch configurations share (contract O8).
///
/// All are settable on creation only, and none can be filtered by.
enum LaunchFields {
    static let shared: [FieldDefinition] = image + flags + devices + resources + storage + networks + health + others

    private static func field(
        _ name: String,
        _ type: FieldType,
        default value: JSONValue? = nil,
        options: [String]? = nil,
        min: Int64? = nil,
        max: Int64? = nil,
        rule: ValueRule? = nil
    ) -> FieldDefinition {
        FieldDefinition(
            name,
            type,
            [.create, .unfiltered],
            default: value,
            options: options,
            min: min,
            max: max,
            rule: rule
        )
    }

    private static func flag(_ name: String, default value: Bool? = nil) -> FieldDefinition {
        FieldDefinition(
            name,
            .boolean,
            value == nil ? [.create, .unfiltered] : [.create, .notNull, .unfiltered],
            default: value.map { .bool($0) }
        )
    }

    private static let image: [FieldDefinition] = [
        FieldDefinition(
            "imageUuid",
            .string,
            [.create, .required, .unfiltered],
            minLength: 1,
            rule: .image,
            about: "docker:image[:tag]"
        ),
        field("build", .embedded("dockerBuild")),
        field("command", .array(.string)),
        field("entryPoint", .array(.string)),
        field("environment", .map(.string)),
        field("workingDir", .string),
        field("user", .string),
        field("labels", .map(.string)),
        field("hostname", .string),
        field("domainName", .string),
        field("count", .int, min: 1, max: Int64(Limits.containerCountPerPost)),
        field("registryCredentialId", .reference("registryCredential")),
    ]

    private static let flags: [FieldDefinition] = [
        flag("tty", default: false),
        flag("stdinOpen", default: false),
        flag("privileged", default: false),
        flag("readOnly", default: false),
        flag("publishAllPorts", default: false),
        flag("startOnCreate", default: true),
        flag("oomKillDisable"),
        flag("runInit", default: false),
    ]

    /// Linux capabilities as engines spell them (capabilities(7) without `CAP_`).
    private static let capabilities: [String] = [
        "ALL", "AUDIT_CONTROL", "AUDIT_READ", "AUDIT_WRITE", "BLOCK_SUSPEND", "BPF", "CHECKPOINT_RESTORE", "CHOWN",
        "DAC_OVERRIDE", "DAC_READ_SEARCH", "FOWNER", "FSETID", "IPC_LOCK", "IPC_OWNER", "KILL", "LEASE",
        "LINUX_IMMUTABLE", "MAC_ADMIN", "MAC_OVERRIDE", "MKNOD", "NET_ADMIN", "NET_BIND_SERVICE", "NET_BROADCAST",
        "NET_RAW", "PERFMON", "SETFCAP", "SETGID", "SETPCAP", "SETUID", "SYSLOG", "SYS_ADMIN", "SYS_BOOT",
        "SYS_CHROOT", "SYS_MODULE", "SYS_NICE", "SYS_PACCT", "SYS_PTRACE", "SYS_RAWIO", "SYS_RESOURCE", "SYS_TIME",
        "SYS_TTY_CONFIG", "WAKE_ALARM",
    ]

    private static let devices: [FieldDefinition] = [
        field("capAdd", .array(.enum), options: capabilities),
        field("capDrop", .array(.enum), options: capabilities),
        field("devices", .array(.string)),
        field("securityOpt", .array(.string)),
        field("groupAdd", .array(.string)),
        field("ulimits", .array(.embedded("ulimit"))),
        field("sysctls", .map(.string)),
        field("pidMode", .enum, options: ["host"]),
        field("pidsLimit", .int),
        field("ipcMode", .string),
        field("uts", .string),
        field("usernsMode", .string),
        field("isolation", .string),
        field("cgroupParent", .string),
    ]

    private static let resources: [FieldDefinition] =
        [
            "memory", "memorySwap", "memoryReservation", "memorySwappiness", "kernelMemory", "shmSize",
            "milliCpuReservation", "cpuShares", "cpuPeriod", "cpuQuota", "cpuCount", "cpuPercent", "cpuRealtimePeriod",
            "cpuRealtimeRuntime", "blkioWeight", "ioMaximumBandwidth", "ioMaximumIOps", "diskQuota", "oomScoreAdj",
        ].map { field($0, .int) } + [
            field("cpuSet", .string),
            field("cpuSetMems", .string),
            field("blkioDeviceOptions", .map(.embedded("blkioDeviceOption"))),
        ]

    private static let storage: [FieldDefinition] = [
        field("dataVolumes", .array(.string)),
        field("dataVolumesFrom", .array(.reference("container"))),
        field("dataVolumeMounts", .map(.reference("volume"))),
        field("volumeDriver", .string),
        field("storageOpt", .map(.string)),
        field("tmpfs", .map(.string)),
        field("secrets", .array(.embedded("secretReference"))),
    ]

    private static let networks: [FieldDefinition] = [
        field("ports", .array(.string), rule: .portSpec),
        field("expose", .array(.string)),
        field("dns", .array(.string)),
        field("dnsSearch", .array(.string)),
        field("dnsOpt", .array(.string)),
        field("extraHosts", .array(.string)),
        field(
            "networkMode",
            .enum,
            default: "managed",
            options: ["managed", "bridge", "host", "none", "container", "default"]
        ),
        field("networkIds", .array(.reference("network"))),
        field("networkContainerId", .reference("container")),
        field("netAlias", .array(.string)),
        field("ip", .string),
        field("ip6", .string),
        field("instanceLinks", .map(.reference("instance"))),
    ]

    private static let health: [FieldDefinition] = [
        field("healthCheck", .embedded("instanceHealthCheck")),
        field("healthCmd", .array(.string)),
        field("healthInterval", .int),
        field("healthTimeout", .int),
        field("healthRetries", .int),
    ]

    private static let others: [FieldDefinition] = [
        field("logConfig", .embedded("logConfig")),
        field("lxcConf", .map(.string)),
        field("instanceTriggeredStop", .enum, default: "stop", options: ["stop", "remove"]),
        field("requestedHostId", .reference("host")),
        field("stopSignal", .string),
        field("stopTimeout", .int, min: 0),
    ]

    /// What only launch configurations have.
    static let launchConfigOnly: [FieldDefinition] = [
        field("kind", .enum, default: "container", options: ["container"]),
        field("name", .string),
        field("description", .string),
        field("dataVolumesFromLaunchConfigs", .array(.string)),
        field("networkLaunchConfig", .string),
        field("requestedIpAddress", .string),
        field("vcpu", .int, default: 1),
        field("memoryMb", .int),
        field("userdata", .string),
        field("disks", .array(.embedded("virtualMachineDisk"))),
        field("drainTimeoutMs", .int, default: 0, min: 0),
    ]
}
