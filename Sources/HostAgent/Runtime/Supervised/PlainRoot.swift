import CLinux
import Glibc

/// What programs expect of any machine and an image does not bring: for containers that get no mounts.
enum PlainRoot {
    private static let devices: [(name: String, minor: UInt)] = [
        ("null", 3), ("zero", 5), ("full", 7), ("random", 8), ("urandom", 9),
    ]

    /// Adds what is absent, as far as this user may; follows no link out of the root.
    static func furnish(_ root: String) {
        let base: Int32 = Glibc.open(root, O_PATH | O_DIRECTORY | O_CLOEXEC)
        guard base >= 0 else { return }
        defer { close(base) }
        for name in ["dev", "etc", "proc", "sys"] { mkdirat(base, name, 0o755) }
        if let folder: Int32 = folder("dev", below: base) {
            // Source: Documentation/admin-guide/devices.txt of the kernel: memory devices have the major number 1.
            for device in devices where mknodat(folder, device.name, S_IFCHR | 0o666, dev_t(1 << 8 | device.minor)) == 0
            {
                fchmodat(folder, device.name, 0o666, 0)
            }
            close(folder)
        }
        if let folder: Int32 = folder("etc", below: base) {
            for name in ["resolv.conf", "hosts"] {
                guard let bytes: [UInt8] = try? StateFile(path: "/etc/\(name)").read() else { continue }
                let file: Int32 = openat(folder, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0o644)
                guard file >= 0 else { continue }
                _ = write(file, bytes, bytes.count)
                close(file)
            }
            close(folder)
        }
    }

    private static func folder(_ name: String, below base: Int32) -> Int32? {
        let folder: Int32 = clinux_open_in_root(base, name, UInt64(O_RDONLY | O_DIRECTORY | O_CLOEXEC))
        return folder >= 0 ? folder : nil
    }
}
