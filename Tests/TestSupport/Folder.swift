internal import Glibc

/// A folder of the test's own; it goes, with all that is in it, with the object.
package final class Folder: Sendable {
    package let path: String

    package init() {
        var name: [CChar] = Array("/tmp/drover-test-XXXXXX".utf8CString)
        precondition(mkdtemp(&name) != nil, "no folder can be made below /tmp: \(String(cString: strerror(errno)))")
        path = String(decoding: name.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    deinit { Self.remove(path) }

    /// Removes what has this name, with all that is in it.
    package func remove(_ name: String) { Self.remove("\(path)/\(name)") }

    /// What lies in it.
    package var names: [String] { Self.names(path).sorted() }

    private static func names(_ path: String) -> [String] {
        guard let directory = opendir(path) else { return [] }
        defer { closedir(directory) }
        var names: [String] = []
        while let entry = readdir(directory) {
            let name: String = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if name != ".", name != ".." { names.append(name) }
        }
        return names
    }

    private static func remove(_ path: String) {
        // A link is removed, not what it points to.
        guard unlink(path) != 0 else { return }
        for name in names(path) { remove("\(path)/\(name)") }
        rmdir(path)
    }
}

/// Hands `body` a folder of its own, and removes it.
package func withFolder<Result>(_ body: (String) async throws -> Result) async rethrows -> Result {
    let folder = Folder()
    defer { withExtendedLifetime(folder) {} }
    return try await body(folder.path)
}
