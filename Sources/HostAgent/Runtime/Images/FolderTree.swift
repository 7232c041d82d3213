import Glibc
import HostAgentCore

/// Folders as wholes: made with their parents, listed, removed with what is in them.
enum FolderTree {
    /// Does nothing when it is there.
    static func make(_ path: String, mode: mode_t = 0o700) throws(OperationFailure) {
        var made: String = path.hasPrefix("/") ? "" : "."
        for part in path.split(separator: "/") {
            made += "/\(part)"
            guard mkdir(made, mode) == 0 || errno == EEXIST else {
                throw OperationFailure(
                    "cannot make the folder \(made): \(String(cString: strerror(errno)))",
                    isTransient: errno == ENOSPC
                )
            }
        }
    }

    static func exists(_ path: String) -> Bool { access(path, F_OK) == 0 }

    /// Sorted; empty when there is no such folder.
    static func names(in path: String) -> [String] {
        guard let folder = opendir(path) else { return [] }
        defer { closedir(folder) }
        var names: [String] = []
        while let entry = readdir(folder) {
            let name: String = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
                pointer.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if name != ".", name != ".." { names.append(name) }
        }
        return names.sorted()
    }

    /// Removes what is there, links as links; does nothing when nothing is.
    static func remove(_ path: String) throws(OperationFailure) {
        let parent: Int32 = open(parent(of: path), O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard parent >= 0 else {
            if errno == ENOENT { return }
            throw failure("remove", path)
        }
        defer { close(parent) }
        guard remove(lastPart(of: path), in: parent) else { throw failure("remove", path) }
    }

    static func parent(of path: String) -> String {
        guard let slash: String.Index = path.lastIndex(of: "/") else { return "." }
        return slash == path.startIndex ? "/" : String(path[..<slash])
    }

    static func lastPart(of path: String) -> String {
        path.lastIndex(of: "/").map { String(path[path.index(after: $0)...]) } ?? path
    }

    /// By descriptor, so that a folder that is swapped for a link meanwhile leads nowhere.
    private static func remove(_ name: String, in parent: Int32) -> Bool {
        if unlinkat(parent, name, 0) == 0 || errno == ENOENT { return true }
        guard errno == EISDIR || errno == EPERM || errno == ENOTEMPTY else { return false }
        let folder: Int32 = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
        guard folder >= 0 else { return errno == ENOENT }
        let copy: Int32 = fcntl(folder, F_DUPFD_CLOEXEC, 3)
        defer { close(folder) }
        guard copy >= 0 else { return false }
        guard let list = fdopendir(copy) else {
            close(copy)
            return false
        }
        var names: [String] = []
        while let entry = readdir(list) {
            let name: String = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
                pointer.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if name != ".", name != ".." { names.append(name) }
        }
        closedir(list)
        for each in names {
            guard remove(each, in: folder) else { return false }
        }
        return unlinkat(parent, name, AT_REMOVEDIR) == 0 || errno == ENOENT
    }

    static func failure(_ what: String, _ path: String) -> OperationFailure {
        OperationFailure("cannot \(what) \(path): \(String(cString: strerror(errno)))")
    }
}
