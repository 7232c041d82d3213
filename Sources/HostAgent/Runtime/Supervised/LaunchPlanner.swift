import Glibc
import HostAgentCore
import HostProtocol
import JSON
import Model

/// From a launch configuration and an image to the plan of a container.
struct LaunchPlanner {
    let spec: InstanceSpec
    let members: LaunchMembers
    let image: PreparedImage
    let hostUUID: String
    /// Where ports are published that name no address.
    let address: String
    let isolation: ContainerPlan.Isolation

    /// Members that would change what runs and that these runtimes cannot carry out.
    private static let unsupported: [String] = [
        "secrets", "dataVolumesFrom", "dataVolumesFromLaunchConfigs", "dataVolumeMounts", "networkContainerId",
        "networkLaunchConfig", "networkIds", "build", "disks", "lxcConf", "diskQuota", "registryCredentialId",
        "healthCmd", "volumeDriver", "storageOpt", "isolation", "kernelMemory", "cpuCount", "cpuPercent",
        "ioMaximumBandwidth", "ioMaximumIOps", "publishAllPorts", "runInit", "cgroupParent", "securityOpt",
        "usernsMode",
    ]
    /// What a plain child cannot have besides.
    private static let isolating: [String] = [
        "dataVolumes", "tmpfs", "capAdd", "capDrop", "devices", "readOnly", "sysctls", "hostname", "domainName",
        "dns", "dnsSearch", "dnsOpt", "extraHosts", "ipcMode",
    ]
    /// What only costs others more when it is not carried out.
    private static let limiting: [String] = [
        "memory", "memorySwap", "memoryReservation", "memorySwappiness", "cpuShares", "cpuPeriod", "cpuQuota",
        "cpuRealtimePeriod", "cpuRealtimeRuntime", "cpuSet", "cpuSetMems", "pidsLimit", "blkioWeight",
        "blkioDeviceOptions", "oomKillDisable", "oomScoreAdj", "ulimits", "shmSize",
    ]

    /// - Throws: the member that is wrong or not supported.
    func plan() throws(OperationFailure) -> (plan: ContainerPlan, home: String) {
        for member in Self.unsupported where isAsked(member) { throw refusal(member) }
        var plan = ContainerPlan(
            uuid: spec.uuid,
            hostUUID: hostUUID,
            number: spec.number,
            name: spec.name,
            isolation: isolation
        )
        if isolation == .process {
            for member in Self.isolating where isAsked(member) { throw refusal(member) }
            let lost: [String] = Self.limiting.filter(isAsked)
            if !lost.isEmpty { plan.notes.append("not carried out by this runtime: \(lost.joined(separator: ", "))") }
        }
        let identity: UserLookup.Identity = try UserLookup(root: image.root ?? "/").find(
            members.text("user") ?? image.config.user ?? (isolation == .process ? "\(geteuid()):\(getegid())" : nil),
            extra: members.texts("groupAdd")
        )
        plan.user = identity.user
        plan.group = identity.group
        plan.groups = identity.groups
        plan.arguments = try arguments()
        plan.folder = members.text("workingDir") ?? image.config.workingDirectory ?? "/"
        guard plan.folder.hasPrefix("/") else {
            throw OperationFailure("the working directory '\(plan.folder)' is no absolute path")
        }
        plan.isTerminal = members.flag("tty") ?? false
        plan.keepsInput = members.flag("stdinOpen") ?? false
        plan.stopSignal = try stopSignal()
        plan.stopSeconds = Int(clamping: max(0, members.number("stopTimeout") ?? 10))
        plan.ports = try ports()
        try addNetwork(&plan)
        plan.environment = environment(home: identity.home, isTerminal: plan.isTerminal)
        return (plan, identity.home)
    }

    private func isAsked(_ member: String) -> Bool { members.isSet(member) && members.flag(member) != false }

    private func refusal(_ member: String) -> OperationFailure {
        OperationFailure(
            "the launch configuration's '\(member)' is not supported by the runtime '\(isolation.rawValue)'; remove it, "
                + "or run the service on a host with a Docker Engine (host label io.drover.host.runtime=docker)"
        )
    }

    private func arguments() throws(OperationFailure) -> [String] {
        let given: [String] = members.texts("entryPoint")
        let entrypoint: [String] = given.isEmpty ? image.config.entrypoint : given
        let command: [String] = members.texts("command")
        // An entry point of one's own makes the image's command meaningless, as for the Docker Engine.
        let rest: [String] = !command.isEmpty ? command : given.isEmpty ? image.config.command : []
        let all: [String] = entrypoint + rest
        guard !all.isEmpty else {
            throw OperationFailure("image \(try members.image()) says no command, so the service must: set 'command'")
        }
        return all
    }

    private func stopSignal() throws(OperationFailure) -> Int32 {
        guard let text: String = members.text("stopSignal") ?? image.config.stopSignal else { return SIGTERM }
        guard let number: Int32 = SignalName.number(text) else {
            throw OperationFailure("the stop signal '\(text)' is no signal")
        }
        return number
    }

    /// The image's, then the launch configuration's, each name once.
    private func environment(home: String, isTerminal: Bool) -> [String] {
        var names: [String] = []
        var values: [String: String] = [:]
        func add(_ name: String, _ value: String) {
            if values.updateValue(value, forKey: name) == nil { names.append(name) }
        }
        add("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin")
        add("HOME", home)
        if isolation == .oci { add("HOSTNAME", hostname) }
        if isTerminal { add("TERM", "xterm") }
        for entry in image.config.environment {
            let pair: [Substring] = entry.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            if pair.count == 2 { add(String(pair[0]), String(pair[1])) }
        }
        for (name, value) in members.textMap("environment") { add(name, value) }
        return names.map { "\($0)=\(values[$0] ?? "")" }
    }

    /// The first letters of the container's id unless it is given.
    var hostname: String { members.text("hostname") ?? String(spec.uuid.prefix(12)) }

    private func ports() throws(OperationFailure) -> [ContainerPlan.Port] {
        var ports: [ContainerPlan.Port] = []
        for port in try members.ports() {
            guard let outside: UInt16 = port.publicPort else { continue }
            ports.append(
                ContainerPlan.Port(
                    address: port.ip ?? address,
                    port: outside,
                    inside: port.privatePort,
                    isUDP: port.transport == .udp
                )
            )
        }
        return ports
    }

    private func addNetwork(_ plan: inout ContainerPlan) throws(OperationFailure) {
        switch members.text("networkMode") {
        case nil, "managed"?, "default"?, "bridge"?: plan.hasOwnNetwork = isolation == .oci
        case "none"?:
            guard isolation == .oci else { throw refusal("networkMode none") }
            plan.isOffline = true
            plan.ports = []
        case "host"?: plan.ports = []
        case let mode?:
            throw OperationFailure(
                "networkMode '\(mode)' is not supported by the runtime '\(isolation.rawValue)'"
            )
        }
    }
}
