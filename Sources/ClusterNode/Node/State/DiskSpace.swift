import Glibc
import Limits

/// How much room a filesystem has, in bytes.
struct DiskSpace: Hashable, Sendable {
    var total: UInt64
    /// For those who are not root.
    var free: UInt64

    init(total: UInt64, free: UInt64) {
        self.total = total
        self.free = free
    }

    /// Of the filesystem that holds `path`; nil when it does not say.
    init?(of path: String) {
        var status = statvfs()
        guard statvfs(path, &status) == 0, status.f_blocks > 0 else { return nil }
        total = UInt64(status.f_blocks) * UInt64(status.f_frsize)
        free = UInt64(status.f_bavail) * UInt64(status.f_frsize)
    }

    /// With less than this free a node is read-only: an eighth of a small disk, a fixed amount of a large one.
    var lowMark: UInt64 { min(Limits.diskLowBytes, total / Limits.diskLowPart) }

    /// With so much free it takes changes again.
    var ampleMark: UInt64 { lowMark * Limits.diskAmplePercent / 100 }
}

/// Whether a node may take changes, by the room that its disk has.
///
/// Between the two marks it stays what it was.
enum DiskCondition: Hashable, Sendable {
    case ample, low

    func next(_ space: DiskSpace) -> DiskCondition {
        switch self {
        case .ample: space.free < space.lowMark ? .low : .ample
        case .low: space.free >= space.ampleMark ? .ample : .low
        }
    }
}

/// A size as people read it.
enum ByteText {
    static func of(_ bytes: UInt64) -> String {
        let units: [String] = ["bytes", "KiB", "MiB", "GiB", "TiB"]
        var value: UInt64 = bytes
        var unit: Int = 0
        while value >= 10 * 1024, unit < units.count - 1 {
            value /= 1024
            unit += 1
        }
        return "\(value) \(units[unit])"
    }
}
