package import EventLoop
import Glibc
package import HTTP
import Limits
import Synchronization

/// ``PeerForwarding`` over kept connections: a client for each peer and loop, so that no request changes its thread.
package final class PooledPeers: PeerForwarding {
    /// Opens a connection to the peer's listener; the node does TLS and checks that it is that peer.
    ///
    /// A `NetworkFault` with `ECONNREFUSED` says that the peer's process is gone.
    package typealias Connector = @Sendable (PeerAddress, EventLoop, Deadline) async throws -> any ByteStream

    private let ownerOfScope: @Sendable (UInt64) -> ScopeHome
    private let connector: Connector
    private let clients = Mutex<[Place: HTTPClient]>([:])
    /// When each member last answered, in nanoseconds of the monotonic clock.
    private let answered = Mutex<[UInt64: UInt64]>([:])

    private struct Place: Hashable {
        var peer: PeerAddress
        var loop: ObjectIdentifier
    }

    /// What the connector threw, told apart from faults of a connection that was there.
    private struct NotConnected: Error {
        var cause: any Error
    }

    package init(owner: @escaping @Sendable (UInt64) -> ScopeHome, connector: @escaping Connector) {
        ownerOfScope = owner
        self.connector = connector
    }

    package func owner(of scope: UInt64) -> ScopeHome { ownerOfScope(scope) }

    package func send(_ request: HTTPRequest, to peer: PeerAddress, on loop: EventLoop, before deadline: Deadline)
        async throws(ForwardFault) -> HTTPAnswer
    {
        do {
            let answer: HTTPAnswer = try await client(peer, loop).open(
                request,
                to: Self.endpoint(peer),
                limits: Self.limits(deadline)
            )
            answered.withLock { $0[peer.member] = MonotonicClock.now }
            return answer
        } catch {
            throw Self.fault(error)
        }
    }

    package func silentMilliseconds(of peer: PeerAddress) -> Int? {
        let last: UInt64? = answered.withLock { $0[peer.member] }
        return last.map { Int((MonotonicClock.now - $0) / 1_000_000) }
    }

    package func upgrade(_ request: HTTPRequest, to peer: PeerAddress, on loop: EventLoop, before deadline: Deadline)
        async throws(ForwardFault) -> HTTPUpgrade
    {
        do {
            return try await client(peer, loop).upgrade(request, to: Self.endpoint(peer), limits: Self.limits(deadline))
        } catch {
            throw Self.fault(error)
        }
    }

    /// Closes idle connections to a peer that was removed, or whose certificate is no longer good.
    package func forget(_ member: UInt64) {
        answered.withLock { $0[member] = nil }
        let gone: [HTTPClient] = clients.withLock { clients in
            let places: [Place] = clients.keys.filter { $0.peer.member == member }
            return places.compactMap { clients.removeValue(forKey: $0) }
        }
        for client in gone { client.close() }
    }

    package func close() {
        let all: [HTTPClient] = clients.withLock { clients in
            defer { clients = [:] }
            return Array(clients.values)
        }
        for client in all { client.close() }
    }

    private func client(_ peer: PeerAddress, _ loop: EventLoop) -> HTTPClient {
        let place = Place(peer: peer, loop: ObjectIdentifier(loop))
        return clients.withLock { clients in
            if let client: HTTPClient = clients[place] { return client }
            let client = HTTPClient(loop: loop, limits: Self.limits(.never)) { [connector] _, loop, deadline in
                do {
                    return try await connector(peer, loop, deadline)
                } catch {
                    throw NotConnected(cause: error)
                }
            }
            clients[place] = client
            return client
        }
    }

    /// A name for the pool; where the peer is, the connector knows.
    private static func endpoint(_ peer: PeerAddress) -> Endpoint { .tcp(host: peer.name, port: 80) }

    private static func limits(_ deadline: Deadline) -> HTTPClientLimits {
        var limits = HTTPClientLimits()
        limits.connectMilliseconds = Limits.forwardConnectMilliseconds
        limits.idleConnections = Limits.forwardIdleConnections
        guard deadline != .never else { return limits }
        let now: UInt64 = MonotonicClock.now
        let left: UInt64 = deadline.nanoseconds > now ? (deadline.nanoseconds - now) / 1_000_000 : 0
        limits.answerMilliseconds = min(limits.answerMilliseconds, Int(clamping: left))
        return limits
    }

    private static func fault(_ error: any Error) -> ForwardFault {
        guard let error = error as? NotConnected else { return .unknown("\(error)") }
        if case NetworkFault.system(_, _, let code) = error.cause, code == ECONNREFUSED {
            return .refused("\(error.cause)")
        }
        return .neverLeft("\(error.cause)")
    }
}
