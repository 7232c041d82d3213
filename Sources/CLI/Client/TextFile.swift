internal import Glibc
internal import Limits

/// Small files, whole.
enum TextFile {
    /// The text of a file; nil when it cannot be read, is not UTF-8, or has more than ``Limits/clientFileBytes``.
    static func read(_ path: String) -> String? {
        let descriptor: Int32 = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        var bytes: [UInt8] = []
        var piece = [UInt8](repeating: 0, count: 64 * 1024)
        while true {
            let count: Int = Glibc.read(descriptor, &piece, piece.count)
            if count < 0 && errno == EINTR { continue }
            guard count >= 0, bytes.count + count <= Limits.clientFileBytes else { return nil }
            if count == 0 { break }
            bytes.append(contentsOf: piece[..<count])
        }
        return String(validating: bytes, as: UTF8.self)
    }

    static func exists(_ path: String) -> Bool { access(path, F_OK) == 0 }

    /// Puts a file in place that only its owner can read; whoever looks finds the old or the new one, whole.
    static func replacePrivately(_ path: String, with text: String) throws(CommandFailure) {
        let temporary: String = "\(path).\(getpid())"
        let descriptor: Int32 = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw failure("create", temporary) }
        var rest: ArraySlice<UInt8> = Array(text.utf8)[...]
        while !rest.isEmpty {
            let count: Int = rest.withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
            if count < 0 && errno == EINTR { continue }
            guard count > 0 else {
                let failure: CommandFailure = failure("write", temporary)
                close(descriptor)
                unlink(temporary)
                throw failure
            }
            rest = rest.dropFirst(count)
        }
        guard fsync(descriptor) == 0, close(descriptor) == 0, rename(temporary, path) == 0 else {
            let failure: CommandFailure = failure("put in place", path)
            unlink(temporary)
            throw failure
        }
    }

    /// Makes a folder and those above it; those that are new only their owner can enter.
    static func makeFolder(_ path: String) throws(CommandFailure) {
        var made: String = ""
        for part in path.split(separator: "/") {
            made += "/\(part)"
            if mkdir(made, 0o700) != 0 && errno != EEXIST && !exists(made) { throw failure("create the folder", made) }
        }
    }

    private static func failure(_ verb: String, _ path: String) -> CommandFailure {
        let cause: String = strerror(errno).map { String(cString: $0) } ?? "error \(errno)"
        return CommandFailure("cannot \(verb) \(path): \(cause)")
    }
}
