internal import Glibc

/// Fetches a backup of the cluster into a file; what is in it is for the caller to check.
package enum BackupDownload {
    /// Writes the file anew, readable by its owner only, and flushes it.
    ///
    /// - Throws: what the API says, or ``CommandFailure`` when the file cannot be written; then nothing is left of it.
    package static func fetch(_ invocation: Invocation, to path: String) async throws {
        let descriptor: Int32 = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw failure("create", path) }
        defer { close(descriptor) }
        do {
            try await invocation.withClient { client in
                try await client.download("POST", "/v2-beta/cluster?action=backup") { piece in
                    var rest: ArraySlice<UInt8> = piece[...]
                    while !rest.isEmpty {
                        let count: Int = rest.withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
                        if count < 0 && errno == EINTR { continue }
                        guard count > 0 else { throw failure("write", path) }
                        rest = rest.dropFirst(count)
                    }
                }
            }
            guard fsync(descriptor) == 0 else { throw failure("flush", path) }
        } catch {
            unlink(path)
            throw error
        }
    }

    private static func failure(_ verb: String, _ path: String) -> CommandFailure {
        CommandFailure("cannot \(verb) \(path): \(String(cString: strerror(errno)))")
    }
}
