import CLinux
import Glibc
import JSON

/// Where a node keeps everything: `node.json`, `log/` (Raft), `state/` (checkpoint and history), `tls/` (its certificate and
/// key, the authority's certificate) and `sealing.key` (opens the authority's key, which is in the state).
package struct DataFolder: Hashable, Sendable {
    package let path: String

    package init(_ path: String) { self.path = path }

    package var log: String { "\(path)/log" }
    package var state: String { "\(path)/state" }
    /// Snapshots of the state on their way to or from other nodes.
    package var snapshots: String { "\(path)/snapshots" }
    /// Denials, reads of secrets and the like, chained by hashes.
    package var trail: String { "\(path)/audit" }
    package var accessLogs: String { "\(path)/logs" }
    package var certificateFile: String { "\(path)/tls/node.pem" }
    package var keyFile: String { "\(path)/tls/node.key" }
    package var authorityFile: String { "\(path)/tls/authority.pem" }
    package var sealingKeyFile: String { "\(path)/sealing.key" }
    var instanceFile: String { "\(log)/instance" }
    private var configurationFile: String { "\(path)/node.json" }

    /// Makes the folder, readable by its owner only.
    package func create() throws(NodeFault) { try Self.make(path) }

    private static func make(_ path: String) throws(NodeFault) {
        var made: String = ""
        for part in path.split(separator: "/", omittingEmptySubsequences: false) {
            made += made.isEmpty && part.isEmpty ? "/" : (made.isEmpty || made == "/" ? "\(part)" : "/\(part)")
            if made.isEmpty || made == "/" { continue }
            guard mkdir(made, 0o700) == 0 || errno == EEXIST else {
                throw .storage("cannot make the folder \(made): \(String(cString: strerror(errno)))")
            }
        }
    }

    package var isFounded: Bool { access(configurationFile, F_OK) == 0 }

    package func configuration() throws(NodeFault) -> NodeConfiguration {
        guard isFounded else { throw .notFounded(folder: path) }
        let bytes: [UInt8] = try Self.read(configurationFile)
        do {
            return try NodeConfiguration(JSONReader.parse(bytes))
        } catch let error as NodeFault {
            throw error
        } catch {
            throw .badConfiguration("\(configurationFile) is not JSON: \(error)")
        }
    }

    /// Written last when a node is founded: a folder without it was never founded.
    package func save(_ configuration: NodeConfiguration) throws(NodeFault) {
        try Self.write(Array(JSONWriter.pretty(configuration.json).utf8), to: configurationFile)
    }

    /// Writes a file whole or not at all: beside, flushed, renamed, and the folder flushed.
    package static func write(_ bytes: [UInt8], to path: String) throws(NodeFault) {
        let beside: String = "\(path).new"
        let file: Int32 = open(beside, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
        guard file >= 0 else { throw fault("write", beside) }
        var rest: ArraySlice<UInt8> = bytes[...]
        while !rest.isEmpty {
            let count: Int = rest.withUnsafeBytes { Glibc.write(file, $0.baseAddress, $0.count) }
            guard count > 0 else {
                close(file)
                throw fault("write", beside)
            }
            rest = rest.dropFirst(count)
        }
        guard fsync(file) == 0 else {
            close(file)
            throw fault("flush", beside)
        }
        close(file)
        guard rename(beside, path) == 0 else { throw fault("rename", beside) }
        let folder = String(path[..<(path.lastIndex(of: "/") ?? path.startIndex)])
        let directory: Int32 = open(folder.isEmpty ? (path.hasPrefix("/") ? "/" : ".") : folder, O_RDONLY | O_CLOEXEC)
        guard directory >= 0 else { throw fault("open the folder of", path) }
        defer { close(directory) }
        // Until the folder is on the disk, the name may still stand for what was there before.
        guard fsync(directory) == 0 else { throw fault("flush the folder of", path) }
    }

    package static func read(_ path: String) throws(NodeFault) -> [UInt8] {
        let file: Int32 = open(path, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { throw fault("read", path) }
        defer { close(file) }
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 64 * 1024)
        while true {
            let count: Int = Glibc.read(file, &buffer, buffer.count)
            guard count >= 0 else { throw fault("read", path) }
            if count == 0 { return bytes }
            bytes.append(contentsOf: buffer[0..<count])
        }
    }

    private static func fault(_ operation: String, _ path: String) -> NodeFault {
        .storage("cannot \(operation) \(path): \(String(cString: strerror(errno)))")
    }
}
