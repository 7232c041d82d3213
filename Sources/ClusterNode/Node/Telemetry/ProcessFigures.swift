import Glibc
import Metrics

/// What the kernel says of this process and of its disk, under the names that collectors know.
enum ProcessFigures {
    static func families(folder: String, started: Int64) -> [MetricFamily] {
        var limit = rlimit()
        let hasLimit: Bool = getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0
        var families: [MetricFamily] = [
            MetricFamily(
                .counter,
                "process_cpu_seconds_total",
                "Processor time that this process has used, in user and system mode",
                cpuSeconds
            ),
            MetricFamily(.gauge, "process_resident_memory_bytes", "Memory of this process in RAM", residentBytes),
            MetricFamily(.gauge, "process_open_fds", "Open file descriptors", entries(of: "/proc/self/fd")),
            MetricFamily(
                .gauge,
                "process_max_fds",
                "The most file descriptors that this process may open",
                hasLimit ? Double(limit.rlim_cur) : nil
            ),
            MetricFamily(.gauge, "process_threads", "Threads of this process", entries(of: "/proc/self/task")),
            MetricFamily(
                .gauge,
                "process_start_time_seconds",
                "When this node was started, in seconds since 1970",
                Double(started) / 1_000
            ),
        ]
        let disk: (free: Double, size: Double)? = disk(of: folder)
        families.append(
            MetricFamily(
                .gauge,
                "drover_disk_free_bytes",
                "Space that this node can still use on the file system of its data folder",
                disk?.free
            )
        )
        families.append(
            MetricFamily(
                .gauge,
                "drover_disk_size_bytes",
                "Size of the file system of the data folder",
                disk?.size
            )
        )
        return families
    }

    private static var cpuSeconds: Double? {
        var time = timespec()
        guard clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time) == 0 else { return nil }
        return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
    }

    private static var residentBytes: Double? {
        guard let bytes: [UInt8] = try? DataFolder.read("/proc/self/statm") else { return nil }
        let fields: [Substring] = String(decoding: bytes, as: UTF8.self).split(separator: " ")
        guard fields.count > 1, let pages = Double(fields[1]) else { return nil }
        return pages * Double(sysconf(Int32(_SC_PAGESIZE)))
    }

    private static func entries(of folder: String) -> Double? {
        guard let directory = opendir(folder) else { return nil }
        defer { closedir(directory) }
        // Without `.`, `..` and, of the descriptors, the one that reads them.
        var count: Int = folder.hasSuffix("/fd") ? -3 : -2
        while readdir(directory) != nil { count += 1 }
        return Double(max(0, count))
    }

    private static func disk(of folder: String) -> (free: Double, size: Double)? {
        var about = statvfs()
        guard statvfs(folder, &about) == 0 else { return nil }
        let block = Double(about.f_frsize)
        return (Double(about.f_bavail) * block, Double(about.f_blocks) * block)
    }
}
