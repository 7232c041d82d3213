internal import Model

/// Whose an address is, by the cluster numbers in it.
///
/// Pure. Under the federation's host name `1a5` would be the environment of any of its clusters, so it is none.
package enum FederatedAddress: Equatable, Sendable {
    /// It names things of this cluster, or nothing that has a number: the path's segments as this cluster has them.
    case here([String])
    /// Another cluster's.
    case other(UInt32)
    case refused(Refusal)

    package enum Refusal: Equatable, Sendable {
        /// An id without a cluster's number.
        case bare(String)
        /// Ids of two clusters in one address.
        case mixed(UInt32, UInt32)
    }

    /// - Parameter segments: of the path, decoded.
    package init(_ segments: [String], own: UInt32) {
        var plain: [String] = []
        var named: UInt32?
        for segment in segments {
            guard let id = ResourceID(segment) else {
                plain.append(segment)
                continue
            }
            guard let cluster: UInt32 = id.cluster else {
                self = .refused(.bare(segment))
                return
            }
            if let named, named != cluster {
                self = .refused(.mixed(named, cluster))
                return
            }
            named = cluster
            plain.append(ClusterIDs.withoutCluster(segment))
        }
        guard let named, named != own else {
            self = .here(plain)
            return
        }
        self = .other(named)
    }
}
