package import WebSocket

/// What the gateway needs of whoever holds the hosts' streams: the owner of their environment.
package protocol HostConnecting: Sendable {
    /// Speaks with a host's agent until the stream ends. The gateway has checked who it is.
    func serve(_ socket: WebSocket, host: UInt64, project: UInt64) async

    /// The output of a container on its host.
    ///
    /// - Throws: ``HostUnavailable`` when the host has no stream now.
    func logs(of instance: UInt64, on host: UInt64, _ request: LogRequest) async throws(HostUnavailable) -> LogStream

    /// Runs a command in a container on its host; returns once it runs.
    ///
    /// - Throws: ``HostUnavailable`` when the host has no stream now, or could not run it.
    func exec(of instance: UInt64, on host: UInt64, _ request: ExecRequest) async throws(HostUnavailable) -> ExecStream
}

package struct HostUnavailable: Error, Equatable, Sendable {
    package var message: String
    package init(message: String) { self.message = message }
}

/// Which part of a container's output is wanted.
package struct LogRequest: Hashable, Sendable {
    package var follow: Bool
    /// From the end; nil for all.
    package var lines: Int?
    package var timestamps: Bool
    /// Seconds since 1970.
    package var since: String?

    package init(follow: Bool, lines: Int?, timestamps: Bool, since: String?) {
        self.follow = follow
        self.lines = lines
        self.timestamps = timestamps
        self.since = since
    }
}

/// A piece of a container's output.
package struct OutputChunk: Hashable, Sendable {
    /// Standard error instead of standard output.
    package var isError: Bool
    package var bytes: [UInt8]

    package init(isError: Bool, bytes: [UInt8]) {
        self.isError = isError
        self.bytes = bytes
    }
}

/// A container's output while it comes in; whoever stops reading calls ``cancel()``.
package struct LogStream: Sendable {
    package var chunks: AsyncThrowingStream<OutputChunk, any Error>
    package var cancel: @Sendable () -> Void

    package init(chunks: AsyncThrowingStream<OutputChunk, any Error>, cancel: @escaping @Sendable () -> Void) {
        self.chunks = chunks
        self.cancel = cancel
    }
}
