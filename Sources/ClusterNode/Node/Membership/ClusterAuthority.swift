import Authority
import Certificates
import JSON
import Model
import Store
import StoreFormat

/// The authority in the replicated state, and how this node opens it.
struct ClusterAuthority: Sendable {
    let cluster: UInt64
    private let sealingKey: [UInt8]

    /// - Parameter sealingKey: this node's; see ``DataFolder/sealingKey()``.
    init(cluster: UInt64, sealingKey: [UInt8]) {
        self.cluster = cluster
        self.sealingKey = sealingKey
    }

    /// For handing over when a node joins.
    var keyForNewNode: [UInt8] { sealingKey }

    /// What is stored; nil in a cluster that was founded before there was an authority.
    static func stored(in view: StoreView) -> SealedAuthority? {
        guard let record: Record = view.get(RecordKey(.clusterKeys, Founding.clusterKeys)),
            let fields: JSONObject = try? JSONReader.parse(record.document).object,
            let certificate: String = fields["authority"]?.string, let key: String = fields["authorityKey"]?.string
        else { return nil }
        return SealedAuthority(certificate: certificate, sealedKey: key)
    }

    /// The authority with its key, for as long as the result is kept.
    func open(in view: StoreView) throws(AuthorityFault) -> CertificateAuthority {
        guard let stored: SealedAuthority = Self.stored(in: view) else {
            throw AuthorityFault("this cluster was founded by a version without certificates and has no authority")
        }
        return try stored.open(key: sealingKey, cluster: cluster)
    }
}
