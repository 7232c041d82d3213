/// What a certificate shall say: decided by the authority, never by the one who asks.
package struct CertificateProfile: Hashable, Sendable {
    package enum Usage: Hashable, Sendable, CaseIterable {
        /// Taking TLS connections.
        case server
        /// Opening TLS connections.
        case client
    }

    package var commonName: String
    package var uris: [String]
    package var dnsNames: [String]
    package var addresses: [String]
    package var usages: Set<Usage>
    package var lifetimeSeconds: Int64

    /// A certificate without a usage or with a lifetime below one second is refused when it is issued.
    package init(
        commonName: String,
        uris: [String] = [],
        dnsNames: [String] = [],
        addresses: [String] = [],
        usages: Set<Usage>,
        lifetimeSeconds: Int64
    ) {
        self.commonName = commonName
        self.uris = uris
        self.dnsNames = dnsNames
        self.addresses = addresses
        self.usages = usages
        self.lifetimeSeconds = lifetimeSeconds
    }
}
