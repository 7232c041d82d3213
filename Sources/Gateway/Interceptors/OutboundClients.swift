import Certificates
import EventLoop
import Glibc
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
    private let trust = Mutex<TLSClientContext?>(nil)

    /// Where systems keep the authorities that everybody trusts.
    private static let authorities: [String] = [
        "/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/cert.pem",
    ]

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
        return HTTPClient(loop: loop, limits: limits) { [self] endpoint, loop, deadline in
            let stream: SocketStream = try await loop.connect(to: endpoint, before: deadline) { address in
                if let reason: String = AddressRule.refusal(of: address, allowed: allowed) {
                    throw AddressRefused(description: reason)
                }
            }
            guard secure else { return stream }
            return try await context().connect(stream, serverName: endpoint.host, before: deadline)
        }
    }

    private func context() throws -> TLSClientContext {
        if let made: TLSClientContext = trust.withLock({ $0 }) { return made }
        for path in Self.authorities {
            guard let bytes: [UInt8] = Self.read(path) else { continue }
            let made = try TLSClientContext(trust: .authorities(try Certificate.bundle(pem: bytes)))
            trust.withLock { $0 = made }
            return made
        }
        throw AddressRefused(
            description: "this machine has no list of certificate authorities, so no https:// is trusted"
        )
    }

    private static func read(_ path: String) -> [UInt8]? {
        guard let file: UnsafeMutablePointer<FILE> = fopen(path, "re") else { return nil }
        defer { fclose(file) }
        var bytes: [UInt8] = []
        var piece = [UInt8](repeating: 0, count: 64 * 1024)
        while bytes.count < 8 * 1024 * 1024 {
            let count: Int = fread(&piece, 1, piece.count, file)
            guard count > 0 else { break }
            bytes.append(contentsOf: piece[..<count])
        }
        return bytes
    }
}
