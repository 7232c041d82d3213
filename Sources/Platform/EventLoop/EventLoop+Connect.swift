internal import CLinux
internal import Glibc

extension EventLoop {
    /// Connects to `endpoint`; a name is looked up first, and its addresses are tried in turn.
    ///
    /// - Throws: ``NetworkFault`` of the last address that was tried; `CancellationError`.
    package func connect(to endpoint: Endpoint, before deadline: Deadline) async throws -> SocketStream {
        try await connect(to: endpoint, before: deadline) { _ in }
    }

    /// As ``connect(to:before:)``, after `check` has seen every address that the endpoint has, in numbers.
    ///
    /// What was checked is what is connected to: the name is not looked up again.
    package func connect(
        to endpoint: Endpoint,
        before deadline: Deadline,
        check: @escaping @Sendable (_ address: String) throws -> Void
    ) async throws -> SocketStream {
        // Always as a task of the loop: a caller that is on its thread by chance might not come back to it.
        try await run { [self] in
            guard isCurrent else { throw NetworkFault.loopStopped }
            return try await connectHere(endpoint, deadline, check)
        }
    }

    private func connectHere(
        _ endpoint: Endpoint,
        _ deadline: Deadline,
        _ check: @Sendable (_ address: String) throws -> Void
    ) async throws -> SocketStream {
        var fault: any Error = NetworkFault.unknownHost(name: "\(endpoint)", cause: "it has no address")
        let addresses: [SocketAddress] = try await addresses(of: endpoint, deadline)
        for address in addresses { if let host: String = address.endpoint.host { try check(host) } }
        for address in addresses {
            do {
                return try await connect(to: address, endpoint, deadline)
            } catch let error as NetworkFault {
                fault = error
                if deadline.isPast { break }
            }
        }
        throw fault
    }

    /// Connects to a TCP port.
    package func connect(host: String, port: Int, before deadline: Deadline) async throws -> SocketStream {
        try await connect(to: .tcp(host: host, port: port), before: deadline)
    }

    /// Connects to a Unix-domain socket.
    package func connect(unixPath path: String, before deadline: Deadline) async throws -> SocketStream {
        try await connect(to: .unix(path: path), before: deadline)
    }

    private func addresses(of endpoint: Endpoint, _ deadline: Deadline) async throws -> [SocketAddress] {
        switch endpoint {
        case .unix(let path): return [try SocketAddress(unixPath: path)]
        case .tcp(let host, let port):
            guard (0...65_535).contains(port) else {
                throw NetworkFault.unknownHost(name: "\(endpoint)", cause: "a port is a number from 0 to 65535")
            }
            if let address = SocketAddress(literal: host, port: port) { return [address] }
            return try await lookUp(host, port, deadline)
        }
    }

    private func lookUp(_ host: String, _ port: Int, _ deadline: Deadline) async throws -> [SocketAddress] {
        let waiter = Waiter(loop: self)
        let answer = LookupAnswer()
        lookups.find(host, port: port) { [self] result in
            execute {
                answer.result = result
                waiter.wake()
            }
        }
        while answer.result == nil {
            switch await waiter.wait(until: deadline) {
            case .ready: continue
            case .timedOut: throw NetworkFault.timedOut(operation: "look up", object: host)
            case .cancelled: throw CancellationError()
            case .closed: throw NetworkFault.closed
            }
        }
        return try answer.result?.get() ?? []
    }

    private func connect(to address: SocketAddress, _ endpoint: Endpoint, _ deadline: Deadline) async throws
        -> SocketStream
    {
        let kind: Int32 = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_NONBLOCK.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
        let descriptor: Int32 = socket(address.family, kind, 0)
        guard descriptor >= 0 else {
            throw NetworkFault.system(operation: "make a socket for", object: "\(endpoint)", code: errno)
        }
        SocketOption.noDelay(descriptor, family: address.family)
        let code: Int32 = address.withPointer { clinux_connect(descriptor, $0, address.length) == 0 ? 0 : errno }
        guard code == 0 || code == EINPROGRESS else {
            close(descriptor)
            throw NetworkFault.system(operation: "connect to", object: "\(endpoint)", code: code)
        }
        let stream = SocketStream(descriptor: descriptor, loop: self, peer: endpoint)
        guard code == EINPROGRESS else { return stream }
        do {
            try await stream.waitUntilConnected(deadline)
        } catch {
            stream.close()
            throw error
        }
        return stream
    }
}

/// Where a lookup leaves its result.
private final class LookupAnswer: @unchecked Sendable {
    // @unchecked: touched by the loop's thread only.
    var result: Result<[SocketAddress], NetworkFault>?
}
