package import Certificates

/// Which account a certificate for people is for, and in which life of the cluster it was issued.
///
/// Shape: `drover://<cluster, 16 hexadecimal digits>/<incarnation, 16 digits>/account/<number>`, as the only URI among the
/// certificate's alternative names. A ``PeerIdentity`` has three parts and this has four, so neither is ever read as the
/// other. The incarnation ends all of them when the cluster is restored or recovered: the state that the cluster goes on
/// from may not know that one of them was revoked.
package struct PersonIdentity: Hashable, Sendable, CustomStringConvertible {
    package var cluster: UInt64
    package var incarnation: UInt64
    /// The number of the account; never 0.
    package var account: UInt64

    package init(cluster: UInt64, incarnation: UInt64, account: UInt64) {
        self.cluster = cluster
        self.incarnation = incarnation
        self.account = account
    }

    private static let scheme: String = "drover://"

    /// The URI.
    package var description: String {
        "\(Self.scheme)\(ClusterID.text(cluster))/\(ClusterID.text(incarnation))/account/\(account)"
    }

    /// Reads the one spelling that such a URI has; nil for every other text.
    package init?(_ uri: String) {
        guard uri.hasPrefix(Self.scheme) else { return nil }
        let parts: [Substring] = uri.dropFirst(Self.scheme.count).split(
            separator: "/",
            omittingEmptySubsequences: false
        )
        guard parts.count == 4, parts[2] == "account", parts[0].utf8.count == 16, parts[1].utf8.count == 16,
            let cluster = UInt64(parts[0], radix: 16), let incarnation = UInt64(parts[1], radix: 16),
            let account = UInt64(parts[3]), account > 0
        else { return nil }
        self.init(cluster: cluster, incarnation: incarnation, account: account)
        // Signs, upper-case digits and leading zeros would be second spellings of the same identity.
        guard description == uri else { return nil }
    }

    /// The identity in a certificate.
    ///
    /// nil when there is none, or any other name beside it: then it is none that this authority issues to people.
    package init?(_ certificate: Certificate) {
        guard certificate.uris.count == 1, let uri: String = certificate.uris.first, certificate.dnsNames.isEmpty,
            certificate.addresses.isEmpty
        else { return nil }
        self.init(uri)
    }
}
