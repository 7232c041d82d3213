import Authority
import Certificates
import Gateway
import JSON
import RaftCore
import Logging
import Store
import Synchronization
import TLS

/// A node's certificate at work: the TLS of its listeners and of its connections to others.
final class NodeSecurity: Sendable {
    private let sealing: Mutex<[[UInt8]]>
    /// For clients and hosts: whoever has a certificate of this cluster may show it, nobody has to, and whoever shows one
    /// of another authority does not get through the handshake.
    let publicContext: TLSServerContext
    /// For nodes; whoever joins has no certificate yet.
    let peerContext: TLSServerContext
    let clientContext: TLSClientContext
    private let cluster: UInt64
    private let current: Mutex<DataFolder.Credentials>

    var credentials: DataFolder.Credentials { current.withLock { $0 } }
    /// Two while the authority is being replaced.
    var sealingKeys: [[UInt8]] { sealing.withLock { $0 } }
    /// The exchange of the authority that this node knows to be under way: looked at for each host that comes.
    let rotation = Mutex<AuthorityRotation?>(nil)

    /// The cluster's, opened with whichever key of this node fits.
    var authority: ClusterAuthority { ClusterAuthority(cluster: cluster) { self.sealingKeys } }

    /// The key that opens the authority that is to come, for another member; nothing is handed out while none is to come.
    func nextSealingKey(named name: String) -> [UInt8]? {
        guard rotation.withLock({ $0?.sealingKey }) == name else { return nil }
        return sealingKeys.first { BackupHeader.name(of: $0) == name }
    }

    /// Whether this node has the sealing key of that name.
    func holds(_ sealingKey: String) -> Bool { sealingKeys.contains { BackupHeader.name(of: $0) == sealingKey } }

    func use(sealingKeys: [[UInt8]]) { sealing.withLock { $0 = sealingKeys } }

    /// Reads the folder's certificates; nil for a node that was founded before there were any.
    static func load(_ folder: DataFolder, _ configuration: NodeConfiguration) throws(NodeFault) -> NodeSecurity? {
        let sealingKeys: [[UInt8]] = try folder.sealingKeys()
        guard let credentials: DataFolder.Credentials = try folder.credentials(), !sealingKeys.isEmpty else {
            return nil
        }
        do throws(TLSFault) {
            return try NodeSecurity(credentials, sealingKeys, configuration.group.cluster)
        } catch {
            throw .storage("the certificate in \(folder.path)/tls cannot be used: \(error)")
        }
    }

    private init(
        _ credentials: DataFolder.Credentials,
        _ sealingKeys: [[UInt8]],
        _ cluster: UInt64
    ) throws(TLSFault) {
        sealing = Mutex(sealingKeys)
        self.cluster = cluster
        let identity: TLSIdentity = Self.identity(credentials)
        let trust: TLSTrust = .authorities(credentials.trusted)
        publicContext = try TLSServerContext(
            identity: identity,
            clientCertificates: .optional(trust),
            protocols: Self.publicProtocols
        )
        peerContext = try TLSServerContext(
            identity: identity,
            clientCertificates: .optional(trust),
            protocols: Self.peerProtocols
        )
        clientContext = try TLSClientContext(identity: identity, trust: trust, protocols: Self.peerProtocols)
        current = Mutex(credentials)
    }

    /// For clients, the preferred first.
    private static let publicProtocols: [String] = ["h2", "http/1.1"]
    /// Between nodes connections become lanes and streams, which begin with HTTP/1.1.
    private static let peerProtocols: [String] = ["http/1.1"]

    private static func identity(_ credentials: DataFolder.Credentials) -> TLSIdentity {
        TLSIdentity(certificates: [credentials.certificate, credentials.authority], key: credentials.key)
    }

    func desk(_ store: Store, incarnation: UInt64) -> HostCertificateDesk {
        HostCertificateDesk(security: self, store: store, incarnation: incarnation)
    }

    /// From the next handshake on; open connections go on as they are.
    func renewed(_ credentials: DataFolder.Credentials, _ logger: Logger) {
        let identity: TLSIdentity = Self.identity(credentials)
        let trust: TLSTrust = .authorities(credentials.trusted)
        do throws(TLSFault) {
            try publicContext.replace(
                identity: identity,
                clientCertificates: .optional(trust),
                protocols: Self.publicProtocols
            )
            try peerContext.replace(
                identity: identity,
                clientCertificates: .optional(trust),
                protocols: Self.peerProtocols
            )
            try clientContext.replace(identity: identity, trust: trust, protocols: Self.peerProtocols)
        } catch {
            logger.error("the new certificate cannot be used; the old one stays", ["error": .string("\(error)")])
            return
        }
        current.withLock { $0 = credentials }
    }
}
