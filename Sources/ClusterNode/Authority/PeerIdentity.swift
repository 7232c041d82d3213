package import Certificates

/// Who holds a certificate of the cluster's authority: the one thing that is believed about a peer.
///
/// Shape: `drover://<cluster, 16 hexadecimal digits>/node/<member>` or `…/host/<host>`, as a URI among the certificate's
/// alternative names. A role is looked at on every use: a host's certificate opens nothing that is for nodes.
package struct PeerIdentity: Hashable, Sendable, CustomStringConvertible {
    package enum Role: String, Sendable, CaseIterable {
        case node, host
    }

    package var role: Role
    package var cluster: UInt64
    /// The member id of a node, the record number of a host; never 0.
    package var number: UInt64

    package init(_ role: Role, cluster: UInt64, number: UInt64) {
        self.role = role
        self.cluster = cluster
        self.number = number
    }

    private static let scheme: String = "drover://"

    /// The URI.
    package var description: String {
        "\(Self.scheme)\(ClusterID.text(cluster))/\(role.rawValue)/\(number)"
    }

    /// Reads the one spelling that such a URI has; nil for every other text.
    package init?(_ uri: String) {
        guard uri.hasPrefix(Self.scheme) else { return nil }
        let parts: [Substring] = uri.dropFirst(Self.scheme.count).split(
            separator: "/",
            omittingEmptySubsequences: false
        )
        guard parts.count == 3, parts[0].utf8.count == 16, let cluster = UInt64(parts[0], radix: 16),
            let role = Role(rawValue: String(parts[1])), let number = UInt64(parts[2]), number > 0
        else { return nil }
        self.init(role, cluster: cluster, number: number)
        // Signs, upper-case digits and leading zeros would be second spellings of the same identity.
        guard description == uri else { return nil }
    }

    /// The identity in a certificate.
    ///
    /// nil when there is none, or more than one URI: then nobody can say which of them is meant. Whether the certificate
    /// is to be believed at all, the handshake has found out before.
    package init?(_ certificate: Certificate) {
        guard certificate.uris.count == 1, let uri: String = certificate.uris.first else { return nil }
        self.init(uri)
    }
}

/// How the number of a cluster is written: 16 hexadecimal digits.
package enum ClusterID {
    package static func text(_ cluster: UInt64) -> String {
        let digits = String(cluster, radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }
}
