import Bytes
import Certificates
import HostAgent
import JSON
import TLS

/// An authority of a cluster that exists in a test only.
struct TestAuthority: Sendable {
    static let cluster: String = "00000000000000aa"
    let authority: CertificateAuthority

    init() throws {
        authority = try CertificateAuthority.found(
            commonName: "test",
            now: WallClock.milliseconds(),
            lifetimeSeconds: 3_650 * 86_400
        )
    }

    /// As tokens carry it.
    var pin: String { Hex.encode(authority.certificate.fingerprint) }

    func identity(role: String, number: UInt64, usages: Set<CertificateProfile.Usage>) throws -> TLSIdentity {
        let key = try PrivateKey.generate()
        let certificate: Certificate = try issue(
            try CertificateRequest.make(key: key, commonName: "any"),
            role,
            number,
            usages,
            lifetimeSeconds: 86_400
        )
        return TLSIdentity(certificates: [certificate, authority.certificate], key: key)
    }

    private func issue(
        _ request: CertificateRequest,
        _ role: String,
        _ number: UInt64,
        _ usages: Set<CertificateProfile.Usage>,
        lifetimeSeconds: Int64
    ) throws -> Certificate {
        try authority.issue(
            request,
            CertificateProfile(
                commonName: "\(role) \(number)",
                uris: ["drover://\(Self.cluster)/\(role)/\(number)"],
                dnsNames: [],
                addresses: [],
                usages: usages,
                lifetimeSeconds: lifetimeSeconds
            ),
            now: WallClock.milliseconds()
        )
    }

    /// A listener's context: who comes with a certificate must have one of the authority `clients`.
    func server(role: String, clients: TestAuthority) throws -> TLSServerContext {
        try TLSServerContext(
            identity: try identity(role: role, number: 1, usages: [.server, .client]),
            clientCertificates: .optional(.authorities([clients.authority.certificate])),
            protocols: ["http/1.1"]
        )
    }

    /// The members that answer a host's request for a certificate.
    func answer(_ request: String, host: UInt64, lifetimeSeconds: Int64) throws -> JSONObject {
        let certificate: Certificate = try issue(
            try CertificateRequest(pem: Array(request.utf8)),
            "host",
            host,
            [.client],
            lifetimeSeconds: lifetimeSeconds
        )
        return [
            "certificate": .string(String(decoding: certificate.pem, as: UTF8.self)),
            "authority": .string(String(decoding: authority.certificate.pem, as: UTF8.self)),
        ]
    }
}
