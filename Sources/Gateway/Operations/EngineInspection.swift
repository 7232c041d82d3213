import HTTP
import JSON
import Model
import RBAC

/// `scripts/transform`: what an engine says of a container, as the members of a launch configuration.
///
/// Clients read compose files into the engine's vocabulary and let the server say what that is in the API's. Nothing is
/// stored. The document has every member of a container that can be set, null where the engine says nothing.
enum EngineInspection {
    static func answer(_ exchange: Exchange) throws(Problem) -> Answer {
        guard exchange.path.id == "transform", exchange.rights.canEver(.list, "schema") else {
            throw .notFound("There is nothing at \(exchange.request.path).")
        }
        guard exchange.method == "POST" else { throw .methodNotAllowed("POST what the engine says of a container.") }
        return .document(status: 200, .object(try launchConfig(try exchange.body())))
    }

    /// - Throws: 422 for a network mode that does not carry over to another host.
    static func launchConfig(_ inspected: JSONObject) throws(Problem) -> JSONObject {
        let config = EngineObject(inspected["Config"])
        let host = EngineObject(inspected["HostConfig"])
        let labels: JSONObject = config.texts("Labels").object ?? [:]
        var result: JSONObject = ["kind": "container"]
        result["name"] = name(EngineObject(.object(inspected)), labels)
        result["externalId"] = EngineObject(.object(inspected)).text("Id")
        result["imageUuid"] = image(config.text("Image"))
        result["labels"] = .object(labels)
        result["environment"] = environment(config)
        result["command"] = config.list("Cmd")
        result["entryPoint"] = config.list("Entrypoint")
        result["networkMode"] = try networkMode(config, host)
        result["ports"] = .array(ports(config, host))
        result["dataVolumes"] = .array(config.keys("Volumes") + (host.list("Binds").array ?? []))
        result["devices"] = .array(host.objects("Devices").map { device($0) })
        result["ulimits"] = .array(
            host.objects("Ulimits").map {
                ["name": $0.text("Name"), "soft": $0.integer("Soft"), "hard": $0.integer("Hard")]
            }
        )
        result["blkioDeviceOptions"] = .object(blockDevices(host))
        let log = EngineObject(host["LogConfig"])
        result["logConfig"] = ["driver": log.text("Type"), "config": log.texts("Config")]
        let restart = EngineObject(host["RestartPolicy"])
        result["restartPolicy"] =
            restart.text("Name").isNull
            ? .null : ["name": restart.text("Name"), "maximumRetryCount": restart.integer("MaximumRetryCount")]
        let health = EngineObject(config["Healthcheck"])
        result["healthCmd"] = health.list("Test")
        for (member, key) in [
            ("healthInterval", "Interval"), ("healthTimeout", "Timeout"), ("healthRetries", "Retries"),
        ] {
            result[member] = health.integer(key)
        }
        for (member, key) in texts { result[member] = host.text(key).isNull ? config.text(key) : host.text(key) }
        for (member, key) in numbers {
            result[member] = host.integer(key).isNull ? config.integer(key) : host.integer(key)
        }
        for (member, key) in flags { result[member] = host.flag(key).isNull ? config.flag(key) : host.flag(key) }
        for (member, key) in lists { result[member] = host.list(key) }
        for (member, key) in maps { result[member] = host.texts(key) }
        return result
    }

    // What the API calls it, and what the engine: in either of its two objects, that of the host outweighs the other.

    private static let texts: [(String, String)] = [
        ("hostname", "Hostname"), ("domainName", "Domainname"), ("user", "User"), ("workingDir", "WorkingDir"),
        ("stopSignal", "StopSignal"), ("volumeDriver", "VolumeDriver"), ("cpuSet", "CpusetCpus"),
        ("cpuSetMems", "CpusetMems"), ("cgroupParent", "CgroupParent"), ("uts", "UTSMode"), ("ipcMode", "IpcMode"),
        ("pidMode", "PidMode"), ("usernsMode", "UsernsMode"), ("isolation", "Isolation"),
    ]
    private static let numbers: [(String, String)] = [
        ("memory", "Memory"), ("memorySwap", "MemorySwap"), ("memoryReservation", "MemoryReservation"),
        ("memorySwappiness", "MemorySwappiness"), ("kernelMemory", "KernelMemory"), ("shmSize", "ShmSize"),
        ("cpuShares", "CpuShares"), ("cpuPeriod", "CpuPeriod"), ("cpuQuota", "CpuQuota"), ("cpuCount", "CpuCount"),
        ("cpuPercent", "CpuPercent"), ("cpuRealtimePeriod", "CpuRealtimePeriod"),
        ("cpuRealtimeRuntime", "CpuRealtimeRuntime"), ("blkioWeight", "BlkioWeight"), ("diskQuota", "DiskQuota"),
        ("ioMaximumIOps", "IOMaximumIOps"), ("ioMaximumBandwidth", "IOMaximumBandwidth"), ("pidsLimit", "PidsLimit"),
        ("oomScoreAdj", "OomScoreAdj"), ("stopTimeout", "StopTimeout"),
    ]
    private static let flags: [(String, String)] = [
        ("tty", "Tty"), ("stdinOpen", "OpenStdin"), ("privileged", "Privileged"), ("readOnly", "ReadonlyRootfs"),
        ("publishAllPorts", "PublishAllPorts"), ("oomKillDisable", "OomKillDisable"), ("runInit", "Init"),
    ]
    private static let lists: [(String, String)] = [
        ("capAdd", "CapAdd"), ("capDrop", "CapDrop"), ("dns", "Dns"), ("dnsSearch", "DnsSearch"),
        ("dnsOpt", "DnsOptions"), ("extraHosts", "ExtraHosts"), ("groupAdd", "GroupAdd"),
        ("securityOpt", "SecurityOpt"),
    ]
    private static let maps: [(String, String)] = [
        ("sysctls", "Sysctls"), ("tmpfs", "Tmpfs"), ("storageOpt", "StorageOpt"),
    ]

