import HostAgentCore
import HostProtocol
import JSON
import Model

/// From a launch configuration to the body of the engine's `POST /containers/create`.
///
/// Members that say nothing are left out, so that the engine's defaults hold.
struct DockerCreateBody {
    let members: LaunchMembers
    /// Where ports are published that name no address.
    let address: String
    private(set) var config: JSONObject = [:]
    private(set) var host: JSONObject = [:]

    /// Members that would change what runs and that this agent cannot carry out: to leave them out silently would be
    /// a lie.
    private static let unsupported: [String] = [
        "secrets", "dataVolumesFrom", "dataVolumesFromLaunchConfigs", "dataVolumeMounts", "networkContainerId",
        "networkLaunchConfig", "networkIds", "build", "disks", "lxcConf", "diskQuota", "registryCredentialId",
        "healthCmd",
    ]

    /// - Parameter image: the engine's name of it; nil for the launch configuration's.
    /// - Throws: the member that is wrong or not supported.
    static func make(
        _ spec: InstanceSpec,
        image: String? = nil,
        hostUUID: String,
        address: String
    ) throws(OperationFailure) -> JSONValue {
        let members = LaunchMembers(spec)
        for member in unsupported where members.isSet(member) {
            throw OperationFailure("the launch configuration's '\(member)' is not supported by this agent; remove it")
        }
        var body = DockerCreateBody(members: members, address: address)
        body.config["Image"] = .string(try name(image, members))
        body.addProcess()
        body.addLabels(spec, hostUUID)
        try body.addPorts()
        body.addVolumes()
        try body.addNetwork()
        body.addResources()
        body.addIsolation()
        body.config["HostConfig"] = .object(body.host)
        return .object(body.config)
    }

    private static func name(_ image: String?, _ members: LaunchMembers) throws(OperationFailure) -> String {
        if let image { return image }
        return try members.image()
    }

    private init(members: LaunchMembers, address: String) {
        self.members = members
        self.address = address
    }

    private mutating func addProcess() {
        setTexts("Cmd", "command", in: \.config)
        setTexts("Entrypoint", "entryPoint", in: \.config)
        let environment: [String] = members.textMap("environment").map { "\($0.key)=\($0.value)" }
        if !environment.isEmpty { config["Env"] = JSONValue(environment) }
        setText("WorkingDir", "workingDir", in: \.config)
        setText("User", "user", in: \.config)
        setText("Hostname", "hostname", in: \.config)
        setText("Domainname", "domainName", in: \.config)
        setFlag("Tty", "tty", in: \.config)
        setFlag("OpenStdin", "stdinOpen", in: \.config)
        setText("StopSignal", "stopSignal", in: \.config)
        setNumber("StopTimeout", "stopTimeout", in: \.config)
    }

    /// The user's first, so that nobody can claim to be another host's or instance's.
    private mutating func addLabels(_ spec: InstanceSpec, _ hostUUID: String) {
        var labels = JSONObject()
        for (name, value) in members.textMap("labels") { labels[name] = .string(value) }
        labels[DockerLabels.host] = .string(hostUUID)
        labels[DockerLabels.instance] = .string(spec.uuid)
        labels[DockerLabels.number] = .string(String(spec.number))
        config["Labels"] = .object(labels)
    }

    private mutating func addPorts() throws(OperationFailure) {
        var exposed = JSONObject()
        var bindings = JSONObject()
        for port in try members.ports() {
            let inside: String = "\(port.privatePort)/\(port.transport.rawValue)"
            exposed[inside] = [:]
            guard let outside: UInt16 = port.publicPort else { continue }
            let binding: JSONValue = ["HostIp": .string(port.ip ?? address), "HostPort": .string(String(outside))]
            bindings[inside] = .array((bindings[inside]?.array ?? []) + [binding])
        }
        for text in members.texts("expose") { exposed[text.contains("/") ? text : text + "/tcp"] = [:] }
        if !exposed.isEmpty { config["ExposedPorts"] = .object(exposed) }
        if !bindings.isEmpty { host["PortBindings"] = .object(bindings) }
        setFlag("PublishAllPorts", "publishAllPorts", in: \.host)
    }

    /// `/path` is a volume without a name; `name:/path` and `/host:/path` are bound.
    private mutating func addVolumes() {
        var anonymous = JSONObject()
        var binds: [String] = []
        for volume in members.texts("dataVolumes") {
            if volume.contains(":") { binds.append(volume) } else { anonymous[volume] = [:] }
        }
        if !anonymous.isEmpty { config["Volumes"] = .object(anonymous) }
        if !binds.isEmpty { host["Binds"] = JSONValue(binds) }
        setText("VolumeDriver", "volumeDriver", in: \.host)
        setMap("Tmpfs", "tmpfs", in: \.host)
        setMap("StorageOpt", "storageOpt", in: \.host)
    }

    private mutating func addNetwork() throws(OperationFailure) {
        switch members.text("networkMode") {
        // Until hosts have networks of their own, a managed container is on the engine's.
        case nil, "managed"?, "default"?: host["NetworkMode"] = "default"
        case "container"?: throw OperationFailure("networkMode 'container' is not supported by this agent")
        case let mode?: host["NetworkMode"] = .string(mode)
        }
        setTexts("Dns", "dns", in: \.host)
        setTexts("DnsSearch", "dnsSearch", in: \.host)
        setTexts("DnsOptions", "dnsOpt", in: \.host)
        setTexts("ExtraHosts", "extraHosts", in: \.host)
    }

