import CLinux
import Glibc

/// A folder of a container's files, found without leaving them.
enum FolderInRoot {
    /// The folder on this machine that a path of the container means; nil when there is no such folder in `root`.
    static func find(_ path: String, in root: String) -> String? {
        let base: Int32 = open(root, O_PATH | O_DIRECTORY | O_CLOEXEC)
        guard base >= 0 else { return nil }
        defer { close(base) }
        let folder: Int32 = clinux_open_in_root(base, path, UInt64(O_PATH | O_DIRECTORY | O_CLOEXEC))
        guard folder >= 0 else { return nil }
        defer { close(folder) }
        return LinkTarget.of("/proc/self/fd/\(folder)")
    }
}

/// The target of a link.
enum LinkTarget {
    static func of(_ path: String) -> String? {
        var bytes = [CChar](repeating: 0, count: 4096)
        let count: Int = readlink(path, &bytes, bytes.count)
        return count > 0 ? String(decoding: bytes[..<count].map { UInt8(bitPattern: $0) }, as: UTF8.self) : nil
    }
}
