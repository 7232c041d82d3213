import Glibc

/// A small file that is replaced as a whole: after a crash it holds what was written last or the time before.
package struct StateFile: Sendable {
    package let path: String
    /// Readable by its owner only.
    package let isPrivate: Bool

    package init(path: String, isPrivate: Bool = false) {
        self.path = path
        self.isPrivate = isPrivate
    }

    /// nil when there is no file.
    package func read() throws(StateFileFault) -> [UInt8]? {
        let descriptor: Int32 = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else {
            if errno == ENOENT { return nil }
            throw StateFileFault("read", path)
        }
        defer { close(descriptor) }
        var bytes: [UInt8] = []
        while true {
            let chunk: [UInt8]? = unsafeReadChunk(descriptor)
            guard let chunk else { throw StateFileFault("read", path) }
            guard !chunk.isEmpty else { return bytes }
            bytes.append(contentsOf: chunk)
        }
    }

    private func unsafeReadChunk(_ descriptor: Int32) -> [UInt8]? {
        while true {
            var failed: Bool = false
            let chunk: [UInt8] = .init(unsafeUninitializedCapacity: 64 * 1024) { buffer, count in
                let got: Int = Glibc.read(descriptor, buffer.baseAddress, buffer.count)
                failed = got < 0
                count = max(0, got)
            }
            guard failed else { return chunk }
            guard errno == EINTR else { return nil }
        }
    }

    /// Writes beside the file, flushes, renames over it and flushes the folder.
    package func write(_ bytes: [UInt8]) throws(StateFileFault) {
        let beside: String = path + ".new"
        let descriptor: Int32 = open(beside, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, isPrivate ? 0o600 : 0o644)
        guard descriptor >= 0 else { throw StateFileFault("write", beside) }
        var rest: ArraySlice<UInt8> = bytes[...]
        var fault: StateFileFault?
        while !rest.isEmpty, fault == nil {
            let count: Int = rest.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
            if count >= 0 {
                rest = rest.dropFirst(count)
            } else if errno != EINTR {
                fault = StateFileFault("write", beside)
            }
        }
        if fault == nil, fsync(descriptor) != 0 { fault = StateFileFault("flush", beside) }
        close(descriptor)
        if let fault { throw fault }
        guard rename(beside, path) == 0 else { throw StateFileFault("replace", path) }
        let folder: String = path.lastIndex(of: "/").map { String(path[..<$0]) } ?? "."
        let opened: Int32 = open(folder.isEmpty ? "/" : folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard opened >= 0 else { throw StateFileFault("flush the folder of", path) }
        defer { close(opened) }
        guard fsync(opened) == 0 else { throw StateFileFault("flush the folder of", path) }
    }
}

/// Why a file could not be read or replaced.
package struct StateFileFault: Error, Sendable, Hashable, CustomStringConvertible {
    package let description: String

    init(_ operation: String, _ path: String) {
        description = "cannot \(operation) \(path): \(String(cString: strerror(errno)))"
    }
}
