import Glibc
import HostAgentCore
import JSON

/// Limits and devices of a container, as the OCI runtime specification has them.
struct OCIResources {
    let members: LaunchMembers
    let isPrivileged: Bool

    func json() throws(OperationFailure) -> JSONValue {
        var resources = JSONObject()
        add("memory", to: &resources) {
            [
                "limit": members.number("memory"), "swap": members.number("memorySwap"),
                "reservation": members.number("memoryReservation"), "swappiness": members.number("memorySwappiness"),
            ]
        }
        if members.flag("oomKillDisable") == true {
            var memory: JSONObject = resources["memory"]?.object ?? [:]
            memory["disableOOMKiller"] = true
            resources["memory"] = .object(memory)
        }
        add("cpu", to: &resources) {
            [
                "shares": members.number("cpuShares"), "quota": members.number("cpuQuota"),
                "period": members.number("cpuPeriod"), "realtimeRuntime": members.number("cpuRealtimeRuntime"),
                "realtimePeriod": members.number("cpuRealtimePeriod"),
            ]
        }
        for (theirs, ours) in [("cpus", "cpuSet"), ("mems", "cpuSetMems")] {
            guard let text: String = members.text(ours) else { continue }
            var cpu: JSONObject = resources["cpu"]?.object ?? [:]
            cpu[theirs] = .string(text)
            resources["cpu"] = .object(cpu)
        }
        add("pids", to: &resources) { ["limit": members.number("pidsLimit")] }
        let block: JSONObject = try blockDevices()
        if !block.isEmpty { resources["blockIO"] = .object(block) }
        resources["devices"] = .array(try deviceRules())
        return .object(resources)
    }

    private func add(_ name: String, to resources: inout JSONObject, _ values: () -> [String: Int64?]) {
        var object = JSONObject()
        for (key, value) in values().sorted(by: { $0.key < $1.key }) {
            if let value { object[key] = .int(value) }
        }
        if !object.isEmpty { resources[name] = .object(object) }
    }

    private func blockDevices() throws(OperationFailure) -> JSONObject {
        var block = JSONObject()
        if let weight: Int64 = members.number("blkioWeight") { block["weight"] = .int(weight) }
        for (theirs, ours, amount) in [
            ("throttleReadBpsDevice", "readBps", "rate"), ("throttleWriteBpsDevice", "writeBps", "rate"),
            ("throttleReadIOPSDevice", "readIops", "rate"), ("throttleWriteIOPSDevice", "writeIops", "rate"),
            ("weightDevice", "weight", "weight"),
        ] {
            var devices: [JSONValue] = []
            for (path, options) in members.object("blkioDeviceOptions") ?? [:] {
                guard let number: Int64 = options[ours]?.int else { continue }
                let device: Device = try Device(path)
                devices.append([
                    "major": .int(device.major), "minor": .int(device.minor), .init(amount): .int(number),
                ])
            }
            if !devices.isEmpty { block[theirs] = .array(devices) }
        }
        return block
    }

    /// Nothing, but for what every container has and what is asked for.
    private func deviceRules() throws(OperationFailure) -> [JSONValue] {
        guard !isPrivileged else { return [["allow": true, "access": "rwm"]] }
        var rules: [JSONValue] = [["allow": false, "access": "rwm"]]
        rules += [
            ["allow": true, "type": "c", "access": "m"], ["allow": true, "type": "b", "access": "m"],
        ]
        for (major, minor) in [(1, 3), (1, 5), (1, 7), (1, 8), (1, 9), (5, 0), (5, 1), (5, 2)] as [(Int64, Int64)] {
            rules.append(["allow": true, "type": "c", "major": .int(major), "minor": .int(minor), "access": "rwm"])
        }
        rules.append(["allow": true, "type": "c", "major": 136, "access": "rwm"])
        for text in members.texts("devices") {
            let parts: [String] = text.split(separator: ":").map(String.init)
            let device: Device = try Device(parts.first ?? "")
            rules.append([
                "allow": true, "type": .string(device.type), "major": .int(device.major), "minor": .int(device.minor),
                "access": .string(parts.count > 2 ? parts[2] : "rwm"),
            ])
        }
        return rules
    }

    /// The machine's devices that the container gets besides the usual ones.
    static func devices(_ members: LaunchMembers) throws(OperationFailure) -> [JSONValue] {
        var devices: [JSONValue] = []
        for text in members.texts("devices") {
            let parts: [String] = text.split(separator: ":").map(String.init)
            let device: Device = try Device(parts.first ?? "")
            devices.append([
                "path": .string(parts.count > 1 ? parts[1] : device.path), "type": .string(device.type),
                "major": .int(device.major), "minor": .int(device.minor), "fileMode": .int(Int64(device.mode)),
                "uid": 0, "gid": 0,
            ])
        }
        return devices
    }

    /// A device of the machine.
    private struct Device {
        var path: String
        var type: String
        var major: Int64
        var minor: Int64
        var mode: UInt32

        init(_ path: String) throws(OperationFailure) {
            var status = stat()
            guard path.hasPrefix("/"), stat(path, &status) == 0 else {
                throw OperationFailure("the device '\(path)' is not on this host")
            }
            switch status.st_mode & S_IFMT {
            case S_IFCHR: type = "c"
            case S_IFBLK: type = "b"
            default: throw OperationFailure("'\(path)' is no device")
            }
            self.path = path
            let number: UInt64 = UInt64(status.st_rdev)
            // Source: makedev(3) of the C library.
            major = Int64((number >> 8) & 0xFFF | (number >> 32) & ~0xFFF)
            minor = Int64(number & 0xFF | (number >> 12) & ~0xFF)
            mode = UInt32(status.st_mode & 0o777)
        }
    }
}
