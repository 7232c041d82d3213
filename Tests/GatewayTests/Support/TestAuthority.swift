import Bytes
import Certificates
import EventLoop
import Gateway
import Store
import JSON
import Glibc
import HTTP
import Synchronization
import TLS

/// A cluster's authority in memory, as a node would supply it.
final class TestAuthority: CertificateIssuing, Sendable {
    let cluster: String
    let authority: CertificateAuthority
    /// Whether it can sign for hosts.
    let isOpen: Bool

    init(cluster: String = "00000000000000aa", isOpen: Bool = true) throws {
        self.cluster = cluster
        self.isOpen = isOpen
        authority = try CertificateAuthority.found(
            commonName: "test",
            now: Self.now,
            lifetimeSeconds: 3_650 * 86_400
        )
    }

    /// Handshakes go by the true time.
    static var now: Int64 { Int64(time(nil)) * 1_000 }

    // MARK: What the gateway asks

    var authorityFingerprint: [UInt8]? { authority.certificate.fingerprint }
    var authorityCertificate: [UInt8]? { authority.certificate.pem }

    func marks(in view: StoreView) -> JSONObject { [:] }

    func issueHostCertificate(
        request: [UInt8],
        host: UInt64,
        now: Int64
    ) throws(CertificateRefusal) -> IssuedCertificate {
        guard isOpen else { throw .unavailable("the sealing key is not here") }
        do throws(CertificateFault) {
            let certificate: Certificate = try issue(try CertificateRequest(pem: request), "\(cluster)/host/\(host)")
            return IssuedCertificate(certificate: certificate.pem, authority: authority.certificate.pem)
        } catch {
            throw .invalid("\(error)")
        }
    }

    func issuePersonCertificate(
        request: [UInt8],
        for person: CertifiedPerson,
        in view: StoreView,
        now: Int64
    ) throws(CertificateRefusal) -> PersonCertificate {
        guard isOpen else { throw .unavailable("the sealing key is not here") }
        do throws(CertificateFault) {
            let made: Certificate = try authority.issue(
                try CertificateRequest(pem: request),
                CertificateProfile(
                    commonName: "any",
                    uris: ["drover://\(cluster)/1/account/\(person.account)"],
                    usages: [.client],
                    lifetimeSeconds: 86_400
                ),
                serial: Hex.decode(person.serial),
                now: Self.now
            )
            return PersonCertificate(certificate: made.pem, notAfter: person.notAfter, authority: "the first")
        } catch {
            throw .invalid("\(error)")
        }
    }

    private let believed = Mutex<Set<String>>(["the first"])
    func believed(in view: StoreView) -> Set<String> { believed.withLock { $0 } }
    /// As when the authority was replaced.
    func believe(_ names: Set<String>) { believed.withLock { $0 = names } }

    func peer(of certificate: Certificate) -> CertifiedPeer {
        let people: String = "drover://\(cluster)/1/account/"
        if let uri: String = certificate.uris.first, uri.hasPrefix(people),
            let account = UInt64(uri.dropFirst(people.count))
        {
            return .person(
                CertifiedPerson(account: account, serial: certificate.serial, notAfter: certificate.notAfter)
            )
        }
        let prefix: String = "drover://\(cluster)/host/"
        guard let uri: String = certificate.uris.first, uri.hasPrefix(prefix),
            let number = UInt64(uri.dropFirst(prefix.count))
        else { return .other(certificate.uris.first ?? "nobody") }
        return .host(CertifiedHost(number: number, notAfter: certificate.notAfter))
    }

    // MARK: What tests need

    private func issue(_ request: CertificateRequest, _ name: String) throws(CertificateFault) -> Certificate {
        try authority.issue(
            request,
            CertificateProfile(
                commonName: "any",
                uris: ["drover://\(name)"],
                dnsNames: [],
                addresses: [],
                usages: [.server, .client],
                lifetimeSeconds: 86_400
            ),
            now: Self.now
        )
    }

    /// - Parameter name: such as `00000000000000aa/node/1`.
    func identity(_ name: String) throws -> TLSIdentity {
        let key = try PrivateKey.generate()
        let certificate: Certificate = try issue(try CertificateRequest.make(key: key, commonName: "x"), name)
        return TLSIdentity(certificates: [certificate, authority.certificate], key: key)
    }

    func wrapper() throws -> HTTPServer.Wrapper {
        let context = try TLSServerContext(
            identity: try identity("\(cluster)/node/1"),
            clientCertificates: .optional(.authorities([authority.certificate])),
            protocols: ["http/1.1"]
        )
        return { try await context.accept($0, before: .after(seconds: 10)) }
    }

    /// A client that shows `identity`, if any.
    func client(_ identity: TLSIdentity?) throws -> HTTPClient {
        let context = try TLSClientContext(
            identity: identity,
            trust: .authorities([authority.certificate]),
            protocols: ["http/1.1"]
        )
        return HTTPClient(loop: World.loops.next()) { endpoint, loop, deadline in
            try await context.connect(
                try await loop.connect(to: endpoint, before: deadline),
                serverName: nil,
                before: deadline
            )
        }
    }
}

struct TestServers: ServerAddresses {
    var baseURLs: [String]
}
