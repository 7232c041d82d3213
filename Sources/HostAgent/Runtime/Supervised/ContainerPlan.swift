import HostProtocol
import JSON

/// Everything that a container's supervisor must know to run it, fixed when the container is made.
struct ContainerPlan: Hashable, Sendable {
    enum Isolation: String, Hashable, Sendable, CaseIterable {
        /// An OCI runtime makes its namespaces.
        case oci
        /// A plain child, at most with a root folder of its own.
        case process
    }

    /// A port of the host that leads to one of the container's.
    struct Port: Hashable, Sendable {
        var address: String
        var port: UInt16
        var inside: UInt16
        var isUDP: Bool
    }

    var uuid: String
    var hostUUID: String
    var number: UInt64
    var name: String
    var isolation: Isolation
    /// The OCI runtime's program.
    var runtime: String = ""
    /// The image's files, below the container's own layer; nil when the container has a copy, or the machine's files.
    var lower: String?
    /// Where the machine's files are the container's, `/`; else nil for `rootfs` in the container's folder.
    var root: String?
    var ports: [Port] = []
    var isTerminal: Bool = false
    /// Its input stays open, with nobody writing.
    var keepsInput: Bool = false
    var stopSignal: Int32 = 15
    var stopSeconds: Int = 10
    /// A network of its own, on the machine's bridge.
    var hasOwnNetwork: Bool = false
    /// A network of its own with nothing but its loopback.
    var isOffline: Bool = false
    /// Tells of wishes that this machine cannot meet.
    var notes: [String] = []
    /// Where its cgroups are, as the OCI runtime is told.
    var cgroup: String = ""

    // What a plain child is run as; an OCI runtime reads its own file.
    var arguments: [String] = []
    var environment: [String] = []
    var folder: String = "/"
    var user: UInt32 = 0
    var group: UInt32 = 0
    var groups: [UInt32] = []
}

/// The form on disk.
extension ContainerPlan {
    var json: JSONValue {
        let ports: [JSONValue] = self.ports.map {
            [
                "address": .string($0.address), "port": .int(Int64($0.port)), "inside": .int(Int64($0.inside)),
                "udp": .bool($0.isUDP),
            ]
        }
        var object: JSONObject = [
            "version": 1, "uuid": .string(uuid), "hostUuid": .string(hostUUID), "number": JSONValue(number),
            "name": .string(name), "isolation": .string(isolation.rawValue), "runtime": .string(runtime),
            "lower": JSONValue(lower), "root": JSONValue(root), "ports": .array(ports), "tty": .bool(isTerminal),
            "input": .bool(keepsInput), "stopSignal": .int(Int64(stopSignal)), "stopSeconds": JSONValue(stopSeconds),
            "network": .bool(hasOwnNetwork), "offline": .bool(isOffline), "notes": JSONValue(notes),
            "cgroup": .string(cgroup),
        ]
        object["arguments"] = JSONValue(arguments)
        object["environment"] = JSONValue(environment)
        object["folder"] = .string(folder)
        object["user"] = .int(Int64(user))
        object["group"] = .int(Int64(group))
        object["groups"] = .array(groups.map { .int(Int64($0)) })
        return .object(object)
    }

    init(_ value: JSONValue) throws(FrameError) {
        let members = try FrameMembers(value, at: "plan")
        guard try members.count("version") == 1 else {
            throw FrameError("plan: a version that this build does not know")
        }
        uuid = try members.uuid("uuid")
        hostUUID = try members.text("hostUuid")
        number = try members.count("number")
        name = try members.text("name")
        isolation = try members.word("isolation", Isolation.self)
        runtime = try members.text("runtime")
        lower = try members.optionalText("lower")
        root = try members.optionalText("root")
        ports = try members.list("ports") { (port) throws(FrameError) in
            Port(
                address: try port.text("address"),
                port: UInt16(truncatingIfNeeded: try port.count("port")),
                inside: UInt16(truncatingIfNeeded: try port.count("inside")),
                isUDP: try port.flag("udp")
            )
        }
        isTerminal = try members.flag("tty")
        keepsInput = try members.flag("input")
        stopSignal = Int32(truncatingIfNeeded: try members.count("stopSignal"))
        stopSeconds = Int(truncatingIfNeeded: try members.count("stopSeconds"))
        hasOwnNetwork = try members.flag("network")
        isOffline = try members.flag("offline")
        notes = Self.texts(value["notes"])
        cgroup = try members.text("cgroup")
        arguments = Self.texts(value["arguments"])
        environment = Self.texts(value["environment"])
        folder = try members.text("folder")
        user = UInt32(truncatingIfNeeded: try members.count("user"))
        group = UInt32(truncatingIfNeeded: try members.count("group"))
        groups = (value["groups"]?.array ?? []).compactMap { $0.int.map { UInt32(truncatingIfNeeded: $0) } }
    }

    private static func texts(_ value: JSONValue?) -> [String] { value?.array?.compactMap(\.string) ?? [] }
}
