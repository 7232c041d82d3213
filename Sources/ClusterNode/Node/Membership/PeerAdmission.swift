import Authority
import Certificates
import Model
import RaftCore
import Store
import StoreFormat

/// Whether the holder of a certificate may speak as a node: asked on every new connection of the peer address.
///
/// Asked again while a connection stays open. That the certificate is of this cluster's authority, the handshake has found
/// out; whether it has expired since, it cannot.
enum PeerAdmission {
    enum Refusal: Error, Hashable, Sendable, CustomStringConvertible {
        /// No certificate, or none with exactly one identity.
        case nobody
        case foreignCluster
        case notANode(PeerIdentity.Role)
        /// It was a member once.
        case removed(member: UInt64)
        case expired

        var description: String {
            switch self {
            case .nobody: "a certificate that names a node of this cluster is needed"
            case .foreignCluster: "the certificate is for another cluster"
            case .notANode(let role): "the certificate is for a \(role.rawValue), and this address is for nodes"
            case .removed(let member):
                "the node with member id \(member) was removed from the cluster, and is refused for ever"
            case .expired: "the certificate has expired"
            }
        }
    }

    /// - Parameters:
    ///   - configuration: the group's, as this member knows it.
    ///   - now: milliseconds since 1970.
    static func judge(
        _ certificate: Certificate?,
        cluster: UInt64,
        view: StoreView,
        configuration: Configuration,
        now: Int64
    ) throws(Refusal) -> MemberID {
        guard let certificate, let identity = PeerIdentity(certificate) else { throw .nobody }
        guard identity.cluster == cluster else { throw .foreignCluster }
        guard identity.role == .node else { throw .notANode(identity.role) }
        let member = MemberID(identity.number)
        // A node that is new here may not have the other's record yet; what was removed, it is told by either.
        let record: NodeRecord? = view.get(RecordKey(.node, identity.number)).flatMap {
            try? NodeRecord(document: $0.document)
        }
        guard !configuration.removed.contains(member), record?.removed == nil else {
            throw .removed(member: identity.number)
        }
        guard now < certificate.notAfter else { throw .expired }
        return member
    }
}
