import Glibc
import Subprocess

/// Small files of the tests.
enum Files {
    static func read(_ path: String) -> String? {
        let file: Int32 = open(path, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { return nil }
        defer { close(file) }
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 64 * 1024)
        while true {
            let count: Int = chunk.withUnsafeMutableBytes { Glibc.read(file, $0.baseAddress, $0.count) }
            guard count > 0 else { return String(decoding: bytes, as: UTF8.self) }
            bytes.append(contentsOf: chunk[..<count])
        }
    }

    static func write(_ text: String, to path: String) throws {
        let file: Int32 = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
        guard file >= 0 else { throw RigFailure("cannot write \(path)") }
        defer { close(file) }
        let bytes: [UInt8] = Array(text.utf8)
        guard Glibc.write(file, bytes, bytes.count) == bytes.count else { throw RigFailure("cannot write \(path)") }
    }

    /// Makes a folder below `parent` with these files, and returns its path.
    static func folder(_ name: String, in parent: String, _ files: [String: String]) throws -> String {
        let path: String = "\(parent)/\(name)"
        guard mkdir(path, 0o755) == 0 || errno == EEXIST else { throw RigFailure("cannot make \(path)") }
        for (file, text) in files { try write(text, to: "\(path)/\(file)") }
        return path
    }

    /// Removes a folder with all that is in it.
    static func remove(_ folder: String) async throws {
        _ = try await Subprocess.run("rm", ["--recursive", "--force", folder], environment: Program.environment())
    }

    static func linkTarget(_ path: String) -> String {
        var bytes = [UInt8](repeating: 0, count: 4_096)
        let count: Int = bytes.withUnsafeMutableBytes { buffer in
            guard let start = buffer.bindMemory(to: CChar.self).baseAddress else { return -1 }
            return readlink(path, start, buffer.count)
        }
        return count > 0 ? String(decoding: bytes[..<count], as: UTF8.self) : ""
    }

    static func names(in folder: String) -> [String] {
        guard let directory = opendir(folder) else { return [] }
        defer { closedir(directory) }
        var names: [String] = []
        while let entry = readdir(directory) {
            let name: String = withUnsafeBytes(of: entry.pointee.d_name) { bytes in
                String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            if name != ".", name != ".." { names.append(name) }
        }
        return names.sorted()
    }
}
