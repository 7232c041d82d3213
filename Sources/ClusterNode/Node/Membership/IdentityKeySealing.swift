import Authority
import Gateway
import Store

/// Seals the keys of logins and secrets under the cluster's sealing key, which is in a file of each node and nowhere else.
struct IdentityKeySealing: KeySealing {
    let security: NodeSecurity
    let cluster: UInt64

    /// Under the key that opens the authority in `view`: every member has it.
    func seal(_ key: [UInt8], in view: StoreView) -> String? {
        guard let stored: SealedAuthority = ClusterAuthority.stored(in: view),
            let sealing: [UInt8] = try? security.authority.open(stored).key
        else { return nil }
        return SealedIdentityKeys.seal(key, key: sealing, cluster: cluster)
    }

    func open(_ sealed: String) -> [UInt8]? {
        SealedIdentityKeys.open(sealed, keys: security.sealingKeys, cluster: cluster)
    }
}
