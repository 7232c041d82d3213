import CLinux
import Glibc
import HostAgentCore

/// Connects a container's network to the bridge that all containers of this machine share.
///
/// Containers and the machine reach each other; nothing leads out of the machine.
enum BridgeNetwork {
    private static let bridge: String = "drover0"

    /// - Returns: the container's address.
    /// - Throws: why there is none; the container then has its loopback only.
    static func connect(process: pid_t, network: Int32, id: String) throws(OperationFailure) -> String {
        let address: String = try MachineAddresses.bridge.take(for: id)
        let parts: [Int] = address.split(separator: ".").compactMap { Int($0) }
        let interface: String = "drover\(parts[2]).\(parts[3])"
        try makeBridge()
        // Left by a container whose supervisor was killed and whose address this now is.
        _ = try ShimProcess.run("ip", ["link", "delete", interface])
        try batch(
            """
            link add \(interface) type veth peer name eth0 netns \(process)
            link set \(interface) master \(bridge)
            link set \(interface) up
            """
        )
        let own: Int32 = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC)
        guard own >= 0, clinux_setns(network, Int32(CLINUX_NEWNET)) == 0 else {
            throw FolderTree.failure("enter the network of", "the container")
        }
        defer {
            precondition(clinux_setns(own, Int32(CLINUX_NEWNET)) == 0, "the machine's network cannot be entered again")
            close(own)
        }
        try batch(
            """
            link set lo up
            address add \(address)/16 dev eth0
            link set eth0 up
            route add default via 10.41.0.1
            """
        )
        return address
    }

    /// Several supervisors may want it at once.
    private static func makeBridge() throws(OperationFailure) {
        try MachineAddresses.makeFolder()
        let lock: Int32 = open("\(MachineAddresses.folder)/bridge", O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard lock >= 0, flock(lock, LOCK_EX) == 0 else {
            throw FolderTree.failure("lock", "\(MachineAddresses.folder)/bridge")
        }
        defer { close(lock) }
        let shown = try ShimProcess.run("ip", ["-4", "-oneline", "address", "show", "dev", bridge, "up"])
        if shown.code == 0, shown.said.contains("10.41.0.1/16") { return }
        _ = try ShimProcess.run("ip", ["link", "add", bridge, "type", "bridge"])
        _ = try ShimProcess.run("ip", ["address", "add", "10.41.0.1/16", "dev", bridge])
        try batch("link set \(bridge) up")
    }

    private static func batch(_ commands: String) throws(OperationFailure) {
        let result = try ShimProcess.run("ip", ["-batch", "-"], input: commands + "\n")
        guard result.code == 0 else {
            let cause: Substring = result.said.split(separator: "\n").first ?? "no reason given"
            throw OperationFailure("ip: \(cause)")
        }
    }
}
