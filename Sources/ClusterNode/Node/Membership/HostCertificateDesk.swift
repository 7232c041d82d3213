import Authority
import Bytes
import Certificates
import Gateway
import JSON
import Model
import RaftCore
import Store
import StoreFormat
import Synchronization

/// Certifies hosts and people on this node: every node can open the authority, so they ask whichever gateway they have.
struct HostCertificateDesk: CertificateIssuing {
    let security: NodeSecurity
    let store: Store
    /// Of the cluster: people's certificates end with it.
    let incarnation: UInt64

    var cluster: String { ClusterID.text(security.authority.cluster) }
    var authorityFingerprint: [UInt8]? { security.credentials.authority.fingerprint }
    var authorityCertificate: [UInt8]? { security.credentials.authority.pem }

    func marks(in view: StoreView) -> JSONObject {
        guard let issuer: Certificate = ClusterAuthority.stored(in: view).flatMap({ try? $0.parsed() }) else {
            return [:]
        }
        return HostMarks.fields(issuer: issuer, trusted: HostMarks.trusted(issuer, in: view))
    }

    func issueHostCertificate(
        request: [UInt8],
        host: UInt64,
        now: Int64
    ) throws(CertificateRefusal) -> IssuedCertificate {
        let asked: CertificateRequest = try Self.read(request)
        do throws(AuthorityFault) {
            let view: StoreView = store.view
            let opened: CertificateAuthority = try security.authority.open(in: view)
            let issued: Certificate = try Issuing.host(
                asked,
                by: opened,
                cluster: security.authority.cluster,
                host: host,
                now: now
            )
            let trusted: [Certificate] = HostMarks.trusted(opened.certificate, in: view)
            return IssuedCertificate(certificate: issued.pem, authority: trusted.flatMap(\.pem))
        } catch {
            throw .unavailable("\(error)")
        }
    }

    func issuePersonCertificate(
        request: [UInt8],
        for person: CertifiedPerson,
        in view: StoreView,
        now: Int64
    ) throws(CertificateRefusal) -> PersonCertificate {
        let asked: CertificateRequest = try Self.read(request)
        guard let serial: [UInt8] = Hex.decode(person.serial) else { throw .invalid("the serial number is none") }
        do throws(AuthorityFault) {
            let opened: CertificateAuthority = try security.authority.open(in: view)
            let issued: Certificate = try Issuing.person(
                asked,
                by: opened,
                identity: PersonIdentity(
                    cluster: security.authority.cluster,
                    incarnation: incarnation,
                    account: person.account
                ),
                serial: serial,
                until: person.notAfter,
                now: now
            )
            return PersonCertificate(
                certificate: issued.pem,
                notAfter: issued.notAfter,
                authority: Hex.encode(opened.certificate.fingerprint)
            )
        } catch {
            throw .unavailable("\(error)")
        }
    }

    private static func read(_ request: [UInt8]) throws(CertificateRefusal) -> CertificateRequest {
        do throws(CertificateFault) {
            return try CertificateRequest(pem: request)
        } catch {
            throw .invalid("\(error)")
        }
    }

    func believed(in view: StoreView) -> Set<String> {
        let others: SealedAuthority? = ClusterAuthority.rotation(in: view)?.other
        return Set(
            [ClusterAuthority.stored(in: view), others].compactMap { stored in
                stored.flatMap { try? $0.parsed() }.map { Hex.encode($0.fingerprint) }
            }
        )
    }

    func peer(of certificate: Certificate) -> CertifiedPeer {
        if let person = PersonIdentity(certificate) {
            guard person.cluster == security.authority.cluster else { return .other("\(person), of another cluster") }
            guard person.incarnation == incarnation else {
                return .other("\(person), from before the cluster was restored or recovered")
            }
            return .person(
                CertifiedPerson(
                    account: person.account,
                    serial: certificate.serial,
                    notAfter: certificate.notAfter
                )
            )
        }
        guard let identity = PeerIdentity(certificate) else { return .other("a certificate that names nobody") }
        guard identity.cluster == security.authority.cluster else { return .other("\(identity), of another cluster") }
        guard identity.role == .host else { return .other("\(identity), which is no host") }
        if let rotation: AuthorityRotation = security.rotation.withLock({ $0 }),
            HostMarks.isBehind(identity.number, rotation, in: store.view, shown: certificate)
        {
            // It gets another one for its key, and comes back with it.
            return .other("\(identity), from before the authority was exchanged")
        }
        return .host(CertifiedHost(number: identity.number, notAfter: certificate.notAfter))
    }
}

/// What a host's record says of the certificate that it got last: who issued it, and whom the host believes since.
///
/// Hosts that speak plain HTTP have none.
enum HostMarks {
    /// Whom a host that gets a certificate now is to believe.
    ///
    /// The old authority is not believed any longer once the new one issues: nodes show the new one by then.
    static func trusted(_ issuer: Certificate, in view: StoreView) -> [Certificate] {
        guard let rotation: AuthorityRotation = ClusterAuthority.rotation(in: view), rotation.phase == .trust,
            let other: Certificate = try? rotation.other.parsed()
        else { return [issuer] }
        return [issuer, other]
    }

    static func fields(issuer: Certificate, trusted: [Certificate]) -> JSONObject {
        [
            "certificateAuthority": .string(Hex.encode(issuer.fingerprint)),
            "trusts": .array(trusted.map { .string(Hex.encode($0.fingerprint)) }),
        ]
    }

    /// Whether a host has what the phase is about; true for one without certificates.
    static func isReady(_ fields: JSONObject, _ rotation: AuthorityRotation, issuing: String) -> Bool {
        guard let issuer: String = fields["certificateAuthority"]?.string else { return true }
        switch rotation.phase {
        case .trust:
            guard let other: Certificate = try? rotation.other.parsed() else { return true }
            return fields["trusts"]?.array?.contains(.string(Hex.encode(other.fingerprint))) ?? false
        case .issue: return issuer == issuing
        }
    }

    /// Whether a host that shows this certificate is to get another one first.
    static func isBehind(
        _ host: UInt64,
        _ rotation: AuthorityRotation,
        in view: StoreView,
        shown: Certificate?
    ) -> Bool {
        guard let stored: SealedAuthority = ClusterAuthority.stored(in: view),
            let issuing: Certificate = try? stored.parsed(), let record: Record = view.get(RecordKey(.host, host)),
            let fields: JSONObject = try? JSONReader.parse(record.document).object
        else { return false }
        if let shown, rotation.phase == .issue { return !shown.isIssued(by: issuing) }
        return !isReady(fields, rotation, issuing: Hex.encode(issuing.fingerprint))
    }
}
