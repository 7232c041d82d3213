internal import EventLoop
internal import HTTP2
internal import Limits
internal import Synchronization

/// One HTTP/2 connection of a server, from its first frame to its last.
///
/// One task reads, one writes, and each request has one that runs the handler and gives its answer. They meet in ``State``,
/// under its lock: whoever changes what there is to send wakes the writer.
final class HTTP2Connection: Sendable {
    /// The name for ALPN.
    static let protocolName: String = "h2"

    let stream: any ByteStream
    let server: HTTPServer
    let info: ConnectionInfo
    let state: Mutex<State>
    /// Raised when there may be something to write.
    let output: Signal

    /// - Throws: ``HTTP2Fault`` when there is no memory.
    init(stream: any ByteStream, server: HTTPServer) throws(HTTP2Fault) {
        self.stream = stream
        self.server = server
        info = ConnectionInfo(peer: stream.peer, local: stream.local, stream: stream)
        let session = try HTTP2Session(Self.limits(server.limits))
        state = Mutex(State(session: session, server: server, info))
        output = Signal(loop: stream.loop)
    }

    private static func limits(_ limits: HTTPServerLimits) -> HTTP2Limits {
        var made: HTTP2Limits = limits.http2
        made.lineBytes = limits.message.lineBytes
        made.headBytes = limits.message.headBytes
        made.headerCount = limits.message.headerCount
        return made
    }

    /// Serves until the connection has ended, for whatever reason, and no handler runs any more.
    func serve(_ entry: ConnectionEntry) async {
        entry.share(self)
        // The server may have begun to stop before it knew of us.
        if server.isStopping { shutDown() } else if server.isDraining { announceShutdown() }
        await withDiscardingTaskGroup { group in
            group.addTask { await self.writeAll() }
            let buffer = ReadBuffer()
            while let works = await self.read(buffer) {
                for work in works { group.addTask { await self.answer(work) } }
            }
            lose()
        }
    }

    // MARK: Reading

    /// What is to be answered of what comes next, or that nothing will come.
    private func read(_ buffer: ReadBuffer) async -> [Work]? {
        do {
            let deadline: Deadline = state.withLock { $0.nextDeadline() }
            guard try await stream.read(into: buffer, before: deadline) > 0 else { return nil }
            defer {
                buffer.consume(buffer.count)
                output.raise()
            }
            return state.withLock { $0.receive(buffer.storage[buffer.start..<buffer.end]) }
        } catch NetworkFault.timedOut {
            defer { output.raise() }
            return state.withLock { $0.timePassed() }
        } catch {
            return nil
        }
    }

    // MARK: Writing

    private func writeAll() async {
        do {
            while let bytes = try state.withLock({ try $0.nextOutput() }) {
                if bytes.isEmpty {
                    _ = try await output.wait(until: state.withLock { $0.farewellDeadline })
                } else {
                    try await stream.write(bytes, before: .after(milliseconds: server.limits.writeMilliseconds))
                }
            }
            // Closing with unread bytes would destroy the last words on their way.
            await stream.finishWriting()
            let deadline: Deadline = .after(milliseconds: server.limits.lingerMilliseconds)
            while !state.withLock({ $0.isLost }), try await output.wait(until: deadline) {}
        } catch {
            // The peer is gone or too slow, or the server stops.
        }
        lose()
    }

    // MARK: Ending

    /// Asks the peer to go elsewhere with its next requests.
    func announceShutdown() {
        state.withLock { $0.session.announceShutdown() }
        output.raise()
    }

    /// Takes no further requests and ends when those that run are answered.
    func shutDown() {
        state.withLock { $0.session.shutDown() }
        output.raise()
    }

    /// There is nobody any more: whoever waits for the peer is told.
    private func lose() {
        state.withLock { $0.lose() }
        stream.close()
        output.raise()
    }
}
