import Bytes
import Certificates
import EventLoop
import HTTP
import Limits
import Synchronization
import TLS

/// How an agent reaches its servers: over plain TCP, or over TLS 1.3 with whom it trusts and who it is.
final class AgentTransport: Sendable {
    let client: HTTPClient
    /// nil over plain HTTP.
    private let context: TLSClientContext?
    private let wanted: Wanted

    /// The fingerprints of those who are trusted now, for messages.
    private final class Wanted: Sendable {
        private let text: Mutex<String>

        init(_ text: String) { self.text = Mutex(text) }

        var value: String {
            get { text.withLock { $0 } }
            set { text.withLock { $0 = newValue } }
        }
    }

    var isSecure: Bool { context != nil }

    /// Plain HTTP: nothing proves who the server is.
    init(plainOn loop: EventLoop) {
        context = nil
        wanted = Wanted("")
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
        let wanted = Wanted(trust.fingerprints)
        self.wanted = wanted
        client = HTTPClient(loop: loop, limits: Self.limits) { endpoint, loop, deadline in
            try await Self.connect(endpoint, loop, deadline, context, wanted)
        }
    }

    /// What the next connections trust and show; open ones go on.
    ///
    /// - Parameter certificate: nil shows none.
    func use(_ trust: ServerTrust, certificate: HostCertificate?) throws(AgentFault) {
        do throws(TLSFault) {
            try context?.replace(identity: certificate?.identity, trust: trust.tls, protocols: Self.protocols)
            wanted.value = trust.fingerprints
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
        _ context: TLSClientContext,
        _ wanted: Wanted
    ) async throws -> any ByteStream {
        let socket: SocketStream = try await loop.connect(to: endpoint, before: deadline)
        do {
            let stream: TLSStream = try await context.connect(socket, serverName: nil, before: deadline)
            guard let certificate: Certificate = stream.peerCertificate, ServerIdentity.isServer(certificate) else {
                throw ServerTrust.Mismatch.notAServer(endpoint)
            }
            return stream
        } catch let fault as TLSFault where fault.reason == .unknownAuthority {
            let presented: String = fault.presentedFingerprint.map { Hex.encode($0) } ?? "none"
            throw ServerTrust.Mismatch.foreign(endpoint, wanted: wanted.value, presented: presented)
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
        case foreign(Endpoint, wanted: String, presented: String)

        var description: String {
            switch self {
            case .foreign(let endpoint, let wanted, let presented):
                "\(endpoint) is no server of the cluster that this host trusts: the wanted authority has the fingerprint \(wanted), "
                    + "the one that answers there has \(presented). Nothing was sent. Give the address of the right "
                    + "cluster, or a new token of this one, whose fourth part is that fingerprint; if neither helps, "
                    + "somebody stands between"
            case .notAServer(let endpoint):
                "\(endpoint) has a certificate of the cluster's authority, but not one of a server: another host answers there"
            }
        }
    }
}
