internal import CLinux
internal import Glibc

/// A bound socket that takes connections.
package final class Listener: Watched, @unchecked Sendable {
    // @unchecked: mutable fields are touched by the loop's thread only; `accept` and `close` hop there.

    package let loop: EventLoop
    /// Where it listens, with the port that the system chose when 0 was asked for.
    package let endpoint: Endpoint

    private var descriptor: Int32
    private var token: UInt64?
    private let input: Waiter

    /// How long to wait when the process has no descriptor left for another connection.
    private static let exhaustedMilliseconds: Int = 100
    private static let backlog: Int32 = 1_024

    /// Binds and listens.
    ///
    /// A host must be a numeric literal. A Unix path that is left from a dead process is taken over; one that somebody
    /// still answers on is not.
    ///
    /// - Throws: ``NetworkFault/addressInUse(_:holder:)`` and others that name the address.
    package static func bind(_ endpoint: Endpoint, on loop: EventLoop) throws(NetworkFault) -> Listener {
        let address: SocketAddress = try address(of: endpoint)
        let kind: Int32 = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_NONBLOCK.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
        let descriptor: Int32 = socket(address.family, kind, 0)
        guard descriptor >= 0 else {
            throw .system(operation: "make a socket for", object: "\(endpoint)", code: errno)
        }
        do throws(NetworkFault) {
            if case .unix(let path) = endpoint { try removeDeadSocket(path, address) }
            SocketOption.reuseAddress(descriptor)
            guard address.withPointer({ clinux_bind(descriptor, $0, address.length) }) == 0 else {
                throw fault("bind", endpoint, errno)
            }
            guard listen(descriptor, backlog) == 0 else { throw fault("listen on", endpoint, errno) }
        } catch {
            Glibc.close(descriptor)
            throw error
        }
        return Listener(descriptor: descriptor, endpoint: endpoint, loop: loop)
    }

    private init(descriptor: Int32, endpoint: Endpoint, loop: EventLoop) {
        self.descriptor = descriptor
        self.loop = loop
        self.endpoint = SocketAddress.local(of: descriptor)?.endpoint ?? endpoint
        input = Waiter(loop: loop, isReady: true)
    }

    deinit {
        let (loop, token): (EventLoop, UInt64?) = (loop, token)
        if descriptor >= 0 { Glibc.close(descriptor) }
        if let token { loop.execute { loop.registry.remove(token) } }
    }

    /// Waits for the next connection, which will belong to `owner`.
    ///
    /// - Throws: ``NetworkFault/closed`` after ``close()``, `CancellationError`.
    package func accept(onto owner: EventLoop) async throws -> SocketStream {
        while true {
            guard loop.isCurrent else {
                return try await loop.run { [self] in
                    guard loop.isCurrent else { throw NetworkFault.loopStopped }
                    return try await accept(onto: owner)
                }
            }
            guard descriptor >= 0 else { throw NetworkFault.closed }
            guard input.isReady else {
                try await waitForConnection()
                continue
            }
            let flags: Int32 = Int32(SOCK_NONBLOCK.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
            let connection: Int32 = clinux_accept4(descriptor, nil, nil, flags)
            if connection >= 0 { return stream(connection, owner) }
            switch errno {
            case EAGAIN: input.isReady = false
            case EMFILE, ENFILE, ENOBUFS, ENOMEM: try await loop.sleep(milliseconds: Self.exhaustedMilliseconds)
            case EBADF, EINVAL, ENOTSOCK:
                throw NetworkFault.system(operation: "accept on", object: "\(endpoint)", code: errno)
            default: continue  // that one connection broke before it was taken
            }
        }
    }

    /// Stops listening; a waiting ``accept(onto:)`` fails.
    ///
    /// The path of a Unix socket is removed.
    package func close() {
        loop.execute { [self] in closeNow() }
    }

    func ready(_ events: UInt32) {
        input.wake()
    }

    func loopEnds() {
        closeNow()
    }

    private func closeNow() {
        guard descriptor >= 0 else { return }
        if let token { loop.registry.remove(token) }
        token = nil
        Glibc.close(descriptor)
        descriptor = -1
        if case .unix(let path) = endpoint { unlink(path) }
        input.close()
    }

    private func stream(_ connection: Int32, _ owner: EventLoop) -> SocketStream {
        let peer: SocketAddress? = .peer(of: connection)
        if let peer { SocketOption.noDelay(connection, family: peer.family) }
        return SocketStream(descriptor: connection, loop: owner, peer: peer?.endpoint ?? .unix(path: ""))
    }

    private func waitForConnection() async throws {
        if token == nil {
            guard !loop.stopping else { throw NetworkFault.loopStopped }
            let new: UInt64 = loop.registry.add(self)
            var event = epoll_event()
            event.events = Readiness.input | Readiness.edgeTriggered
            event.data.u64 = new
            guard epoll_ctl(loop.epoll, EPOLL_CTL_ADD, descriptor, &event) == 0 else {
                let code: Int32 = errno
                loop.registry.remove(new)
                throw NetworkFault.system(operation: "watch", object: "\(endpoint)", code: code)
            }
            token = new
        }
        switch await input.wait(until: .never) {
        case .ready, .timedOut: return
        case .cancelled: throw CancellationError()
        case .closed: throw NetworkFault.closed
        }
    }

    private static func address(of endpoint: Endpoint) throws(NetworkFault) -> SocketAddress {
        switch endpoint {
        case .unix(let path): return try SocketAddress(unixPath: path)
        case .tcp(let host, let port):
            guard (0...65_535).contains(port), let address = SocketAddress(literal: host, port: port) else {
                throw .unknownHost(name: "\(endpoint)", cause: "listen addresses are numeric, such as 127.0.0.1:8080")
            }
            return address
        }
    }

    private static func fault(_ operation: String, _ endpoint: Endpoint, _ code: Int32) -> NetworkFault {
        guard code == EADDRINUSE else { return .system(operation: operation, object: "\(endpoint)", code: code) }
        var holder: PortHolder?
        if case .tcp(let host, let port) = endpoint { holder = PortHolder.find(address: host, port: port) }
        return .addressInUse("\(endpoint)", holder: holder)
    }

    /// A socket file outlives its process; it is in the way only while somebody answers on it.
    private static func removeDeadSocket(_ path: String, _ address: SocketAddress) throws(NetworkFault) {
        let probe: Int32 = socket(
            AF_UNIX,
            Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue) | Int32(SOCK_NONBLOCK.rawValue),
            0
        )
        guard probe >= 0 else { return }
        defer { Glibc.close(probe) }
        let code: Int32 = address.withPointer { clinux_connect(probe, $0, address.length) == 0 ? 0 : errno }
        if code == ECONNREFUSED { unlink(path) }
    }
}
