internal import Bytes
internal import Glibc

/// Keeps a data folder to one process.
///
/// The kernel releases it when the process ends, however it ends.
package struct DirectoryLock: Sendable {
    private let file: File

    /// Locks any folder, made if it is absent.
    ///
    /// - Throws: ``LogFault/inUse(directory:process:)`` naming the process that has it.
    package init(folder: String) throws(LogFault) { try self.init(Directory(creating: folder)) }

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
