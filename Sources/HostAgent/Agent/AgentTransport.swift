import Bytes
import Certificates
import EventLoop
import HTTP
import Limits
import TLS

/// How an agent reaches its servers: over plain TCP, or over TLS 1.3 with whom it trusts and who it is.
final class AgentTransport: Sendable {
    let client: HTTPClient
    /// nil over plain HTTP.
    private let context: TLSClientContext?

    /// Plain HTTP: nothing proves who the server is.
    init(plainOn loop: EventLoop) {
        context = nil
        client = HTTPClient(loop: loop, limits: Self.limits)
    }

    /// HTTPS, with nobody trusted but `trust`.
    init(on loop: EventLoop, trust: ServerTrust, certificate: HostCertificate?) throws(AgentFault) {
        let context: TLSClientContext
        do throws(TLSFault) {
            context = try TLSClientContext(
                identity: certificate?.identity,
                trust: trust.tls,
                protocols: Self.protocols
            )
        } catch {
            throw AgentFault("TLS cannot be set up: \(error)")
        }
        self.context = context
        client = HTTPClient(loop: loop, limits: Self.limits) { endpoint, loop, deadline in
            try await Self.connect(endpoint, loop, deadline, context)
        }
    }

    /// What the next connections trust and show; open ones go on.
    ///
    /// - Parameter certificate: nil shows none.
    func use(_ trust: ServerTrust, certificate: HostCertificate?) throws(AgentFault) {
        do throws(TLSFault) {
            try context?.replace(identity: certificate?.identity, trust: trust.tls)
        } catch {
            throw AgentFault("TLS cannot be set up: \(error)")
        }
    }

    private static let protocols: [String] = ["http/1.1"]

    /// Requests are few and may wait long for the next: no connection is kept for it.
    private static var limits: HTTPClientLimits {
        var limits = HTTPClientLimits()
        limits.idleConnections = 0
        limits.connectMilliseconds = Limits.hostConnectMilliseconds
        return limits
    }

    private static func connect(
        _ endpoint: Endpoint,
        _ loop: EventLoop,
        _ deadline: Deadline,
        _ context: TLSClientContext
    ) async throws -> any ByteStream {
        let socket: SocketStream = try await loop.connect(to: endpoint, before: deadline)
        do {
            let stream: TLSStream = try await context.connect(socket, serverName: nil, before: deadline)
            guard let certificate: Certificate = stream.peerCertificate, ServerIdentity.isServer(certificate) else {
                throw ServerTrust.Mismatch.notAServer(endpoint)
            }
            return stream
        } catch {
            socket.close()
            throw error
        }
    }
}

/// The one authority whose servers an agent obeys.
enum ServerTrust: Sendable {
    /// At first contact: the one that the token names.
    case pinned(AuthorityPin)
    /// Ever after: what the servers said over the pinned connection.
    case authorities([Certificate])

    var tls: TLSTrust {
        switch self {
        case .pinned(let pin): .pinned(authorityFingerprint: pin.fingerprint)
        case .authorities(let certificates): .authorities(certificates)
        }
    }

    var fingerprints: String {
        switch self {
        case .pinned(let pin): Hex.encode(pin.fingerprint)
        case .authorities(let certificates): certificates.map { Hex.encode($0.fingerprint) }.joined(separator: " or ")
        }
    }

    enum Mismatch: Error, CustomStringConvertible {
        case notAServer(Endpoint)

        var description: String {
            switch self {
            case .notAServer(let endpoint):
                "\(endpoint) has a certificate of the cluster's authority, but not one of a server: another host answers there"
            }
        }
    }
}
