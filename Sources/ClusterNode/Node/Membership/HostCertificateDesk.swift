import Authority
import Certificates
import Gateway
import RaftCore
import Store

/// Certifies hosts on this node: every node can open the authority, so a host asks whichever gateway it has.
struct HostCertificateDesk: CertificateIssuing {
    let authority: ClusterAuthority
    let authorityCertificate: Certificate
    let store: Store

    var authorityFingerprint: [UInt8]? { authorityCertificate.fingerprint }

    func issueHostCertificate(
        request: [UInt8],
        host: UInt64,
        now: Int64
    ) throws(CertificateRefusal) -> IssuedCertificate {
        let asked: CertificateRequest
        do throws(CertificateFault) {
            asked = try CertificateRequest(pem: request)
        } catch {
            throw .invalid("\(error)")
        }
        do throws(AuthorityFault) {
            let opened: CertificateAuthority = try authority.open(in: store.view)
            let issued: Certificate = try Issuing.host(
                asked,
                by: opened,
                cluster: authority.cluster,
                host: host,
                now: now
            )
            return IssuedCertificate(certificate: issued.pem, authority: opened.certificate.pem)
        } catch {
            throw .unavailable("\(error)")
        }
    }

    func peer(of certificate: Certificate) -> CertifiedPeer {
        guard let identity = PeerIdentity(certificate) else { return .other("a certificate that names nobody") }
        guard identity.cluster == authority.cluster else { return .other("\(identity), of another cluster") }
        guard identity.role == .host else { return .other("\(identity), which is no host") }
        return .host(CertifiedHost(number: identity.number, notAfter: certificate.notAfter))
    }
}
