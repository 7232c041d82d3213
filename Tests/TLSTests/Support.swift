import COpenSSL
import Certificates
import EventLoop
import Glibc
import Synchronization
import TestSupport
import Testing

@testable import TLS

/// Far enough not to be reached by a working test, near enough to end a broken one.
var soon: Deadline { .after(seconds: 60) }

/// Milliseconds since 1970.
var wallClock: Int64 {
    var time = timespec()
    clock_gettime(CLOCK_REALTIME, &time)
    return Int64(time.tv_sec) * 1_000 + Int64(time.tv_nsec) / 1_000_000
}

/// An authority, and identities that it vouches for.
struct Cluster: Sendable {
    let authority: CertificateAuthority

    static let home: Cluster = made("home")
    static let foreign: Cluster = made("foreign")

    private static func made(_ name: String) -> Cluster {
        do {
            return try Cluster(authority: .found(commonName: name, now: wallClock, lifetimeSeconds: 86_400))
        } catch {
            preconditionFailure("no authority for the tests: \(error)")
        }
    }

    var trust: TLSTrust { .authorities([authority.certificate]) }

    func identity(
        _ name: String,
        usages: Set<CertificateProfile.Usage> = [.server, .client],
        now: Int64 = wallClock,
        lifetimeSeconds: Int64 = 3_600
    ) throws -> TLSIdentity {
        let key: PrivateKey = try .generate()
        let profile = CertificateProfile(
            commonName: name,
            uris: ["drover://00000000000000aa/node/\(name)"],
            dnsNames: ["\(name).test"],
            addresses: ["127.0.0.1", "::1"],
            usages: usages,
            lifetimeSeconds: lifetimeSeconds
        )
        let leaf: Certificate = try authority.issue(.make(key: key, commonName: name), profile, now: now)
        return TLSIdentity(certificates: [leaf, authority.certificate], key: key)
    }

    func server(identity: TLSIdentity? = nil, protocols: [String] = []) throws -> TLSServerContext {
        try server(.required(trust), identity: identity, protocols: protocols)
    }

    func server(
        _ clients: TLSClientCertificates,
        identity: TLSIdentity? = nil,
        protocols: [String] = []
    ) throws -> TLSServerContext {
        try TLSServerContext(
            identity: identity ?? self.identity("server"),
            clientCertificates: clients,
            protocols: protocols
        )
    }

    func client(
        identity: TLSIdentity? = nil,
        trust: TLSTrust? = nil,
        protocols: [String] = []
    ) throws -> TLSClientContext {
        try TLSClientContext(
            identity: identity ?? self.identity("client"),
            trust: trust ?? self.trust,
            protocols: protocols
        )
    }
}

/// What each side of a handshake came to.
struct Handshake: Sendable {
    let server: Result<TLSStream, any Error>
    let client: Result<TLSStream, any Error>

    static func run(
        _ loops: Loops,
        _ server: TLSServerContext,
        _ client: TLSClientContext,
        serverName: String? = "server.test",
        wrap: (any ByteStream) -> any ByteStream = { $0 }
    ) async throws -> Handshake {
        let (plainServer, plainClient): (SocketStream, SocketStream) = try await connectedPair(loops)
        let wrapped: any ByteStream = wrap(plainServer)
        let wrappedClient: any ByteStream = wrap(plainClient)
        async let accepted: Result<TLSStream, any Error> = outcome { try await server.accept(wrapped, before: soon) }
        let connected: Result<TLSStream, any Error> = await outcome {
            try await client.connect(wrappedClient, serverName: serverName, before: soon)
        }
        // A client that was refused must let go, or the server would wait for it.
        if case .success(let stream) = connected {
            // The server's verdict on our certificate comes with the first read.
            let handshake = Handshake(server: await accepted, client: connected)
            guard case .failure = handshake.server else { return handshake }
            let refused: Result<TLSStream, any Error> = await outcome {
                _ = try await stream.read(upTo: 1, before: soon)
                return stream
            }
            stream.close()
            return Handshake(server: handshake.server, client: refused)
        }
        return Handshake(server: await accepted, client: connected)
    }

    var serverFault: TLSFault? { Self.fault(server) }
    var clientFault: TLSFault? { Self.fault(client) }

    private static func fault(_ result: Result<TLSStream, any Error>) -> TLSFault? {
        if case .failure(let error) = result { error as? TLSFault } else { nil }
    }
}

func outcome<Value: Sendable>(_ body: @Sendable () async throws -> Value) async -> Result<Value, any Error> {
    do {
        return .success(try await body())
    } catch {
        return .failure(error)
    }
}

/// Two connected TLS streams: the server's, the client's.
func tlsPair(
    _ loops: Loops,
    wrap: (any ByteStream) -> any ByteStream = { $0 }
) async throws -> (TLSStream, TLSStream) {
    let handshake: Handshake = try await .run(loops, Cluster.home.server(), Cluster.home.client(), wrap: wrap)
    return (try handshake.server.get(), try handshake.client.get())
}

/// Reads exactly so many bytes, or fewer when the end comes.
func readAll(_ stream: any ByteStream, _ count: Int = .max) async throws -> [UInt8] {
    var bytes: [UInt8] = []
    while bytes.count < count {
        let piece: [UInt8] = try await stream.read(upTo: min(65_536, count - bytes.count), before: soon)
        if piece.isEmpty { break }
        bytes += piece
    }
    return bytes
}

extension TLSStream {
    /// Changes this side's keys and asks the peer to change its own; sent with the next write.
    func changeKeys() {
        withSession { session in
            #expect(SSL_key_update(session.ssl, SSL_KEY_UPDATE_REQUESTED) == 1)
        }
    }
}
