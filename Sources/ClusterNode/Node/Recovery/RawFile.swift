import Glibc
import Limits

/// A file that is read or written piece by piece; closed when the last reference goes.
///
/// Any number of threads may read; writing is for one.
final class RawFile: Sendable {
    let path: String
    private let descriptor: Int32

    /// Opens a file to read it.
    init(reading path: String) throws(NodeFault) {
        self.path = path
        descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw Self.fault("read", path) }
    }

    /// Makes a file that only its owner can read, or empties it.
    init(writing path: String) throws(NodeFault) {
        self.path = path
        descriptor = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw Self.fault("write", path) }
    }

    deinit { close(descriptor) }

    func size() throws(NodeFault) -> Int {
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw Self.fault("look at", path) }
        return Int(status.st_size)
    }

    /// Up to `count` bytes; fewer at the end.
    func read(at offset: Int, count: Int) throws(NodeFault) -> [UInt8] {
        var bytes: [UInt8] = []
        while bytes.count < count {
            var piece = [UInt8](repeating: 0, count: count - bytes.count)
            let got: Int = pread(descriptor, &piece, piece.count, off_t(offset + bytes.count))
            if got < 0 && errno == EINTR { continue }
            guard got >= 0 else { throw Self.fault("read", path) }
            if got == 0 { break }
            bytes.append(contentsOf: piece[..<got])
        }
        return bytes
    }

    func append(_ bytes: [UInt8]) throws(NodeFault) {
        var rest: ArraySlice<UInt8> = bytes[...]
        while !rest.isEmpty {
            let count: Int = rest.withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
            if count < 0 && errno == EINTR { continue }
            guard count > 0 else { throw Self.fault("write", path) }
            rest = rest.dropFirst(count)
        }
    }

    func flush() throws(NodeFault) {
        guard fsync(descriptor) == 0 else { throw Self.fault("flush", path) }
    }

    static func flush(folder: String) throws(NodeFault) {
        let directory: Int32 = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard directory >= 0 else { throw fault("open the folder", folder) }
        defer { close(directory) }
        guard fsync(directory) == 0 else { throw fault("flush the folder", folder) }
    }

    static func rename(_ old: String, to new: String) throws(NodeFault) {
        guard Glibc.rename(old, new) == 0 else { throw fault("rename to \(new) what is at", old) }
    }

    /// Copies a file, flushed; without any there is nothing to copy.
    static func copy(_ old: String, to new: String) throws(NodeFault) {
        guard exists(old) else { return }
        let source = try RawFile(reading: old)
        let target = try RawFile(writing: new)
        var offset: Int = 0
        while true {
            let piece: [UInt8] = try source.read(at: offset, count: Limits.backupPieceBytes)
            if piece.isEmpty { break }
            try target.append(piece)
            offset += piece.count
        }
        try target.flush()
    }

    static func exists(_ path: String) -> Bool { access(path, F_OK) == 0 }

    static func fault(_ operation: String, _ path: String) -> NodeFault {
        .storage("cannot \(operation) \(path): \(String(cString: strerror(errno)))")
    }
}
