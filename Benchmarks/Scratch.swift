import EventLoop
import Glibc

/// A folder of this run's own, removed with all that is in it.
enum Scratch {
    static func make(in parent: String) throws -> String {
        var name: [CChar] = Array("\(parent)/drover-bench-XXXXXX".utf8CString)
        guard let path = mkdtemp(&name) else {
            throw BenchFault(
                "no folder could be made in \(parent): \(String(cString: strerror(errno))). Name another one with --folder."
            )
        }
        return String(cString: path)
    }

    static func remove(_ path: String) {
        guard let stream = opendir(path) else { return }
        var names: [String] = []
        while let entry = readdir(stream) {
            // The record stays valid until the next call; the name in it ends with a zero.
            let name: String = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
                pointer.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if name != "." && name != ".." { names.append(name) }
        }
        closedir(stream)
        for name in names where unlink("\(path)/\(name)") != 0 { remove("\(path)/\(name)") }
        rmdir(path)
    }

    /// Ports of loopback that nobody listens on now, below those that the system gives to outgoing connections.
    static func ports(_ count: Int) async throws -> [Int] {
        let loop: EventLoop = try EventLoop.start()
        var found: [Int] = []
        for port in (20_000...32_000).shuffled().prefix(200 + count) where found.count < count {
            guard let listener = try? Listener.bind(.tcp(host: "127.0.0.1", port: port), on: loop) else { continue }
            listener.close()
            found.append(port)
        }
        // They are free again when the loop has ended.
        await loop.stop()
        guard found.count == count else { throw BenchFault("no \(count) free ports were found on 127.0.0.1") }
        return found
    }
}

/// Small files, read and written whole.
enum TextFile {
    static func read(_ path: String) -> String? { bytes(path).map { String(decoding: $0, as: UTF8.self) } }

    static func bytes(_ path: String) -> [UInt8]? {
        let file: Int32 = open(path, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { return nil }
        defer { close(file) }
        var all: [UInt8] = []
        while true {
            let piece = [UInt8](unsafeUninitializedCapacity: 16 * 1024) { space, count in
                count = max(0, Glibc.read(file, space.baseAddress, space.count))
            }
            if piece.isEmpty { return all }
            all += piece
        }
    }

    /// Readable by its owner only: keys go through here.
    static func write(_ bytes: [UInt8], to path: String) throws {
        let file: Int32 = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
        guard file >= 0 else { throw BenchFault("\(path) could not be written: \(String(cString: strerror(errno)))") }
        defer { close(file) }
        guard Glibc.write(file, bytes, bytes.count) == bytes.count else {
            throw BenchFault("\(path) could not be written: \(String(cString: strerror(errno)))")
        }
    }
}

/// Why a benchmark could not be run.
package struct BenchFault: Error, CustomStringConvertible {
    package var description: String

    init(_ description: String) {
        self.description = description
    }
}
