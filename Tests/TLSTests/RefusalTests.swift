import COpenSSL
import Certificates
import EventLoop
import TestSupport
import Testing

@testable import TLS

@Suite(.timeLimit(.minutes(1))) struct RefusalTests {
    /// A handshake that must fail; what each side said.
    private func refused(
        _ server: TLSServerContext,
        _ client: TLSClientContext,
        serverName: String? = "server.test"
    ) async throws -> (server: TLSFault?, client: TLSFault?) {
        try await withLoops { loops in
            let handshake: Handshake = try await .run(loops, server, client, serverName: serverName)
            if case .success = handshake.server { Issue.record("the server took it") }
            if case .success = handshake.client { Issue.record("the client took it") }
            return (handshake.serverFault, handshake.clientFault)
        }
    }

    @Test func `a client without a certificate is refused where one is required`() async throws {
        let client: TLSClientContext = try TLSClientContext(trust: Cluster.home.trust)
        let (server, told): (TLSFault?, TLSFault?) = try await refused(Cluster.home.server(), client)
        #expect(server?.reason == .noCertificate)
        #expect(server?.description.contains("TLS connection from 127.0.0.1:") == true)
        #expect(told?.reason == .refusedByPeer)
        #expect(told?.message.contains("requires a certificate") == true)
    }

    @Test func `a client without a certificate is taken where it is optional or not asked for`() async throws {
        for clients: TLSClientCertificates in [.none, .optional(Cluster.home.trust)] {
            try await withLoops { loops in
                let client: TLSClientContext = try TLSClientContext(trust: Cluster.home.trust)
                let handshake: Handshake = try await .run(loops, Cluster.home.server(clients), client)
                #expect(try handshake.server.get().peerCertificate == nil)
                #expect(try handshake.server.get().peerChain.isEmpty)
                #expect(try handshake.server.get().negotiatedProtocol == nil)
            }
        }
    }

    @Test func `a certificate of a foreign authority is refused, optional or not`() async throws {
        let foreign: TLSClientContext = try Cluster.home.client(identity: Cluster.foreign.identity("client"))
        for clients: TLSClientCertificates in [.required(Cluster.home.trust), .optional(Cluster.home.trust)] {
            let (server, told): (TLSFault?, TLSFault?) = try await refused(Cluster.home.server(clients), foreign)
            #expect(server?.reason == .unknownAuthority)
            #expect(server?.message.contains("'home'") == true)
            #expect(told?.reason == .refusedByPeer)
        }
    }

    @Test func `a server of a foreign authority is refused`() async throws {
        let server: TLSServerContext = try Cluster.foreign.server(.none)
        let (told, client): (TLSFault?, TLSFault?) = try await refused(server, Cluster.home.client())
        #expect(client?.reason == .unknownAuthority)
        #expect(client?.description.contains("TLS connection to 127.0.0.1:") == true)
        #expect(told?.reason == .refusedByPeer)
    }

    @Test func `a namesake of the authority is foreign`() async throws {
        let namesake = Cluster(
            authority: try .found(commonName: "home", now: wallClock, lifetimeSeconds: 86_400)
        )
        let (_, client): (TLSFault?, TLSFault?) = try await refused(namesake.server(.none), Cluster.home.client())
        #expect(client?.reason == .unknownAuthority)
    }

    @Test func `expired certificates are refused with both times`() async throws {
        let day: Int64 = 86_400_000
        let old: TLSIdentity = try Cluster.home.identity("old", now: wallClock - 2 * day)
        let (server, _): (TLSFault?, TLSFault?) = try await refused(
            Cluster.home.server(),
            Cluster.home.client(identity: old)
        )
        #expect(server?.reason == .expired)
        let message: String = server?.message ?? ""
        #expect(message.contains("is valid from 20") && message.contains("but it is 20"), "\(message)")

        let serving: TLSServerContext = try Cluster.home.server(
            identity: Cluster.home.identity("server", now: wallClock - 2 * day)
        )
        let (told, client): (TLSFault?, TLSFault?) = try await refused(serving, Cluster.home.client())
        #expect(client?.reason == .expired)
        #expect(told?.message.contains("expired") == true)
    }

    @Test func `certificates of the future are refused`() async throws {
        let authority: CertificateAuthority = try .found(
            commonName: "future",
            now: wallClock,
            lifetimeSeconds: 864_000
        )
        let cluster = Cluster(authority: authority)
        let early: TLSIdentity = try cluster.identity("server", now: wallClock + 86_400_000)
        let (_, client): (TLSFault?, TLSFault?) = try await refused(
            cluster.server(identity: early),
            cluster.client()
        )
        #expect(client?.reason == .notYetValid)
    }

    @Test(arguments: ["other.test", "127.0.0.2", "::2", "test", "server.test.evil"])
    func `a server with other names is refused`(name: String) async throws {
        let (_, client): (TLSFault?, TLSFault?) = try await refused(
            Cluster.home.server(),
            Cluster.home.client(),
            serverName: name
        )
        #expect(client?.reason == .wrongName)
        #expect(
            client?.message.contains("server.test, 127.0.0.1, ::1, not for \(name)") == true,
            "\(String(describing: client))"
        )
    }

    @Test(arguments: ["server.test", "SERVER.test", "server.test.", "127.0.0.1", "::1", nil])
    func `a server is known by each of its names, or unchecked`(name: String?) async throws {
        try await withLoops { loops in
            let handshake: Handshake = try await .run(
                loops,
                Cluster.home.server(),
                Cluster.home.client(),
                serverName: name
            )
            #expect(try handshake.client.get().peerCertificate?.commonName == "server")
            _ = try handshake.server.get()
        }
    }

    @Test func `the common name is no name`() async throws {
        let (_, client): (TLSFault?, TLSFault?) = try await refused(
            Cluster.home.server(),
            Cluster.home.client(),
            serverName: "server"
        )
        #expect(client?.reason == .wrongName)
    }

    @Test(arguments: ["", "a b", "server.test\0.evil", "ä.test"])
    func `what cannot be a name is refused before anything is sent`(name: String) async throws {
        try await withLoops { loops in
            let (near, far): (SocketStream, SocketStream) = try await connectedPair(loops)
            let client: TLSClientContext = try Cluster.home.client()
            let error: (any Error)? = await fault { _ = try await client.connect(near, serverName: name) }
            #expect((error as? TLSFault)?.reason == .configuration)
            #expect(try await far.read(upTo: 1, before: soon).isEmpty)
        }
    }

    @Test func `a certificate is used for what it is for`() async throws {
        let hostOnly: TLSIdentity = try Cluster.home.identity("server", usages: [.client])
        let (_, client): (TLSFault?, TLSFault?) = try await refused(
            Cluster.home.server(identity: hostOnly),
            Cluster.home.client()
        )
        #expect(client?.reason == .wrongPurpose)
        #expect(client?.message.contains("may not be used as a server's") == true)

        let serverOnly: TLSIdentity = try Cluster.home.identity("client", usages: [.server])
        let (server, _): (TLSFault?, TLSFault?) = try await refused(
            Cluster.home.server(),
            Cluster.home.client(identity: serverOnly)
        )
        #expect(server?.reason == .wrongPurpose)
        #expect(server?.message.contains("may not be used as a client's") == true)
    }

    @Test func `an authority is nobody's identity`() async throws {
        // Our contexts refuse to present one, so the liar is made by hand.
        let authority: CertificateAuthority = Cluster.home.authority
        func liar(_ side: TLSFault.Side) throws -> TLSContext {
            let context = try TLSContext(
                side,
                identity: Cluster.home.identity("server"),
                trust: Cluster.home.trust,
                requiresCertificate: true,
                protocols: []
            )
            let isSet: Bool = authority.certificate.withHandle { certificate in
                authority.key.withHandle { key in
                    SSL_CTX_use_certificate(context.pointer, certificate) == 1
                        && SSL_CTX_use_PrivateKey(context.pointer, key) == 1
                }
            }
            #expect(isSet)
            return context
        }
        for side in [TLSFault.Side.accepting, .connecting] {
            try await withLoops { loops in
                let (near, far): (SocketStream, SocketStream) = try await connectedPair(loops)
                let context: TLSContext = try liar(side)
                let lying = Task {
                    let stream = try await TLSHandshake.run(near, context, serverName: nil, before: soon)
                    _ = try await stream.read(upTo: 1, before: soon)
                }
                let error: (any Error)? = await fault {
                    if side == .accepting {
                        _ = try await Cluster.home.client().connect(far, serverName: nil)
                    } else {
                        _ = try await Cluster.home.server().accept(far)
                    }
                }
                #expect((error as? TLSFault)?.reason == .wrongPurpose)
                #expect((error as? TLSFault)?.message.contains("nobody's identity") == true)
                #expect(await fault { try await lying.value } is TLSFault)
            }
        }
    }

    @Test func `no protocol in common is refused, none offered is not`() async throws {
        let server: TLSServerContext = try Cluster.home.server(protocols: ["http/1.1"])
        let (accepting, connecting): (TLSFault?, TLSFault?) = try await refused(
            server,
            Cluster.home.client(protocols: ["h2"])
        )
        #expect(accepting?.reason == .noCommonProtocol)
        #expect(connecting?.reason == .noCommonProtocol)
        try await withLoops { loops in
            let handshake: Handshake = try await .run(loops, server, Cluster.home.client())
            #expect(try handshake.server.get().negotiatedProtocol == nil)
        }
    }

    // MARK: Pinned authorities

    @Test func `a pinned authority vouches for what it issued`() async throws {
        let pin: TLSTrust = .pinned(authorityFingerprint: Cluster.home.authority.certificate.fingerprint)
        try await withLoops { loops in
            let handshake: Handshake = try await .run(
                loops,
                Cluster.home.server(.required(pin)),
                Cluster.home.client(trust: pin)
            )
            #expect(try handshake.client.get().peerChain.last == Cluster.home.authority.certificate)
            #expect(try handshake.server.get().peerCertificate?.commonName == "client")
        }
    }

    @Test func `another authority than the pinned one is refused`() async throws {
        let pin: TLSTrust = .pinned(authorityFingerprint: Cluster.foreign.authority.certificate.fingerprint)
        let (_, client): (TLSFault?, TLSFault?) = try await refused(
            Cluster.home.server(),
            Cluster.home.client(trust: pin)
        )
        #expect(client?.reason == .unknownAuthority)
        #expect(client?.message.contains("pinned") == true)
    }

    @Test func `to present the pinned authority beside a leaf of another is of no use`() async throws {
        let leaf: TLSIdentity = try Cluster.foreign.identity("server")
        let pinned: Certificate = Cluster.home.authority.certificate
        let lying = TLSIdentity(certificates: [leaf.certificates[0], pinned], key: leaf.key)
        let pin: TLSTrust = .pinned(authorityFingerprint: pinned.fingerprint)
        let (_, client): (TLSFault?, TLSFault?) = try await refused(
            Cluster.foreign.server(.none, identity: lying),
            Cluster.home.client(trust: pin)
        )
        #expect(client?.reason == .unknownAuthority)
    }

    @Test func `a pinned leaf is no authority, and a pin checks names, times and purposes too`() async throws {
        let identity: TLSIdentity = try Cluster.home.identity("server")
        let (_, leaf): (TLSFault?, TLSFault?) = try await refused(
            Cluster.home.server(identity: identity),
            Cluster.home.client(trust: .pinned(authorityFingerprint: identity.certificates[0].fingerprint))
        )
        #expect(leaf?.reason == .unknownAuthority)

        let pin: TLSTrust = .pinned(authorityFingerprint: Cluster.home.authority.certificate.fingerprint)
        let (_, name): (TLSFault?, TLSFault?) = try await refused(
            Cluster.home.server(),
            Cluster.home.client(trust: pin),
            serverName: "other.test"
        )
        #expect(name?.reason == .wrongName)
        let old: TLSIdentity = try Cluster.home.identity("server", now: wallClock - 86_400_000)
        let (_, time): (TLSFault?, TLSFault?) = try await refused(
            Cluster.home.server(identity: old),
            Cluster.home.client(trust: pin)
        )
        #expect(time?.reason == .expired)
        let hostOnly: TLSIdentity = try Cluster.home.identity("server", usages: [.client])
        let (_, use): (TLSFault?, TLSFault?) = try await refused(
            Cluster.home.server(identity: hostOnly),
            Cluster.home.client(trust: pin)
        )
        #expect(use?.reason == .wrongPurpose)
    }
}
