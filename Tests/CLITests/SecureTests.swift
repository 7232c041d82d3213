import Certificates
import EventLoop
import Glibc
import JSON
import Synchronization
import TLS
import Testing

@testable import CLI

/// Servers behind TLS, and servers that break off.
@Suite(.timeLimit(.minutes(1))) struct SecureTests {
    private static var now: Int64 { Int64(time(nil)) * 1_000 }

    private static func authority(_ name: String) throws -> CertificateAuthority {
        try .found(commonName: name, now: now, lifetimeSeconds: 86_400)
    }

    /// A server whose certificate is for 127.0.0.1 alone, and a folder with its authority's certificate.
    private func run(_ body: (FakeServer, _ caFile: String) async throws -> Void) async throws {
        let authority: CertificateAuthority = try Self.authority("home")
        let key: PrivateKey = try .generate()
        let leaf: Certificate = try authority.issue(
            .make(key: key, commonName: "node1"),
            CertificateProfile(
                commonName: "node1",
                addresses: ["127.0.0.1"],
                usages: [.server],
                lifetimeSeconds: 3_600
            ),
            now: Self.now
        )
        let context = try TLSServerContext(
            identity: TLSIdentity(certificates: [leaf, authority.certificate], key: key),
            clientCertificates: .none,
            protocols: []
        )
        let pem = String(decoding: authority.certificate.pem, as: UTF8.self)
        try await withFolder(["ca.pem": pem]) { folder in
            try await FakeServer.run(context) { server in try await body(server, "\(folder)/ca.pem") }
        }
    }

    @Test func `a server of the authority that was given is believed, streams too`() async throws {
        try await run { server, caFile in
            server.add(["id": "1i7", "type": "container", "name": "web-1", "state": "running", "serviceIds": []])
            let listed: Ended = await drover("--ca-file", caFile, "env", server: server)
            #expect(listed.code == 0 && listed.out.contains("Default"), "\(listed)")
            let terminal = FakeTerminal(input: ["hi\n"])
            let ended: Ended = await drover(
                "exec",
                "-i",
                "web-1",
                "cat",
                server: server,
                environment: ["DROVER_CA_FILE": caFile],
                terminal: terminal.port
            )
            #expect(ended.code == 0 && terminal.out.hasSuffix("hi\n"), "\(ended)")
        }
    }

    @Test func `a server of another authority, of another name or without TLS gets no key`() async throws {
        try await run { server, caFile in
            let foreign = String(decoding: try Self.authority("foreign").certificate.pem, as: UTF8.self)
            try await withFolder(["other.pem": foreign]) { folder in
                let other: Ended = await drover("--ca-file", "\(folder)/other.pem", "env", server: server)
                #expect(other.code == 1 && other.error.contains("is not trusted"), "\(other)")
                #expect(other.error.contains("other.pem the authority of this cluster?"), "\(other)")
            }
            let named: Ended = await drover(
                "--url",
                "https://localhost:\(server.port)",
                "--ca-file",
                caFile,
                "--access-key",
                "key",
                "--secret-key",
                "secret",
                "env"
            )
            #expect(named.code == 1 && named.error.contains("is not trusted"), "\(named)")
            #expect(named.error.contains("an address that the certificate is for"), "\(named)")
            #expect(server.requests.isEmpty)
            try await FakeServer.run { plain in
                let ended: Ended = await drover(
                    "--url",
                    "https://127.0.0.1:\(plain.port)",
                    "--ca-file",
                    caFile,
                    "env"
                )
                #expect(ended.code == 1 && ended.error.contains("write http:// for a server without TLS"), "\(ended)")
            }
        }
    }

    /// Takes connections and hangs up on each after a request, `count` times; then nobody listens.
    private func hangingUp(_ count: Int, _ body: (_ url: String) async throws -> Void) async throws -> Int {
        let loop: EventLoop = try .start()
        let listener: Listener = try .bind(.tcp(host: "127.0.0.1", port: 0), on: loop)
        let came = Mutex<Int>(0)
        let accepting = Task {
            for _ in 0..<count {
                let stream: SocketStream = try await listener.accept(onto: loop)
                _ = try? await stream.read(upTo: 4_096, before: .after(seconds: 10))
                came.withLock { $0 += 1 }
                stream.close()
            }
        }
        let result: Result<Void, any Error>
        do { result = .success(try await body("http://\(listener.endpoint)")) } catch { result = .failure(error) }
        accepting.cancel()
        listener.close()
        await loop.stop()
        try result.get()
        return came.withLock { $0 }
    }

    @Test func `what only reads is asked again, what changes something is not, and its fate is said to be unknown`()
        async throws
    {
        let reads: Int = try await hangingUp(10) { url in
            let ended: Ended = await drover("--url", url, "env")
            #expect(ended.code == 1 && ended.error.contains("no answer from \(url)"), "\(ended)")
            #expect(!ended.error.contains("not known"))
        }
        #expect(reads == 4)
        let writes: Int = try await hangingUp(10) { url in
            let ended: Ended = await drover("--url", url, "env", "create", "work")
            #expect(ended.code == 1, "\(ended)")
            #expect(ended.error.contains("whether POST /v2-beta/projects was carried out is not known: look before"))
        }
        #expect(writes == 1)
    }
}
