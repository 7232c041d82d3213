import Glibc

/// A filesystem of a few megabytes, which a test can fill.
///
/// Only root may mount one; tests that need it are skipped where that is not possible. It goes with the object.
package final class SmallDisk {
    /// Where it is mounted.
    package let path: String

    /// Whether this process may mount one.
    package static let isPossible: Bool = {
        guard geteuid() == 0, let disk = SmallDisk(bytes: 1 << 20) else { return false }
        return access(disk.path, W_OK) == 0
    }()

    /// - Returns: nil where none can be mounted.
    package init?(bytes: Int) {
        var name: [CChar] = Array("/tmp/drover-disk-XXXXXX".utf8CString)
        guard mkdtemp(&name) != nil else { return nil }
        path = String(decoding: name.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        guard mount("drover-test", path, "tmpfs", 0, "size=\(bytes)") == 0 else {
            rmdir(path)
            return nil
        }
    }

    deinit {
        umount2(path, Int32(MNT_DETACH))
        rmdir(path)
    }

    private var filler: String { "\(path)/filler" }

    /// Takes all the space that is left, but for so many bytes.
    package func fill(leaving left: Int = 0) {
        unlink(filler)
        let file: Int32 = open(filler, O_WRONLY | O_CREAT, 0o600)
        defer { close(file) }
        var status = statvfs()
        guard statvfs(path, &status) == 0 else { return }
        var rest: Int = Int(status.f_bavail) * Int(status.f_frsize) - left
        let block = [UInt8](repeating: 1, count: 64 * 1024)
        while rest > 0 {
            let count: Int = write(file, block, min(rest, block.count))
            guard count > 0 else { return }
            rest -= count
        }
    }

    /// Gives it back.
    package func empty() { unlink(filler) }
}