    private static func name(_ inspected: EngineObject, _ labels: JSONObject) -> JSONValue {
        if let shown: JSONValue = labels["io.rancher.container.display_name"], shown != "" { return shown }
        guard let name: String = inspected.text("Name").string else { return .null }
        return .string(name.hasPrefix("/") ? String(name.dropFirst()) : name)
    }

    private static func image(_ image: JSONValue) -> JSONValue {
        guard let image: String = image.string else { return .null }
        return .string(image.hasPrefix("docker:") ? image : "docker:\(image)")
    }

    private static func environment(_ config: EngineObject) -> JSONValue {
        var result = JSONObject()
        for case .string(let entry) in config.list("Env").array ?? [] {
            let equals: String.Index = entry.firstIndex(of: "=") ?? entry.endIndex
            result[String(entry[..<equals])] = .string(String(entry[equals...].dropFirst()))
        }
        return .object(result)
    }

    private static func networkMode(_ config: EngineObject, _ host: EngineObject) throws(Problem) -> JSONValue {
        if config.flag("NetworkDisabled") == true { return "none" }
        switch host.text("NetworkMode").string {
        case nil, "default": return "bridge"
        case .some(let mode) where ["bridge", "host", "none", "managed"].contains(mode): return .string(mode)
        case .some(let mode):
            throw .validation(
                .invalidOption,
                field: "networkMode",
                message: "The network mode \(mode) is of one engine."
            )
        }
    }

    /// Those exposed ports that are bound; the others are the image's own business.
    private static func ports(_ config: EngineObject, _ host: EngineObject) -> [JSONValue] {
        let bindings = EngineObject(host["PortBindings"])
        var result: [JSONValue] = []
        for case .string(let exposed) in config.keys("ExposedPorts") {
            for binding in bindings.objects(exposed) {
                let address: String = binding.text("HostIp").string.map { $0 == "0.0.0.0" ? "" : "\($0):" } ?? ""
                let outside: String = binding.text("HostPort").string.map { "\($0):" } ?? ""
                result.append(.string(outside.isEmpty ? exposed : "\(address)\(outside)\(exposed)"))
            }
        }
        return result
    }

    private static func device(_ device: EngineObject) -> JSONValue {
        let parts: [String?] = [
            device.text("PathOnHost").string, device.text("PathInContainer").string,
            device.text("CgroupPermissions").string ?? "rwm",
        ]
        return .string(parts.map { $0 ?? "" }.joined(separator: ":"))
    }

    private static func blockDevices(_ host: EngineObject) -> JSONObject {
        var result = JSONObject()
        let kinds: [(member: String, key: String, value: String)] = [
            ("weight", "BlkioWeightDevice", "Weight"), ("readBps", "BlkioDeviceReadBps", "Rate"),
            ("writeBps", "BlkioDeviceWriteBps", "Rate"), ("readIops", "BlkioDeviceReadIOps", "Rate"),
            ("writeIops", "BlkioDeviceWriteIOps", "Rate"),
        ]
        for kind in kinds {
            for entry in host.objects(kind.key) {
                guard let path: String = entry.text("Path").string else { continue }
                var options: JSONObject = result[path]?.object ?? [:]
                options[kind.member] = entry.integer(kind.value)
                result[path] = .object(options)
            }
        }
        return result
    }
}

/// One object of an engine's document, read the way that the API shows things: what is empty says nothing.
private struct EngineObject {
    private let members: JSONObject

    init(_ value: JSONValue?) { members = value?.object ?? [:] }

    subscript(key: String) -> JSONValue? { members[key] }

    /// Null for the empty text.
    func text(_ key: String) -> JSONValue {
        guard let text: String = members[key]?.string, !text.isEmpty else { return .null }
        return .string(text)
    }

    /// Null for zero.
    func integer(_ key: String) -> JSONValue {
        guard let number: Int64 = members[key]?.int, number != 0 else { return .null }
        return .int(number)
    }

    func flag(_ key: String) -> JSONValue { members[key]?.bool.map { .bool($0) } ?? .null }

    /// The texts of a list; empty when there is none.
    func list(_ key: String) -> JSONValue {
        .array((members[key]?.array ?? []).filter { $0.string != nil })
    }

    func objects(_ key: String) -> [EngineObject] {
        (members[key]?.array ?? []).filter { $0.object != nil }.map { EngineObject($0) }
    }

    func keys(_ key: String) -> [JSONValue] { (members[key]?.object?.keys ?? []).map { .string($0) } }

    /// A map of texts, nulls as empty texts; empty when there is none.
    func texts(_ key: String) -> JSONValue {
        var result = JSONObject()
        for (name, value) in members[key]?.object ?? [:] { result.append(name, .string(value.string ?? "")) }
        return .object(result)
    }
}
