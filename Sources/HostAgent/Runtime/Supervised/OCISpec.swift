import Glibc
import HostAgentCore
import JSON

/// The `config.json` of a container (OCI runtime specification 1.0).
///
/// Capabilities, devices and masked paths are those that the Docker Engine gives; there is no system call filter.
struct OCISpec {
    let planner: LaunchPlanner
    let plan: ContainerPlan
    let folder: ContainerFolder
    /// What is mounted from the machine: made by whoever makes the container.
    let mounts: [JSONValue]

    private var members: LaunchMembers { planner.members }
    private var isPrivileged: Bool { members.flag("privileged") ?? false }

    private static let usual: [String] = [
        "CHOWN", "DAC_OVERRIDE", "FSETID", "FOWNER", "MKNOD", "NET_RAW", "SETGID", "SETUID", "SETFCAP", "SETPCAP",
        "NET_BIND_SERVICE", "SYS_CHROOT", "KILL", "AUDIT_WRITE",
    ]
    private static let all: [String] =
        usual + [
            "DAC_READ_SEARCH", "LINUX_IMMUTABLE", "NET_BROADCAST", "NET_ADMIN", "IPC_LOCK", "IPC_OWNER", "SYS_MODULE",
            "SYS_RAWIO", "SYS_PTRACE", "SYS_PACCT", "SYS_ADMIN", "SYS_BOOT", "SYS_NICE", "SYS_RESOURCE", "SYS_TIME",
            "SYS_TTY_CONFIG", "LEASE", "AUDIT_CONTROL", "MAC_OVERRIDE", "MAC_ADMIN", "SYSLOG", "WAKE_ALARM",
            "BLOCK_SUSPEND", "AUDIT_READ",
        ]

    func json() throws(OperationFailure) -> JSONValue {
        let root: JSONValue = [
            "path": .string(plan.lower == nil ? "rootfs" : "merged"),
            "readonly": .bool(members.flag("readOnly") ?? false),
        ]
        return [
            "ociVersion": "1.0.2", "process": try process(), "root": root, "hostname": .string(planner.hostname),
            "mounts": .array(ownMounts + mounts), "linux": try linux(),
        ]
    }

    private func process() throws(OperationFailure) -> JSONValue {
        let capabilities: JSONValue = JSONValue(try self.capabilities().map { "CAP_\($0)" })
        let isRoot: Bool = plan.user == 0
        var process: JSONObject = [
            "terminal": .bool(plan.isTerminal),
            "user": [
                "uid": .int(Int64(plan.user)), "gid": .int(Int64(plan.group)),
                "additionalGids": .array(plan.groups.map { .int(Int64($0)) }),
            ],
            "args": JSONValue(plan.arguments), "env": JSONValue(plan.environment), "cwd": .string(plan.folder),
            "capabilities": [
                "bounding": capabilities, "effective": isRoot ? capabilities : [],
                "permitted": isRoot ? capabilities : [],
            ],
            "noNewPrivileges": false,
        ]
        let limits: [JSONValue] = members.objects("ulimits").map { limit in
            let name: String = limit["name"]?.string ?? ""
            return [
                "type": .string("RLIMIT_\(name.uppercased())"), "soft": limit["soft"] ?? 0,
                "hard": limit["hard"] ?? limit["soft"] ?? 0,
            ]
        }
        if !limits.isEmpty { process["rlimits"] = .array(limits) }
        if let score: Int64 = members.number("oomScoreAdj") { process["oomScoreAdj"] = .int(score) }
        return .object(process)
    }

    private func capabilities() throws(OperationFailure) -> [String] {
        func named(_ member: String) throws(OperationFailure) -> [String] {
            var names: [String] = []
            for text in members.texts(member) {
                let upper: String = text.uppercased()
                let name: String = upper.hasPrefix("CAP_") ? String(upper.dropFirst(4)) : upper
                guard name == "ALL" || Self.all.contains(name) else {
                    throw OperationFailure("the capability '\(text)' of '\(member)' does not exist")
                }
                names += name == "ALL" ? Self.all : [name]
            }
            return names
        }
        if isPrivileged { return Self.all }
        let added: [String] = try named("capAdd")
        let dropped: Set<String> = Set(try named("capDrop"))
        // What is added by name stays although all are dropped.
        let kept: [String] = Self.usual.filter { !dropped.contains($0) }
        return kept + added.filter { !kept.contains($0) }
    }

    private var ownMounts: [JSONValue] {
        func mount(_ place: String, _ type: String, _ source: String, _ options: [String]) -> JSONValue {
            [
                "destination": .string(place), "type": .string(type), "source": .string(source),
                "options": JSONValue(options),
            ]
        }
        let shm: Int64 = members.number("shmSize") ?? 64 * 1024 * 1024
        var mounts: [JSONValue] = [
            mount("/proc", "proc", "proc", ["nosuid", "noexec", "nodev"]),
            mount("/dev", "tmpfs", "tmpfs", ["nosuid", "strictatime", "mode=755", "size=65536k"]),
            mount("/dev/pts", "devpts", "devpts", ["nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620"]),
            mount("/dev/mqueue", "mqueue", "mqueue", ["nosuid", "noexec", "nodev"]),
            mount("/sys", "sysfs", "sysfs", ["nosuid", "noexec", "nodev"] + (isPrivileged ? [] : ["ro"])),
        ]
        if members.text("ipcMode") == "host" {
            mounts.append(mount("/dev/shm", "bind", "/dev/shm", ["rbind"]))
        } else {
            mounts.append(mount("/dev/shm", "tmpfs", "shm", ["nosuid", "noexec", "nodev", "mode=1777", "size=\(shm)"]))
        }
        for (place, options) in members.textMap("tmpfs") {
            let own: [String] = options.split(separator: ",").map { String($0) }
            mounts.append(mount(place, "tmpfs", "tmpfs", ["nosuid", "nodev"] + own))
        }
        return mounts
    }

    private func linux() throws(OperationFailure) -> JSONValue {
        var namespaces: [JSONValue] = [["type": "mount"]]
        if members.text("pidMode") != "host" { namespaces.append(["type": "pid"]) }
        if members.text("ipcMode") != "host" { namespaces.append(["type": "ipc"]) }
        if members.text("uts") != "host" { namespaces.append(["type": "uts"]) }
        if plan.hasOwnNetwork || plan.isOffline { namespaces.append(["type": "network"]) }
        var linux: JSONObject = [
            "namespaces": .array(namespaces), "cgroupsPath": .string(plan.cgroup),
            "resources": try OCIResources(members: members, isPrivileged: isPrivileged).json(),
            "devices": .array(try OCIResources.devices(members)),
        ]
        var sysctls = JSONObject()
        for (name, value) in members.textMap("sysctls") { sysctls[name] = .string(value) }
        if !sysctls.isEmpty { linux["sysctl"] = .object(sysctls) }
        if !isPrivileged {
            linux["maskedPaths"] = [
                "/proc/acpi", "/proc/asound", "/proc/kcore", "/proc/keys", "/proc/latency_stats", "/proc/timer_list",
                "/proc/timer_stats", "/proc/sched_debug", "/proc/scsi", "/sys/firmware",
            ]
            linux["readonlyPaths"] = ["/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"]
        }
        return .object(linux)
    }
}
