internal import EventLoop
internal import Synchronization

/// What the server knows of a connection while its task runs.
final class ConnectionEntry: Sendable {
    let stream: any ByteStream
    /// Between two requests: may be closed without harm.
    let isIdle = Atomic<Bool>(true)
    /// Set when several requests share the connection: it is told to end, and ends by itself.
    private let shared = Mutex<HTTP2Connection?>(nil)

    init(stream: any ByteStream) {
        self.stream = stream
    }

    func share(_ connection: HTTP2Connection) {
        isIdle.store(false, ordering: .sequentiallyConsistent)
        shared.withLock { $0 = connection }
    }

    /// The server will stop soon.
    func drain() { shared.withLock { $0 }?.announceShutdown() }

    /// The server stops.
    func stop() {
        if let connection: HTTP2Connection = shared.withLock({ $0 }) {
            connection.shutDown()
        } else if isIdle.load(ordering: .sequentiallyConsistent) {
            stream.close()
        }
    }
}
