/// A connection as HTTP and WebSocket see it: bytes in order both ways.
///
/// TLS is another implementation of it.
///
/// One task may read while another writes; two tasks must not read, or write, at the same time. All calls may
/// come from any thread and are fastest on ``loop``. A cancelled task's call ends with `CancellationError`.
package protocol ByteStream: AnyObject, Sendable {
    /// The loop whose thread owns the connection.
    var loop: EventLoop { get }
    var local: Endpoint { get }
    var peer: Endpoint { get }
    /// What both ends have agreed to speak before the first byte, by its name for ALPN; nil when they have not.
    var negotiatedProtocol: String? { get }
    /// The same stream for whoever uses it without a task; nil where that cannot be.
    var attended: (any AttendedStream)? { get }

    /// Appends what has arrived to `buffer`, waiting for at least one byte; returns how many, 0 at the end.
    ///
    /// - Throws: ``NetworkFault``, `CancellationError`.
    func read(into buffer: ReadBuffer, before deadline: Deadline) async throws -> Int

    /// What has arrived, at most `limit` bytes, waiting for at least one; empty at the end.
    ///
    /// - Throws: ``NetworkFault``, `CancellationError`.
    func read(upTo limit: Int, before deadline: Deadline) async throws -> [UInt8]

    /// Hands all bytes to the system. After an error an unknown part of them was sent: close the stream.
    ///
    /// - Throws: ``NetworkFault``, `CancellationError`.
    func write(_ bytes: [UInt8], before deadline: Deadline) async throws

    /// Tells the peer that nothing more will be written; reading goes on.
    func finishWriting() async

    /// Whether nothing has arrived, not even the end: what an idle connection must be to be used again.
    func isQuiet() async -> Bool

    /// Waits until the peer has closed its side or the stream is closed; what arrives stays to be read.
    ///
    /// - Throws: `CancellationError`.
    func waitForPeerClose() async throws

    /// Ends the connection; calls that wait on it fail with ``NetworkFault/closed``. Repeating it does nothing.
    func close()
}

extension ByteStream {
    package var negotiatedProtocol: String? { nil }
    package var attended: (any AttendedStream)? { nil }
}
