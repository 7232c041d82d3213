package import Certificates
internal import Limits

/// What stands in the certificates that the authority issues: decided here, never by who asks.
package enum Issuing {
    /// The authority itself lives so long; `cluster rotate-ca` is for earlier.
    package static let authoritySeconds: Int64 = 10 * 365 * 86_400

    /// Founds a cluster's authority.
    ///
    /// - Parameter now: milliseconds since 1970.
    package static func found(cluster: UInt64, now: Int64) throws(AuthorityFault) -> CertificateAuthority {
        do throws(CertificateFault) {
            return try CertificateAuthority.found(
                commonName: "drover cluster \(ClusterID.text(cluster))",
                now: now,
                lifetimeSeconds: authoritySeconds
            )
        } catch {
            throw AuthorityFault("the authority cannot be founded: \(error)")
        }
    }

    /// A node's certificate: it serves and dials, under its name and the addresses where it is found.
    ///
    /// - Parameters:
    ///   - hosts: numeric addresses and names at which it listens or is reached; what is neither is left out.
    package static func node(
        _ request: CertificateRequest,
        by authority: CertificateAuthority,
        cluster: UInt64,
        member: UInt64,
        name: String,
        hosts: [String],
        now: Int64
    ) throws(AuthorityFault) -> Certificate {
        let places: (names: [String], addresses: [String]) = split(["localhost", name, "127.0.0.1", "::1"] + hosts)
        return try issue(
            request,
            CertificateProfile(
                commonName: name,
                uris: [PeerIdentity(.node, cluster: cluster, number: member).description],
                dnsNames: places.names,
                addresses: places.addresses,
                usages: [.server, .client],
                lifetimeSeconds: Limits.nodeCertificateSeconds
            ),
            by: authority,
            now: now
        )
    }

    /// A host's certificate: it dials, and serves nobody.
    package static func host(
        _ request: CertificateRequest,
        by authority: CertificateAuthority,
        cluster: UInt64,
        host: UInt64,
        now: Int64
    ) throws(AuthorityFault) -> Certificate {
        try issue(
            request,
            CertificateProfile(
                commonName: "host \(host)",
                uris: [PeerIdentity(.host, cluster: cluster, number: host).description],
                dnsNames: [],
                addresses: [],
                usages: [.client],
                lifetimeSeconds: Limits.hostCertificateSeconds
            ),
            by: authority,
            now: now
        )
    }

    /// A person's certificate: it dials, and serves nobody.
    ///
    /// - Parameters:
    ///   - serial: by which the record of it is found.
    ///   - until: when it ends, in milliseconds since 1970; bounded here.
    package static func person(
        _ request: CertificateRequest,
        by authority: CertificateAuthority,
        identity: PersonIdentity,
        serial: [UInt8],
        until: Int64,
        now: Int64
    ) throws(AuthorityFault) -> Certificate {
        try issue(
            request,
            CertificateProfile(
                commonName: "account \(identity.account)",
                uris: [identity.description],
                dnsNames: [],
                addresses: [],
                usages: [.client],
                lifetimeSeconds: min((until - now) / 1_000, Limits.personCertificateMaximumSeconds)
            ),
            by: authority,
            serial: serial,
            now: now
        )
    }

    private static func issue(
        _ request: CertificateRequest,
        _ profile: CertificateProfile,
        by authority: CertificateAuthority,
        serial: [UInt8]? = nil,
        now: Int64
    ) throws(AuthorityFault) -> Certificate {
        do throws(CertificateFault) {
            return try authority.issue(request, profile, serial: serial, now: now)
        } catch {
            throw AuthorityFault("no certificate can be issued: \(error)")
        }
    }

    /// Each once; the addresses that mean "everywhere" name no place.
    private static func split(_ hosts: [String]) -> (names: [String], addresses: [String]) {
        var result: (names: [String], addresses: [String]) = ([], [])
        for host in hosts where host != "0.0.0.0" && host != "::" {
            if NetworkPlace.isAddress(host) {
                if !result.addresses.contains(host) { result.addresses.append(host) }
            } else if NetworkPlace.isName(host), !result.names.contains(host) {
                result.names.append(host)
            }
        }
        return result
    }
}

/// When a certificate is exchanged for a new one.
package enum Renewal {
    /// Somewhere past the half of its life, not all on the same day; milliseconds since 1970.
    ///
    /// A tenth of the life is left even to the last, so that a cluster without a leader for days does not lose its nodes.
    ///
    /// - Parameter random: any number; the same one gives the same moment.
    package static func moment(notBefore: Int64, notAfter: Int64, random: UInt64) -> Int64 {
        let life: Int64 = max(0, notAfter - notBefore)
        let span: Int64 = life * 4 / 10
        return notBefore + life / 2 + (span > 0 ? Int64(random % UInt64(span)) : 0)
    }
}
