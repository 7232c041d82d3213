package import EventLoop
internal import Synchronization

/// The connecting side: who we are, which servers are believed, which protocols are offered.
///
/// TLS 1.3 only.
package final class TLSClientContext: Sendable {
    private let current: Mutex<TLSContext>

    /// Without an identity no certificate is presented.
    ///
    /// - Throws: ``TLSFault`` with the reason `configuration`.
    package init(identity: TLSIdentity? = nil, trust: TLSTrust, protocols: [String] = []) throws(TLSFault) {
        current = Mutex(try Self.make(identity, trust, protocols))
    }

    /// Replaces everything for the handshakes that begin from now on; open connections go on.
    ///
    /// - Throws: ``TLSFault`` with the reason `configuration`; then all stays as it was.
    package func replace(
        identity: TLSIdentity? = nil,
        trust: TLSTrust,
        protocols: [String] = []
    ) throws(TLSFault) {
        let made: TLSContext = try Self.make(identity, trust, protocols)
        current.withLock { $0 = made }
    }

    /// Shakes hands on a connection that nothing was written to; ends within 10 s whatever the deadline.
    ///
    /// `serverName` is checked against the DNS names (or, when it is numeric, the addresses) of the server's certificate;
    /// without one the caller must look at ``TLSStream/peerCertificate``. That a server refuses *our* certificate shows
    /// only with the first read: TLS 1.3 does not wait for its verdict.
    ///
    /// - Throws: ``TLSFault``, `NetworkFault`, `CancellationError`; the connection is closed then.
    package func connect(
        _ stream: any ByteStream,
        serverName: String?,
        before deadline: Deadline = .never
    ) async throws -> TLSStream {
        let name: ServerName?
        do {
            name = try serverName.map { (text: String) throws(TLSFault) in try ServerName(text) }
        } catch {
            stream.close()
            throw error
        }
        let context: TLSContext = current.withLock { $0 }
        return try await TLSHandshake.run(stream, context, serverName: name, before: deadline)
    }

    private static func make(
        _ identity: TLSIdentity?,
        _ trust: TLSTrust,
        _ protocols: [String]
    ) throws(TLSFault) -> TLSContext {
        try TLSContext(.connecting, identity: identity, trust: trust, requiresCertificate: true, protocols: protocols)
    }
}
