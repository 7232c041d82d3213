import Authority
import Certificates
import JSON
import Model
import Store
import StoreFormat

/// The authority in the replicated state, and how this node opens it.
struct ClusterAuthority: Sendable {
    let cluster: UInt64
    private let sealingKeys: @Sendable () -> [[UInt8]]

    /// - Parameter sealingKey: this node's; see ``DataFolder/sealingKey()``.
    init(cluster: UInt64, sealingKey: [UInt8]) { self.init(cluster: cluster) { [sealingKey] } }

    /// - Parameter sealingKeys: this node's, of which there are two while the authority is being replaced.
    init(cluster: UInt64, sealingKeys: @escaping @Sendable () -> [[UInt8]]) {
        self.cluster = cluster
        self.sealingKeys = sealingKeys
    }

    /// A rotation that is under way.
    static func rotation(in view: StoreView) -> AuthorityRotation? { fields(view).flatMap { AuthorityRotation($0) } }

    private static func fields(_ view: StoreView) -> JSONObject? {
        view.get(RecordKey(.clusterKeys, Founding.clusterKeys)).flatMap {
            try? JSONReader.parse($0.document).object
        }
    }

    /// What is stored; nil in a cluster that was founded before there was an authority.
    static func stored(in view: StoreView) -> SealedAuthority? {
        guard let fields: JSONObject = fields(view), let certificate: String = fields["authority"]?.string,
            let key: String = fields["authorityKey"]?.string
        else { return nil }
        return SealedAuthority(certificate: certificate, sealedKey: key)
    }

    /// The authority with its key, for as long as the result is kept.
    func open(in view: StoreView) throws(AuthorityFault) -> CertificateAuthority {
        guard let stored: SealedAuthority = Self.stored(in: view) else {
            throw AuthorityFault("this cluster was founded by a version without certificates and has no authority")
        }
        return try open(stored).authority
    }

    /// The authority, and the key that opened it: what a node that joins is handed over.
    func open(_ stored: SealedAuthority) throws(AuthorityFault) -> (authority: CertificateAuthority, key: [UInt8]) {
        var fault = AuthorityFault("this node has no sealing key")
        for key in sealingKeys() {
            do throws(AuthorityFault) {
                return (try stored.open(key: key, cluster: cluster), key)
            } catch {
                fault = error
            }
        }
        throw fault
    }
}
