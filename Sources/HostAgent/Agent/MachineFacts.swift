import Glibc
import HostProtocol
import HostRuntime
import JSON

/// What the machine is, as the system tells it.
enum MachineFacts {
    static func gather(
        _ configuration: AgentConfiguration,
        hostUUID: String,
        runtime: any ContainerRuntime
    ) -> HostFacts {
        let memory: UInt64 = megabytes("MemTotal:") ?? 0
        let cores: Int = max(1, Int(sysconf(Int32(_SC_NPROCESSORS_ONLN))))
        let kernel: String = self.kernel
        var labels: [String: String] = runtime.hostLabels
        let parts: [Substring] = kernel.split(separator: ".")
        if parts.count >= 2 { labels["io.rancher.host.linux_kernel_version"] = "\(parts[0]).\(parts[1])" }
        labels.merge(configuration.labels) { _, given in given }
        var osInfo: JSONObject = ["kernelVersion": .string(kernel), "operatingSystem": .string(operatingSystem)]
        if let version: String = runtime.hostLabels["io.rancher.host.docker_version"] {
            osInfo.append("dockerVersion", .string(version))
        }
        return HostFacts(
            hostUUID: hostUUID,
            agentVersion: "0.1.0",
            runtime: runtime.name,
            hostname: configuration.hostname ?? hostname,
            address: configuration.address ?? firstAddress ?? "127.0.0.1",
            labels: labels,
            memory: memory * 1024 * 1024,
            milliCPU: UInt64(cores) * 1000,
            localStorageMB: storage(configuration.dataFolder),
            info: [
                "osInfo": .object(osInfo), "cpuInfo": ["count": JSONValue(cores)],
                "memoryInfo": ["memTotal": JSONValue(memory)],
            ]
        )
    }

    static var hostname: String {
        var bytes = [CChar](repeating: 0, count: 256)
        guard gethostname(&bytes, bytes.count - 1) == 0 else { return "localhost" }
        return String(decoding: bytes.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    private static func lines(_ path: String) -> [Substring] {
        let bytes: [UInt8] = (try? StateFile(path: path).read()) ?? []
        return String(decoding: bytes, as: UTF8.self).split(separator: "\n")
    }

    private static func megabytes(_ key: String) -> UInt64? {
        for line in lines("/proc/meminfo") where line.hasPrefix(key) {
            return line.split(separator: " ").dropFirst().first.flatMap { UInt64($0) }.map { $0 / 1024 }
        }
        return nil
    }

    private static var kernel: String { lines("/proc/sys/kernel/osrelease").first.map { String($0) } ?? "" }

    private static var operatingSystem: String {
        for line in lines("/etc/os-release") where line.hasPrefix("PRETTY_NAME=") {
            return line.dropFirst("PRETTY_NAME=".count).filter { $0 != "\"" }
        }
        return "Linux"
    }

    private static func storage(_ path: String) -> UInt64 {
        var status = statvfs()
        guard statvfs(path, &status) == 0 else { return 0 }
        return UInt64(status.f_blocks) * UInt64(status.f_frsize) / (1024 * 1024)
    }

    /// The first IPv4 address that is not the loopback's.
    private static var firstAddress: String? {
        var list: UnsafeMutablePointer<ifaddrs>?
        guard getifaddrs(&list) == 0 else { return nil }
        defer { freeifaddrs(list) }
        var next: UnsafeMutablePointer<ifaddrs>? = list
        while let entry: UnsafeMutablePointer<ifaddrs> = next {
            next = entry.pointee.ifa_next
            let flags: UInt32 = entry.pointee.ifa_flags
            guard let address = entry.pointee.ifa_addr, address.pointee.sa_family == sa_family_t(AF_INET),
                flags & UInt32(IFF_LOOPBACK) == 0, flags & UInt32(IFF_UP) != 0
            else { continue }
            var host = [CChar](repeating: 0, count: 64)
            let length = socklen_t(MemoryLayout<sockaddr_in>.size)
            guard getnameinfo(address, length, &host, socklen_t(host.count), nil, 0, NI_NUMERICHOST) == 0 else {
                continue
            }
            return String(decoding: host.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        }
        return nil
    }
}
