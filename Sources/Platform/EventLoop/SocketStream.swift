internal import CLinux
internal import Glibc

/// A TCP or Unix-domain connection on its loop.
///
/// The descriptor is nonblocking and registered once, edge-triggered for both directions, at the first wait.
package final class SocketStream: ByteStream, Watched, @unchecked Sendable {
    // @unchecked: all mutable fields are touched by the loop's thread only; calls from elsewhere hop there. An actor
    // may have been on this thread by chance and come back on another, so every wait is followed by a new look.

    package let loop: EventLoop
    package let local: Endpoint
    package let peer: Endpoint

    private(set) var descriptor: Int32
    private var token: UInt64?
    var isRegistered: Bool { token != nil }
    /// Reading may give something; not ready after the kernel said that there is nothing.
    let input: Waiter
    let output: Waiter
    /// Made for whoever waits for it: few do.
    private var peerClose: Waiter?
    /// The peer has ended its side: reading always gives something (bytes, the end or an error).
    private(set) var sawHangup: Bool = false
    /// Who uses the stream without a task; see ``attend(_:)``.
    var attendant: (any StreamAttendant)?
    /// What an attendant has sent and the system has not taken yet.
    var unsent: [UInt8] = []

    /// Takes over a connected (or connecting), nonblocking descriptor.
    init(descriptor: Int32, loop: EventLoop, peer: Endpoint) {
        self.descriptor = descriptor
        self.loop = loop
        self.peer = peer
        local = SocketAddress.local(of: descriptor)?.endpoint ?? .unix(path: "")
        input = Waiter(loop: loop, isReady: true)
        output = Waiter(loop: loop, isReady: true)
    }

    deinit {
        // Nobody holds the stream, so nobody waits on it; only its registration is left to be removed.
        let (loop, token, descriptor): (EventLoop, UInt64?, Int32) = (loop, token, descriptor)
        guard descriptor >= 0 else { return }
        guard let token, !loop.isCurrent else {
            if let token { loop.registry.remove(token) }
            Glibc.close(descriptor)
            return
        }
        Glibc.close(descriptor)
        loop.execute { loop.registry.remove(token) }
    }

    // MARK: Reading

    package func read(into buffer: ReadBuffer, before deadline: Deadline) async throws -> Int {
        while true {
            guard loop.isCurrent else {
                let bytes: [UInt8] = try await read(upTo: 64 * 1024, before: deadline)
                buffer.append(bytes)
                return bytes.count
            }
            guard descriptor >= 0 else { throw NetworkFault.closed }
            if input.isReady {
                let (count, filledUp): (Int, Bool) = buffer.fill { recv(descriptor, $0.baseAddress, $0.count, 0) }
                if count >= 0 {
                    // A short read has drained the socket, unless its end is still to be read.
                    if !filledUp && !sawHangup { input.isReady = false }
                    return count
                }
                try check("read from", errno)
                input.isReady = sawHangup
            } else {
                buffer.rest()
                try register()
                try await wait(input, deadline, "read from")
            }
        }
    }

    package func read(upTo limit: Int, before deadline: Deadline) async throws -> [UInt8] {
        let size: Int = min(limit, 64 * 1024)
        while true {
            guard loop.isCurrent else {
                return try await loop.run { [self] in
                    guard loop.isCurrent else { throw NetworkFault.loopStopped }
                    return try await read(upTo: limit, before: deadline)
                }
            }
            guard descriptor >= 0 else { throw NetworkFault.closed }
            if input.isReady {
                var code: Int32 = 0
                var received: Int = 0
                let bytes = [UInt8](unsafeUninitializedCapacity: size) { space, count in
                    received = recv(descriptor, space.baseAddress, size, 0)
                    code = errno
                    count = max(0, received)
                }
                if received >= 0 {
                    if received < size && !sawHangup { input.isReady = false }
                    return bytes
                }
                try check("read from", code)
                input.isReady = sawHangup
            } else {
                try register()
                try await wait(input, deadline, "read from")
            }
        }
    }

    // MARK: Writing

    package func write(_ bytes: [UInt8], before deadline: Deadline) async throws {
        var sent: Int = 0
        while sent < bytes.count {
            guard loop.isCurrent else {
                let rest: [UInt8] = sent == 0 ? bytes : Array(bytes[sent...])
                return try await loop.run { [self] in
                    guard loop.isCurrent else { throw NetworkFault.loopStopped }
                    try await write(rest, before: deadline)
                }
            }
            guard descriptor >= 0 else { throw NetworkFault.closed }
            if output.isReady {
                let count: Int = bytes.withUnsafeBytes { bytes in
                    send(descriptor, bytes.baseAddress.map { $0 + sent }, bytes.count - sent, Int32(MSG_NOSIGNAL))
                }
                if count >= 0 {
                    sent += count
                } else {
                    try check("write to", errno)
                    output.isReady = false
                }
            } else {
                try register()
                try await wait(output, deadline, "write to")
            }
        }
    }

    package func finishWriting() async {
        loop.execute { [self] in
            if descriptor >= 0 { shutdown(descriptor, Int32(SHUT_WR)) }
        }
    }

    // MARK: The peer

    package func isQuiet() async -> Bool {
        guard loop.isCurrent else {
            return (try? await loop.run { [self] in loop.isCurrent && isQuietNow }) ?? false
        }
        return isQuietNow
    }

    package func waitForPeerClose() async throws {
        while true {
            guard loop.isCurrent else {
                return try await loop.run { [self] in
                    if loop.isCurrent { try await waitForPeerClose() }
                }
            }
            guard descriptor >= 0, !sawHangup else { return }
            try register()
            // The edge may have come before anybody registered for it.
            let waiter: Waiter = peerClose ?? Waiter(loop: loop)
            peerClose = waiter
            if await waiter.wait(until: .never) == .cancelled { throw CancellationError() }
        }
    }

    package func close() {
        loop.execute { [self] in closeNow() }
    }

    /// Waits until a connection that is being made is there.
    func waitUntilConnected(_ deadline: Deadline) async throws {
        output.isReady = false
        while !output.isReady {
            try register()
            try await wait(output, deadline, "connect to")
        }
        var code: Int32 = 0
        var length = socklen_t(MemoryLayout<Int32>.size)
        getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &code, &length)
        guard code == 0 else { throw NetworkFault.system(operation: "connect to", object: "\(peer)", code: code) }
    }

    // MARK: On the loop's thread

    func ready(_ events: UInt32) {
        if events & Readiness.hangup != 0 { sawHangup = true }
        if events & (Readiness.input | Readiness.hangup) != 0 {
            input.wake()
        }
        if events & (Readiness.output | Readiness.hangup) != 0 {
            output.wake()
        }
        if sawHangup { peerClose?.wake() }
        attendant?.streamIsReady()
    }

    func loopEnds() {
        closeNow()
    }

    private func closeNow() {
        guard descriptor >= 0 else { return }
        if let token { loop.registry.remove(token) }
        token = nil
        Glibc.close(descriptor)  // also removes it from epoll
        descriptor = -1
        input.close()
        output.close()
        peerClose?.close()
        // It finds the stream closed, and nothing holds it here from now on.
        attendant.take()?.streamIsReady()
    }

    func register() throws {
        guard token == nil else { return }
        guard !loop.stopping else { throw NetworkFault.loopStopped }
        let new: UInt64 = loop.registry.add(self)
        var event = epoll_event()
        event.events = Readiness.input | Readiness.output | Readiness.peerClosed | Readiness.edgeTriggered
        event.data.u64 = new
        guard epoll_ctl(loop.epoll, EPOLL_CTL_ADD, descriptor, &event) == 0 else {
            let code: Int32 = errno
            loop.registry.remove(new)
            throw NetworkFault.system(operation: "watch", object: "\(peer)", code: code)
        }
        token = new
    }

    /// Called once the descriptor is registered.
    private func wait(_ waiter: Waiter, _ deadline: Deadline, _ operation: String) async throws {
        switch await waiter.wait(until: deadline) {
        case .ready: return
        case .timedOut: throw NetworkFault.timedOut(operation: operation, object: "\(peer)")
        case .cancelled: throw CancellationError()
        case .closed: throw NetworkFault.closed
        }
    }

    /// Returns when the operation is worth another try after a wait.
    func check(_ operation: String, _ code: Int32) throws {
        guard code != EAGAIN, code != EINTR else { return }
        throw NetworkFault.system(operation: operation, object: "\(peer)", code: code)
    }
}
