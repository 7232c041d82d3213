package import EventLoop
internal import Synchronization

/// The accepting side: who we are, which clients are believed, which protocols are served.
///
/// TLS 1.3 only. There are no tickets and no resumption: every connection shows its certificate.
package final class TLSServerContext: Sendable {
    private let current: Mutex<TLSContext>

    /// `protocols` are names of ALPN, the preferred first; a client that offers others only is refused, one that offers
    /// none is taken.
    ///
    /// - Throws: ``TLSFault`` with the reason `configuration`.
    package init(
        identity: TLSIdentity,
        clientCertificates: TLSClientCertificates = .none,
        protocols: [String] = []
    ) throws(TLSFault) {
        current = Mutex(try Self.make(identity, clientCertificates, protocols))
    }

    /// Replaces everything for the handshakes that begin from now on; open connections go on.
    ///
    /// - Throws: ``TLSFault`` with the reason `configuration`; then all stays as it was.
    package func replace(
        identity: TLSIdentity,
        clientCertificates: TLSClientCertificates = .none,
        protocols: [String] = []
    ) throws(TLSFault) {
        let made: TLSContext = try Self.make(identity, clientCertificates, protocols)
        current.withLock { $0 = made }
    }

    /// Shakes hands on a connection that nothing was read from; ends within 10 s whatever the deadline.
    ///
    /// - Throws: ``TLSFault``, `NetworkFault`, `CancellationError`; the connection is closed then.
    package func accept(_ stream: any ByteStream, before deadline: Deadline = .never) async throws -> TLSStream {
        let context: TLSContext = current.withLock { $0 }
        return try await TLSHandshake.run(stream, context, serverName: nil, before: deadline)
    }

    private static func make(
        _ identity: TLSIdentity,
        _ clients: TLSClientCertificates,
        _ protocols: [String]
    ) throws(TLSFault) -> TLSContext {
        let isRequired: Bool = if case .required = clients { true } else { false }
        return try TLSContext(
            .accepting,
            identity: identity,
            trust: clients.trust,
            requiresCertificate: isRequired,
            protocols: protocols
        )
    }
}
