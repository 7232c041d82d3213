import EventLoop
import HTTP
import Limits
import Synchronization
import TLS

/// An address that a name stands for is not called; says why.
struct AddressRefused: Error, CustomStringConvertible {
    var description: String
}

/// The clients that call interceptors and destinations.
///
/// Each address that a name has is checked, and the one that was checked is connected to. No proxy of the environment, no redirect.
final class OutboundClients: Sendable {
    private struct Place: Hashable {
        var loop: ObjectIdentifier
        var isSecure: Bool
        var allowed: [AddressRange]
    }

    private let clients = Mutex<[Place: HTTPClient]>([:])

    func client(_ loop: EventLoop, secure: Bool, allowed: [AddressRange]) -> HTTPClient {
        let place = Place(loop: ObjectIdentifier(loop), isSecure: secure, allowed: allowed)
        let dropped: [HTTPClient]
        let client: HTTPClient
        (client, dropped) = clients.withLock { clients in
            if let client: HTTPClient = clients[place] { return (client, []) }
            var dropped: [HTTPClient] = []
            if clients.count >= Limits.interceptors * 4 {
                dropped = Array(clients.values)
                clients = [:]
            }
            let client: HTTPClient = make(loop, secure: secure, allowed)
            clients[place] = client
            return (client, dropped)
        }
        for old in dropped { old.close() }
        return client
    }

    private func make(_ loop: EventLoop, secure: Bool, _ allowed: [AddressRange]) -> HTTPClient {
        var limits = HTTPClientLimits()
        limits.idleMilliseconds = Limits.interceptorIdleMilliseconds
        limits.idleConnections = Limits.destinationIdleConnections
        return HTTPClient(loop: loop, limits: limits) { endpoint, loop, deadline in
            let stream: SocketStream = try await loop.connect(to: endpoint, before: deadline) { address in
                if let reason: String = AddressRule.refusal(of: address, allowed: allowed) {
                    throw AddressRefused(description: "\(reason); allowAddresses can allow it")
                }
            }
            guard secure else { return stream }
            return try await SystemAuthorities.context().connect(stream, serverName: endpoint.host, before: deadline)
        }
    }
}
