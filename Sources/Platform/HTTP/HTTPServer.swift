package import EventLoop
internal import Synchronization

/// An HTTP server: one listener, whose connections are dealt out to the loops.
///
/// What a wrapper has negotiated as `h2` is served as HTTP/2, everything else as HTTP/1.1.
///
/// A connection is a stranger's until its wrapper is done and `isKnown` holds of it. Strangers are bounded for each
/// address, so that none of them can take all connections from those who are known.
package final class HTTPServer: Sendable {
    /// Runs on the connection's loop; must not block its thread.
    package typealias Handler = @Sendable (HTTPRequest, ConnectionInfo) async -> HTTPResponse
    /// Turns a plain connection into another kind of stream, as TLS does.
    package typealias Wrapper = @Sendable (any ByteStream) async throws -> any ByteStream

    /// Whether the handler takes the long body of this request, of which only the head has come, piece by piece.
    package typealias Streams = @Sendable (HTTPRequest, ConnectionInfo) -> Bool

    /// Where it listens, with the real port.
    package let endpoint: Endpoint

    let limits: HTTPServerLimits
    let handler: Handler
    let refusal: @Sendable (HTTPRefusal) -> HTTPResponse
    let streams: Streams?
    let relay: (any RequestRelay)?

    private let loops: Loops
    private let listener: Listener
    private let wrapper: Wrapper?
    private let isKnown: @Sendable (any ByteStream) -> Bool
    private let stopping = Atomic<Bool>(false)
    private let draining = Atomic<Bool>(false)
    private let state = Mutex<State>(State())

    private struct State {
        var next: UInt64 = 0
        var connections: [UInt64: Connection] = [:]
        var strangers: [String: Int] = [:]
        var accepting: Task<Void, Never>?
        /// Who waits until there are no connections.
        var whenEmpty: [CheckedContinuation<Void, Never>] = []
    }

    private struct Connection {
        var entry: ConnectionEntry
        var task: Task<Void, Never>?
    }

    /// Listens and serves until ``stop(graceMilliseconds:)``.
    ///
    /// `refusal` renders what is answered to requests that never reach the handler; its body must be bytes. Bodies of
    /// more than ``Limits/httpStreamedBodyBytes`` come as a ``BodyStream`` where `streams` says so; who reads such a
    /// stream has ended when the handler's answer has. `relay` is asked before the handler about requests over HTTP/1.1 that
    /// repeat the last one of their connection.
    ///
    /// - Throws: ``NetworkFault`` naming the address, when it is taken or not ours.
    package static func start(
        on endpoint: Endpoint,
        loops: Loops,
        limits: HTTPServerLimits = HTTPServerLimits(),
        wrapper: Wrapper? = nil,
        isKnown: @escaping @Sendable (any ByteStream) -> Bool = { _ in true },
        refusal: @escaping @Sendable (HTTPRefusal) -> HTTPResponse = { .text($0.status, $0.message) },
        streams: Streams? = nil,
        relay: (any RequestRelay)? = nil,
        handler: @escaping Handler
    ) throws(NetworkFault) -> HTTPServer {
        let listener: Listener = try .bind(endpoint, on: loops.next())
        let server = HTTPServer(listener, loops, limits, wrapper, isKnown, refusal, streams, relay, handler)
        let task = Task(executorPreference: listener.loop) { await server.accept() }
        server.state.withLock { $0.accepting = task }
        return server
    }

    private init(
        _ listener: Listener,
        _ loops: Loops,
        _ limits: HTTPServerLimits,
        _ wrapper: Wrapper?,
        _ isKnown: @escaping @Sendable (any ByteStream) -> Bool,
        _ refusal: @escaping @Sendable (HTTPRefusal) -> HTTPResponse,
        _ streams: Streams?,
        _ relay: (any RequestRelay)?,
        _ handler: @escaping Handler
    ) {
        self.listener = listener
        self.loops = loops
        self.limits = limits
        self.wrapper = wrapper
        self.isKnown = isKnown
        self.refusal = refusal
        self.streams = streams
        self.relay = relay
        self.handler = handler
        endpoint = listener.endpoint
    }

    var isStopping: Bool { stopping.load(ordering: .sequentiallyConsistent) }

    /// Each answer is the last of its connection.
    var isDraining: Bool { draining.load(ordering: .sequentiallyConsistent) }

    /// How many connections are open.
    package var connectionCount: Int { state.withLock { $0.connections.count } }

    /// Stops accepting, closes idle connections, lets running requests finish until the grace is over, then ends them.
    ///
    /// Returns when all connections are closed.
    ///
    /// - Parameter drainMilliseconds: how long it serves on first, also who comes anew, and ends each connection with its
    ///   next answer; after it as long again whoever came before the door was closed may say what he wants.
    package func stop(graceMilliseconds: Int, drainMilliseconds: Int = 0) async {
        draining.store(true, ordering: .sequentiallyConsistent)
        for connection in connections { connection.entry.drain() }
        if drainMilliseconds > 0 { try? await listener.loop.sleep(milliseconds: drainMilliseconds) }
        listener.close()
        let accepting: Task<Void, Never>? = state.withLock { $0.accepting }
        await accepting?.value
        if drainMilliseconds > 0 { try? await listener.loop.sleep(milliseconds: drainMilliseconds) }
        stopping.store(true, ordering: .sequentiallyConsistent)

        let open: [Connection] = connections
        for connection in open { connection.entry.stop() }
        let grace = Task(executorPreference: listener.loop) { [self] in
            try? await listener.loop.sleep(milliseconds: graceMilliseconds)
            guard !Task.isCancelled else { return }
            for connection in state.withLock({ Array($0.connections.values) }) {
                connection.task?.cancel()
                connection.entry.stream.close()
            }
        }
        // A connection that is no longer HTTP has another task by now, or none.
        while case let tasks = state.withLock({ $0.connections.values.compactMap(\.task) }), !tasks.isEmpty {
            for task in tasks { await task.value }
        }
        await untilEmpty()
        grace.cancel()
        await grace.value
    }

    private var connections: [Connection] { state.withLock { Array($0.connections.values) } }

    private func untilEmpty() async {
        await withCheckedContinuation { (continuation: CheckedContinuation<Void, Never>) in
            let isEmpty: Bool = state.withLock { state in
                if !state.connections.isEmpty { state.whenEmpty.append(continuation) }
                return state.connections.isEmpty
            }
            if isEmpty { continuation.resume() }
        }
    }

    private func forget(_ number: UInt64) {
        let waiting: [CheckedContinuation<Void, Never>] = state.withLock { state in
            state.connections[number] = nil
            guard state.connections.isEmpty else { return [] }
            defer { state.whenEmpty = [] }
            return state.whenEmpty
        }
        for continuation in waiting { continuation.resume() }
    }

    // MARK: Accepting

    private func accept() async {
        while true {
            do {
                take(try await listener.accept(onto: loops.next()))
            } catch {
                return  // closed
            }
        }
    }

    private func take(_ stream: SocketStream) {
        let entry = ConnectionEntry(stream: stream)
        let address: String = stream.peer.host ?? ""
        let number: UInt64? = state.withLock { state in
            guard state.connections.count < limits.connections,
                state.strangers[address, default: 0] < limits.strangersPerAddress
            else { return nil }
            state.strangers[address, default: 0] += 1
            state.next += 1
            state.connections[state.next] = Connection(entry: entry)
            return state.next
        }
        // The task is known before its connection can be forgotten: it waits for the lock at its end.
        state.withLock { state in
            let task = Task(executorPreference: stream.loop) { [self] in
                guard let number else { return await refuseConnection(stream) }
                goOn(with: await serve(entry, address), number, entry)
            }
            if let number { state.connections[number]?.task = task }
        }
    }

    /// In a task of its own: what the one before took of memory for its frames is given back.
    private func goOn(with afterwards: ServerConnection.Afterwards?, _ number: UInt64, _ entry: ConnectionEntry) {
        switch afterwards {
        case nil: forget(number)
        case .task(let run):
            state.withLock { state in
                let task = Task(executorPreference: entry.stream.loop) { [self] in
                    goOn(with: await run(), number, entry)
                }
                if Task.isCancelled { task.cancel() }
                state.connections[number]?.task = task
            }
        case .handOver(let begin):
            state.withLock { $0.connections[number]?.task = nil }
            // What would cancel a task closes the stream as well, and whoever has it now hears of that.
            let isBegun: Bool = entry.stream.loop.execute { begin { [self] in forget(number) } }
            guard !isBegun else { return }
            entry.stream.close()
            forget(number)
        }
    }

    private func serve(_ entry: ConnectionEntry, _ address: String) async -> ServerConnection.Afterwards? {
        var isStranger: Bool = true
        defer { if isStranger { becameKnown(address) } }
        do {
            let stream: any ByteStream = try await wrapper?(entry.stream) ?? entry.stream
            if isKnown(stream) {
                isStranger = false
                becameKnown(address)
            }
            // When it ends it has closed the stream, which may still have a last word to say below the wrapper.
            if stream.negotiatedProtocol == HTTP2Connection.protocolName {
                try await HTTP2Connection(stream: stream, server: self).serve(entry)
                return nil
            }
            let connection = ServerConnection(entry: entry, stream: stream, server: self)
            guard let afterwards = await connection.serve() else { return nil }
            guard isStranger else { return afterwards }
            isStranger = false
            return stillStrange(afterwards, address)
        } catch {
            entry.stream.close()  // the wrapper did not accept the peer, or there is no memory
            return nil
        }
    }

    private func stillStrange(_ afterwards: ServerConnection.Afterwards, _ address: String)
        -> ServerConnection.Afterwards
    {
        switch afterwards {
        case .task(let run):
            .task { [self] in
                if let next: ServerConnection.Afterwards = await run() { return stillStrange(next, address) }
                becameKnown(address)
                return nil
            }
        case .handOver(let begin):
            .handOver { ended in
                begin { [self] in
                    becameKnown(address)
                    ended()
                }
            }
        }
    }

    /// Or is gone.
    private func becameKnown(_ address: String) {
        state.withLock { state in
            let left: Int = (state.strangers[address] ?? 1) - 1
            state.strangers[address] = left > 0 ? left : nil
        }
    }

    private func refuseConnection(_ stream: SocketStream) async {
        let answer: String = "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
        try? await stream.write(Array(answer.utf8), before: .after(milliseconds: 0))
        stream.close()
    }
}
