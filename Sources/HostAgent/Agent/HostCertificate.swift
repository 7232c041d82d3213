import Certificates
import JSON
import TLS

/// A host's certificate with its key, and whom the host trusts.
///
/// The key is made on this machine and leaves it never.
struct HostCertificate: Sendable {
    let key: PrivateKey
    let certificate: Certificate
    /// The cluster's authority; two while it is being replaced.
    let authorities: [Certificate]

    /// - Throws: when the three do not belong together, which a server would have to explain.
    init(key: PrivateKey, certificate: Certificate, authorities: [Certificate]) throws(AgentFault) {
        guard authorities.contains(where: { certificate.isIssued(by: $0) }) else {
            throw AgentFault("the host's certificate is not issued by the authority that came with it")
        }
        self.key = key
        self.certificate = certificate
        self.authorities = authorities
    }

    /// What the host shows in a handshake.
    var identity: TLSIdentity { TLSIdentity(certificates: [certificate] + authorities, key: key) }

    /// - Parameter now: milliseconds since 1970.
    func isValid(at now: Int64) -> Bool { certificate.notBefore <= now && now < certificate.notAfter }

    /// Itself while it is valid: an expired one would end the handshake before anything can be said.
    func shown(at now: Int64) -> HostCertificate? { isValid(at: now) ? self : nil }

    /// When it is exchanged for a new one: somewhere past the half of its life, with a tenth of the life left even to the last.
    ///
    /// Milliseconds since 1970.
    func renewal(using random: inout some RandomNumberGenerator) -> Int64 {
        let life: Int64 = max(10, certificate.notAfter - certificate.notBefore)
        return certificate.notBefore + life / 2 + Int64.random(in: 0..<(life * 4 / 10), using: &random)
    }
}

/// The form on disk and on the wire: texts in PEM.
extension HostCertificate {
    /// From what a server answered.
    ///
    /// - Throws: what is wrong with the answer.
    init(answer: JSONValue, key: PrivateKey) throws(AgentFault) {
        guard let certificate: String = answer["certificate"]?.string,
            let authority: String = answer["authority"]?.string
        else { throw AgentFault("the server answered without a certificate") }
        do throws(CertificateFault) {
            let leaf = try Certificate(pem: Array(certificate.utf8))
            let authorities: [Certificate] = try Certificate.bundle(pem: Array(authority.utf8))
            try self.init(checked: key, leaf, authorities)
        } catch {
            throw AgentFault("the server's certificate cannot be read: \(error)")
        }
    }

    private init(checked key: PrivateKey, _ leaf: Certificate, _ authorities: [Certificate]) throws(CertificateFault) {
        do throws(AgentFault) {
            try self.init(key: key, certificate: leaf, authorities: authorities)
        } catch {
            throw CertificateFault(.mismatch, error.message)
        }
    }

    /// nil when a member is absent or is none.
    init?(_ value: JSONValue) {
        guard let text: String = value["privateKey"]?.string, let key = try? PrivateKey(pem: Array(text.utf8)),
            let certificate = try? HostCertificate(answer: value, key: key)
        else { return nil }
        self = certificate
    }

    var json: JSONValue {
        [
            "privateKey": .string(Self.text(key.pem)), "certificate": .string(Self.text(certificate.pem)),
            "authority": .string(Self.text(authorities.flatMap(\.pem))),
        ]
    }

    private static func text(_ pem: [UInt8]) -> String { String(decoding: pem, as: UTF8.self) }
}