    private mutating func addResources() {
        for (theirs, ours) in [
            ("Memory", "memory"), ("MemorySwap", "memorySwap"), ("MemoryReservation", "memoryReservation"),
            ("MemorySwappiness", "memorySwappiness"), ("KernelMemory", "kernelMemory"), ("ShmSize", "shmSize"),
            ("CpuShares", "cpuShares"), ("CpuPeriod", "cpuPeriod"), ("CpuQuota", "cpuQuota"),
            ("CpuRealtimePeriod", "cpuRealtimePeriod"), ("CpuRealtimeRuntime", "cpuRealtimeRuntime"),
            ("CpuCount", "cpuCount"), ("CpuPercent", "cpuPercent"), ("BlkioWeight", "blkioWeight"),
            ("IOMaximumBandwidth", "ioMaximumBandwidth"), ("IOMaximumIOps", "ioMaximumIOps"),
            ("PidsLimit", "pidsLimit"), ("OomScoreAdj", "oomScoreAdj"),
        ] { setNumber(theirs, ours, in: \.host) }
        setText("CpusetCpus", "cpuSet", in: \.host)
        setText("CpusetMems", "cpuSetMems", in: \.host)
        setText("CgroupParent", "cgroupParent", in: \.host)
        setFlag("OomKillDisable", "oomKillDisable", in: \.host)
        let ulimits: [JSONValue] = members.objects("ulimits").map { limit in
            [
                "Name": limit["name"] ?? "", "Soft": limit["soft"] ?? 0,
                "Hard": limit["hard"] ?? limit["soft"] ?? 0,
            ]
        }
        if !ulimits.isEmpty { host["Ulimits"] = .array(ulimits) }
        addBlockDevices()
    }

    private mutating func addBlockDevices() {
        for (theirs, ours, amount) in [
            ("BlkioDeviceReadBps", "readBps", "Rate"), ("BlkioDeviceWriteBps", "writeBps", "Rate"),
            ("BlkioDeviceReadIOps", "readIops", "Rate"), ("BlkioDeviceWriteIOps", "writeIops", "Rate"),
            ("BlkioWeightDevice", "weight", "Weight"),
        ] {
            var devices: [JSONValue] = []
            for (path, options) in members.object("blkioDeviceOptions") ?? [:] {
                guard let number: JSONValue = options[ours], number.int != nil else { continue }
                devices.append(["Path": .string(path), .init(amount): number])
            }
            if !devices.isEmpty { host[theirs] = .array(devices) }
        }
    }

    private mutating func addIsolation() {
        setFlag("Privileged", "privileged", in: \.host)
        setFlag("ReadonlyRootfs", "readOnly", in: \.host)
        setFlag("Init", "runInit", in: \.host)
        for (theirs, ours) in [
            ("CapAdd", "capAdd"), ("CapDrop", "capDrop"), ("GroupAdd", "groupAdd"), ("SecurityOpt", "securityOpt"),
        ] { setTexts(theirs, ours, in: \.host) }
        for (theirs, ours) in [
            ("PidMode", "pidMode"), ("IpcMode", "ipcMode"), ("UTSMode", "uts"), ("UsernsMode", "usernsMode"),
            ("Isolation", "isolation"),
        ] { setText(theirs, ours, in: \.host) }
        setMap("Sysctls", "sysctls", in: \.host)
        let devices: [JSONValue] = members.texts("devices").map { text in
            let parts: [String] = text.split(separator: ":", omittingEmptySubsequences: false).map(String.init)
            return [
                "PathOnHost": .string(parts[0]), "PathInContainer": .string(parts.count > 1 ? parts[1] : parts[0]),
                "CgroupPermissions": .string(parts.count > 2 ? parts[2] : "rwm"),
            ]
        }
        if !devices.isEmpty { host["Devices"] = .array(devices) }
        if let log: JSONObject = members.object("logConfig"), let driver: JSONValue = log["driver"],
            driver.string?.isEmpty == false
        {
            host["LogConfig"] = ["Type": driver, "Config": log["config"]?.object.map { .object($0) } ?? [:]]
        }
        if let policy: JSONObject = members.object("restartPolicy"), let name: JSONValue = policy["name"] {
            host["RestartPolicy"] = ["Name": name, "MaximumRetryCount": policy["maximumRetryCount"] ?? 0]
        }
    }

    // MARK: One member each

    private typealias Place = WritableKeyPath<DockerCreateBody, JSONObject>

    private mutating func setText(_ theirs: String, _ ours: String, in place: Place) {
        if let text: String = members.text(ours) { self[keyPath: place][theirs] = .string(text) }
    }

    private mutating func setFlag(_ theirs: String, _ ours: String, in place: Place) {
        if let flag: Bool = members.flag(ours) { self[keyPath: place][theirs] = .bool(flag) }
    }

    private mutating func setNumber(_ theirs: String, _ ours: String, in place: Place) {
        if let number: Int64 = members.number(ours) { self[keyPath: place][theirs] = .int(number) }
    }

    private mutating func setTexts(_ theirs: String, _ ours: String, in place: Place) {
        let texts: [String] = members.texts(ours)
        if !texts.isEmpty { self[keyPath: place][theirs] = JSONValue(texts) }
    }

    private mutating func setMap(_ theirs: String, _ ours: String, in place: Place) {
        var object = JSONObject()
        for (name, value) in members.textMap(ours) { object[name] = .string(value) }
        if !object.isEmpty { self[keyPath: place][theirs] = .object(object) }
    }
}
