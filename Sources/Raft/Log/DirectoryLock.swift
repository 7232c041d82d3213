internal import Bytes
internal import Glibc

/// Keeps a data folder to one process. The kernel releases it when the process ends, however it ends.
struct DirectoryLock {
    private let file: File

    init(_ directory: Directory) throws(LogFault) {
        let path: String = directory.path(of: "lock")
        file = try File(opening: path, flags: O_RDWR | O_CREAT)
        guard try file.lock() else {
            let holder = String(decoding: try file.readAll(), as: UTF8.self)
            throw .inUse(directory: directory.path, process: holder.isEmpty ? "unknown" : holder)
        }
        try file.truncate(to: 0)
        try file.write(Array("\(getpid())".utf8), at: 0)
    }
}
