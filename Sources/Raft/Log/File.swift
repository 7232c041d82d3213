internal import Glibc

/// An open file, closed when it is let go.
///
/// Every call retries when a signal interrupts it, except the flushes.
final class File: Sendable {
    let path: String
    private let descriptor: Int32

    init(opening path: String, flags: Int32, mode: mode_t = 0o600) throws(LogFault) {
        var opened: Int32 = -1
        repeat { opened = open(path, flags | O_CLOEXEC, mode) } while opened < 0 && errno == EINTR
        guard opened >= 0 else { throw .system(operation: "open", path: path, code: errno) }
        self.path = path
        descriptor = opened
    }

    deinit {
        // A process that is just being started still has a copy of the descriptor until it runs its program: closing alone
        // would leave the lock with that.
        flock(descriptor, LOCK_UN)
        Glibc.close(descriptor)
    }

    func write(_ bytes: [UInt8], at offset: Int) throws(LogFault) {
        var done: Int = 0
        while done < bytes.count {
            // The pointer lives only for the call.
            let count: Int = bytes.withUnsafeBytes { buffer in
                pwrite(descriptor, buffer.baseAddress?.advanced(by: done), buffer.count - done, off_t(offset + done))
            }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { throw .system(operation: "write", path: path, code: errno) }
            done += count
        }
    }

    func readAll() throws(LogFault) -> [UInt8] {
        let size: Int = try size()
        var failure: Int32 = 0
        // The buffer is filled by the kernel up to `filled`, which is what the array then counts.
        let bytes: [UInt8] = [UInt8](unsafeUninitializedCapacity: size) { buffer, filled in
            filled = 0
            while filled < size {
                let count: Int = pread(
                    descriptor,
                    buffer.baseAddress?.advanced(by: filled),
                    size - filled,
                    off_t(filled)
                )
                if count < 0, errno == EINTR { continue }
                if count < 0 { failure = errno }
                guard count > 0 else { return }
                filled += count
            }
        }
        guard failure == 0 else { throw .system(operation: "read", path: path, code: failure) }
        return bytes
    }

    /// Up to `count` bytes from `offset` on; fewer at the end of the file.
    func read(at offset: Int, count: Int) throws(LogFault) -> [UInt8] {
        var failure: Int32 = 0
        // Filled by the kernel up to `filled`.
        let bytes: [UInt8] = [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
            filled = 0
            while filled < count {
                let got: Int = pread(
                    descriptor,
                    buffer.baseAddress?.advanced(by: filled),
                    count - filled,
                    off_t(offset + filled)
                )
                if got < 0, errno == EINTR { continue }
                if got < 0 { failure = errno }
                guard got > 0 else { return }
                filled += got
            }
        }
        guard failure == 0 else { throw .system(operation: "read", path: path, code: failure) }
        return bytes
    }

    func size() throws(LogFault) -> Int {
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw .system(operation: "examine", path: path, code: errno) }
        return Int(status.st_size)
    }

    func truncate(to size: Int) throws(LogFault) {
        guard ftruncate(descriptor, off_t(size)) == 0 else {
            throw .system(operation: "shorten", path: path, code: errno)
        }
    }

    /// Takes space for so many bytes, which read as zeros.
    func allocate(_ count: Int) throws(LogFault) {
        let code: Int32 = posix_fallocate(descriptor, 0, off_t(count))
        guard code == 0 else { throw .system(operation: "take space for", path: path, code: code) }
    }

    /// Data, and what is needed to read it back.
    ///
    /// A failure is final: the kernel may have dropped the pages.
    func flushData() throws(LogFault) {
        guard fdatasync(descriptor) == 0 else { throw .system(operation: "flush", path: path, code: errno) }
    }

    func flush() throws(LogFault) {
        guard fsync(descriptor) == 0 else { throw .system(operation: "flush", path: path, code: errno) }
    }

    /// - Returns: false when another open file holds the lock.
    func lock() throws(LogFault) -> Bool {
        if flock(descriptor, LOCK_EX | LOCK_NB) == 0 { return true }
        guard errno == EWOULDBLOCK else { throw .system(operation: "lock", path: path, code: errno) }
        return false
    }
}

/// A folder whose entries are flushed after every change of names.
struct Directory {
    let path: String

    init(creating path: String) throws(LogFault) {
        self.path = path
        guard mkdir(path, 0o700) == 0 || errno == EEXIST else {
            throw .system(operation: "create folder", path: path, code: errno)
        }
    }

    func path(of name: String) -> String { "\(path)/\(name)" }

    func exists(_ name: String) -> Bool { access(path(of: name), F_OK) == 0 }

    func flush() throws(LogFault) {
        try File(opening: path, flags: O_RDONLY | O_DIRECTORY).flush()
    }

    func rename(_ old: String, to new: String) throws(LogFault) {
        guard Glibc.rename(path(of: old), path(of: new)) == 0 else {
            throw .system(operation: "rename", path: path(of: old), code: errno)
        }
        try flush()
    }

    func remove(_ name: String) throws(LogFault) {
        guard unlink(path(of: name)) == 0 || errno == ENOENT else {
            throw .system(operation: "remove", path: path(of: name), code: errno)
        }
    }

    /// Writes beside, flushes, renames, flushes the folder: the name holds the old bytes or the new ones, never a part.
    func replace(_ name: String, with bytes: [UInt8]) throws(LogFault) {
        let beside: String = name + ".new"
        try make(beside) { (file) throws(LogFault) in try file.write(bytes, at: 0) }
        try rename(beside, to: name)
    }

    /// A new file, filled and flushed; without space for it there is none.
    ///
    /// - Throws: ``LogFault/full(path:)`` when the disk has no space.
    @discardableResult
    func make(_ name: String, _ fill: (File) throws(LogFault) -> Void) throws(LogFault) -> File {
        do throws(LogFault) {
            let file = try File(opening: path(of: name), flags: O_RDWR | O_CREAT | O_TRUNC)
            try fill(file)
            try file.flush()
            return file
        } catch {
            // A part of it would only take more of what is missing. A name from before this call is not what is removed.
            unlink(path(of: name))
            throw error.whileMaking(path(of: name))
        }
    }

    /// The names in it, sorted.
    func names() throws(LogFault) -> [String] {
        guard let stream = opendir(path) else { throw .system(operation: "list", path: path, code: errno) }
        defer { closedir(stream) }
        var names: [String] = []
        while let entry = readdir(stream) {
            // The record stays valid until the next call; the name in it ends with a zero.
            let name: String = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
                pointer.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if name != ".", name != ".." { names.append(name) }
        }
        return names.sorted()
    }
}
