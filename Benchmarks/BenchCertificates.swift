import Certificates
import Glibc
import TLS

/// An authority of this run's own, with a certificate for the servers of 127.0.0.1 and one for the clients.
struct BenchCertificates {
    private let authority: CertificateAuthority
    private let client: TLSIdentity

    static func folder(in folder: String) -> String { "\(folder)/certificates" }

    /// Makes them and writes `authority.pem`, `server.pem`, `server.key` and `server-all.pem` (both) below `folder`.
    init(in folder: String) throws {
        let now: Int64 = Int64(time(nil)) * 1_000
        let authority: CertificateAuthority = try .found(
            commonName: "drover bench",
            now: now,
            lifetimeSeconds: 7 * 86_400
        )
        func issue(_ name: String, _ usages: Set<CertificateProfile.Usage>) throws -> TLSIdentity {
            let key: PrivateKey = try .generate()
            let profile = CertificateProfile(
                commonName: name,
                dnsNames: ["localhost"],
                addresses: ["127.0.0.1"],
                usages: usages,
                lifetimeSeconds: 86_400
            )
            let certificate: Certificate = try authority.issue(try .make(key: key, commonName: name), profile, now: now)
            return TLSIdentity(certificates: [certificate, authority.certificate], key: key)
        }
        self.authority = authority
        client = try issue("client", [.client])
        // etcd members are clients of each other with the same certificate.
        let server: TLSIdentity = try issue("server", [.server, .client])
        let path: String = Self.folder(in: folder)
        mkdir(path, 0o700)
        let pem: [UInt8] = server.certificates.flatMap(\.pem)
        try TextFile.write(authority.certificate.pem, to: "\(path)/authority.pem")
        try TextFile.write(pem, to: "\(path)/server.pem")
        try TextFile.write(server.key.pem, to: "\(path)/server.key")
        try TextFile.write(pem + server.key.pem, to: "\(path)/server-all.pem")
    }

    /// For clients of those servers, with a certificate of their own.
    func clientContext(_ protocols: [String] = []) throws -> TLSClientContext {
        try TLSClientContext(identity: client, trust: .authorities([authority.certificate]), protocols: protocols)
    }
}
