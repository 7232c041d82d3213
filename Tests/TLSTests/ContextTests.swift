import COpenSSL
import Certificates
import EventLoop
import TestSupport
import Testing

@testable import TLS

@Suite(.timeLimit(.minutes(1))) struct ContextTests {
    @Test func `a replaced identity serves the next handshake; open connections go on`() async throws {
        try await withLoops { loops in
            let server: TLSServerContext = try Cluster.home.server()
            let client: TLSClientContext = try Cluster.home.client()
            let before: Handshake = try await .run(loops, server, client)
            let (accepted, connected): (TLSStream, TLSStream) = (try before.server.get(), try before.client.get())

            let renewed: TLSIdentity = try Cluster.home.identity("server")
            try server.replace(identity: renewed, clientCertificates: .required(Cluster.home.trust))
            let after: Handshake = try await .run(loops, server, client)
            #expect(try after.client.get().peerCertificate == renewed.certificates[0])
            #expect(connected.peerCertificate != renewed.certificates[0])

            try await connected.write([1, 2, 3], before: soon)
            #expect(try await accepted.read(upTo: 10, before: soon) == [1, 2, 3])
            try await accepted.write([4], before: soon)
            #expect(try await connected.read(upTo: 10, before: soon) == [4])

            // From now on this client believes another authority only.
            try client.replace(identity: Cluster.home.identity("client"), trust: Cluster.foreign.trust)
            let refused: Handshake = try await .run(loops, server, client)
            #expect(refused.clientFault?.reason == .unknownAuthority)
        }
    }

    @Test func `a replacement that cannot be used changes nothing`() async throws {
        try await withLoops { loops in
            let server: TLSServerContext = try Cluster.home.server()
            let other: TLSIdentity = try Cluster.home.identity("other")
            let mixed = try TLSIdentity(certificates: Cluster.home.identity("server").certificates, key: other.key)
            let error: (any Error)? = await fault { try server.replace(identity: mixed) }
            #expect((error as? TLSFault)?.reason == .configuration)
            _ = try await Handshake.run(loops, server, Cluster.home.client()).server.get()
        }
    }

    @Test func `an authority of two in change is believed, old and new`() async throws {
        let both: TLSTrust = .authorities([Cluster.foreign.authority.certificate, Cluster.home.authority.certificate])
        try await withLoops { loops in
            for cluster in [Cluster.home, Cluster.foreign] {
                let client: TLSClientContext = try cluster.client(trust: both)
                let handshake: Handshake = try await .run(loops, cluster.server(.required(both)), client)
                #expect(try handshake.server.get().peerChain.last == cluster.authority.certificate)
            }
        }
    }

    @Test func `what cannot be used is said when the context is made`() async throws {
        let good: TLSIdentity = try Cluster.home.identity("server")
        let authority: CertificateAuthority = Cluster.home.authority
        let identities: [TLSIdentity] = [
            TLSIdentity(certificates: [], key: good.key),
            TLSIdentity(certificates: [authority.certificate], key: authority.key),
            TLSIdentity(certificates: good.certificates, key: try .generate()),
        ]
        for identity in identities {
            let error: (any Error)? = await fault { _ = try TLSServerContext(identity: identity) }
            #expect((error as? TLSFault)?.reason == .configuration)
        }
        let trusts: [TLSTrust] = [
            .authorities([]), .authorities([good.certificates[0]]), .pinned(authorityFingerprint: [1, 2]),
        ]
        for trust in trusts {
            let error: (any Error)? = await fault { _ = try TLSClientContext(trust: trust) }
            #expect((error as? TLSFault)?.reason == .configuration)
        }
        for name in ["", String(repeating: "x", count: 256)] {
            for side in [0, 1] {
                let error: (any Error)? = await fault {
                    if side == 0 { _ = try TLSServerContext(identity: good, protocols: [name]) }
                    if side == 1 { _ = try TLSClientContext(trust: Cluster.home.trust, protocols: [name]) }
                }
                #expect((error as? TLSFault)?.reason == .configuration)
            }
        }
    }

    @Test func `clients are told whose certificates are wanted`() async throws {
        let both: TLSTrust = .authorities([Cluster.foreign.authority.certificate, Cluster.home.authority.certificate])
        try await withLoops { loops in
            let server: TLSServerContext = try Cluster.home.server(.optional(both))
            let client: TLSClientContext = try Cluster.home.client()
            let stream: TLSStream = try await Handshake.run(loops, server, client).client.get()
            #expect(stream.withSession { OPENSSL_sk_num(SSL_get0_peer_CA_list($0.ssl)) } == 2)
        }
    }

    @Test func `no session can be resumed`() async throws {
        try await withLoops { loops in
            let (accepted, connected): (TLSStream, TLSStream) = try await tlsPair(loops)
            try await accepted.write([1], before: soon)
            _ = try await connected.read(upTo: 1, before: soon)
            #expect(SSL_SESSION_is_resumable(SSL_get_session(connected.session.ssl)) == 0)
            #expect(String(cString: SSL_get_version(connected.session.ssl)) == "TLSv1.3")
        }
    }
}
