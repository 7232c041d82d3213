import TLS

extension DataFolder.Credentials {
    /// As TLS shows it: the node's own certificate first, then the authority's.
    var identity: TLSIdentity { TLSIdentity(certificates: [certificate, authority], key: key) }

    /// Whom a node believes: the cluster's authority.
    ///
    /// Which role the peer has is for ``PeerAdmission``.
    var trust: TLSTrust { .authorities(trusted) }
}
