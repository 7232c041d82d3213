internal import Bytes
package import Certificates
internal import Crypto

/// The cluster's certificate authority as it is replicated: its certificate for everyone, its key for nodes only.
///
/// The key is sealed under the sealing key, which each node keeps in a file of its own and which is handed over when a node
/// joins: neither the log nor a backup opens it. Bound to the cluster's id, so that one cluster's authority cannot be put
/// in another one's place.
package struct SealedAuthority: Hashable, Sendable {
    /// PEM.
    package var certificate: String
    /// Base64 of what ``SealedBox`` made of the key's PEM.
    package var sealedKey: String

    package init(certificate: String, sealedKey: String) {
        self.certificate = certificate
        self.sealedKey = sealedKey
    }

    /// The length of a sealing key.
    package static let sealingKeyBytes: Int = 32

    package static func newSealingKey() -> [UInt8] { SecureRandom.bytes(sealingKeyBytes) }

    /// Seals an authority for replication.
    package init(
        sealing authority: CertificateAuthority,
        key: [UInt8],
        cluster: UInt64
    ) throws(AuthorityFault) {
        do throws(CryptoFault) {
            let sealed: [UInt8] = try SealedBox.seal(authority.key.pem, key: key, binding: Self.binding(cluster))
            self.init(
                certificate: String(decoding: authority.certificate.pem, as: UTF8.self),
                sealedKey: Base64.encode(sealed)
            )
        } catch {
            throw AuthorityFault("the authority's key cannot be sealed: \(error)")
        }
    }

    /// The authority with its key, for as long as something is issued.
    ///
    /// - Throws: when the sealing key is another one, the cluster is another one, or a byte was altered.
    package func open(key: [UInt8], cluster: UInt64) throws(AuthorityFault) -> CertificateAuthority {
        guard let sealed: [UInt8] = Base64.decode(sealedKey) else {
            throw AuthorityFault("the authority's key in the state is damaged: it is not base64")
        }
        let pem: [UInt8]
        do throws(CryptoFault) {
            pem = try SealedBox.open(sealed, key: key, binding: Self.binding(cluster))
        } catch {
            throw AuthorityFault(
                "the authority's key does not open with this node's sealing.key: put back the file of this cluster, or take "
                    + "it from the data folder of another node"
            )
        }
        do throws(CertificateFault) {
            return try CertificateAuthority(certificate: try parsed(), key: try PrivateKey(pem: pem))
        } catch {
            throw AuthorityFault("the authority in the state is damaged: \(error)")
        }
    }

    /// The certificate, which everyone may see.
    package func parsed() throws(CertificateFault) -> Certificate { try Certificate(pem: Array(certificate.utf8)) }

    private static func binding(_ cluster: UInt64) -> [UInt8] {
        Array("drover authority \(ClusterID.text(cluster))".utf8)
    }
}

/// Something is wrong with the authority or with a certificate of it.
package struct AuthorityFault: Error, Hashable, Sendable, CustomStringConvertible {
    package var description: String
    package init(_ description: String) { self.description = description }
}
