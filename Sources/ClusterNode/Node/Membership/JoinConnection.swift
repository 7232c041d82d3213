import Authority
import EventLoop
import HTTP
import TLS

/// Connections for joining: TLS to whoever the token's authority has certified as a node, and to nobody else.
enum JoinConnection {
    /// The machine has no name for the other side yet, and no certificate of its own: all that it believes is the
    /// fingerprint in its token.
    ///
    /// A host's certificate is of the same authority, so the role is looked at before a byte of the token is sent.
    static func connector(_ fingerprint: [UInt8]) throws -> HTTPClient.Connector {
        let context = try TLSClientContext(
            identity: nil,
            trust: .pinned(authorityFingerprint: fingerprint),
            protocols: ["http/1.1"]
        )
        return { endpoint, loop, deadline in
            let plain: SocketStream = try await loop.connect(to: endpoint, before: deadline)
            let stream: TLSStream = try await context.connect(plain, serverName: nil, before: deadline)
            guard let certificate = stream.peerCertificate, PeerIdentity(certificate)?.role == .node else {
                stream.close()
                throw NotANode(endpoint: endpoint)
            }
            return stream
        }
    }

    /// Somebody of the right cluster answered, but no node of it.
    struct NotANode: Error, CustomStringConvertible {
        var endpoint: Endpoint
        var description: String { "whoever answers at \(endpoint) is no server node of the cluster" }
    }
}
