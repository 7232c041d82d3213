import Certificates
import EventLoop
import Glibc
import Subprocess
import TestSupport
import Testing

@testable import TLS

/// Peers that do not speak TLS 1.3, or nothing at all.
@Suite(.timeLimit(.minutes(1))) struct StrangerTests {
    /// What our server says to a client that sends `bytes`, then perhaps ends; and what that client is told.
    private func accept(
        _ bytes: [UInt8],
        ends: Bool = false,
        before deadline: Deadline? = nil
    ) async throws -> ((any Error)?, [UInt8]) {
        try await withLoops { loops in
            let (near, far): (SocketStream, SocketStream) = try await connectedPair(loops)
            let server: TLSServerContext = try Cluster.home.server()
            try await far.write(bytes, before: soon)
            if ends { await far.finishWriting() }
            async let answer: [UInt8] = {
                let answer: [UInt8] = (try? await readAll(far)) ?? []
                far.close()
                return answer
            }()
            let error: (any Error)? = await fault { _ = try await server.accept(near, before: deadline ?? soon) }
            return (error, await answer)
        }
    }

    @Test(arguments: [
        "GET / HTTP/1.1\r\nHost: a\r\n\r\n", "POST /join HTTP/1.1\r\n", "CONNECT a:443 HTTP/1.1\r\n", "SSH-2.0-x\r\n",
    ])
    func `plain text on the TLS port is refused in words`(_ text: String) async throws {
        let (error, _): ((any Error)?, [UInt8]) = try await accept(Array(text.utf8))
        #expect((error as? TLSFault)?.reason == .plainText, "\(String(describing: error))")
    }

    @Test func `a plain-text service on the other side is told apart`() async throws {
        try await withLoops { loops in
            let (near, far): (SocketStream, SocketStream) = try await connectedPair(loops)
            let client: TLSClientContext = try Cluster.home.client()
            try await far.write(Array("HTTP/1.1 400 Bad Request\r\n\r\n".utf8), before: soon)
            await far.finishWriting()
            let error: (any Error)? = await fault { _ = try await client.connect(near, serverName: nil) }
            #expect((error as? TLSFault)?.reason == .plainText, "\(String(describing: error))")
        }
    }

    @Test(arguments: [[], [0x16], [0x16, 0x03, 0x01, 0x00, 0x10, 0x01]] as [[UInt8]])
    func `an end in the middle of the handshake is told`(_ bytes: [UInt8]) async throws {
        let (error, _): ((any Error)?, [UInt8]) = try await accept(bytes, ends: true)
        #expect((error as? TLSFault)?.reason == .endedInHandshake, "\(String(describing: error))")
    }

    @Test func `a silent peer costs the deadline and no more`() async throws {
        let (error, answer): ((any Error)?, [UInt8]) = try await accept([0x16], before: .after(milliseconds: 50))
        guard case .timedOut(let operation, _) = error as? NetworkFault else {
            Issue.record("\(String(describing: error))")
            return
        }
        #expect(operation == "TLS handshake with")
        #expect(answer.isEmpty)
    }

    @Test func `a cancelled handshake closes the connection`() async throws {
        try await withLoops { loops in
            let (near, far): (SocketStream, SocketStream) = try await connectedPair(loops)
            let server: TLSServerContext = try Cluster.home.server()
            let task = Task { await fault { _ = try await server.accept(near, before: soon) } }
            try await loops.all[0].sleep(milliseconds: 5)
            task.cancel()
            #expect(await task.value is CancellationError)
            #expect(try await far.read(upTo: 1, before: soon).isEmpty)
        }
    }

    @Test(arguments: [UInt64](0..<40))
    func `random bytes in a handshake are refused, never trapped on`(seed: UInt64) async throws {
        var random = Seeded(seed)
        // A true hello, damaged: it gets further than noise does.
        let hello: [UInt8] = try await withLoops(1) { loops in
            let (near, far): (SocketStream, SocketStream) = try await connectedPair(loops)
            let client: TLSClientContext = try Cluster.home.client(protocols: ["http/1.1"])
            let task = Task { _ = try? await client.connect(near, serverName: "server.test", before: soon) }
            let hello: [UInt8] = try await far.read(upTo: 4_096, before: soon)
            far.close()
            await task.value
            return hello
        }
        #expect(hello.count > 100)
        var bytes: [UInt8] = seed % 4 == 0 ? random.bytes(300) : hello
        for _ in 0..<Int.random(in: 1...3, using: &random) {
            bytes[Int.random(in: 0..<bytes.count, using: &random)] = .random(in: 0...255, using: &random)
        }
        let (error, _): ((any Error)?, [UInt8]) = try await accept(bytes + random.bytes(100), ends: true)
        #expect(error != nil)
    }

    // MARK: Another program

    static let hasOpenSSL: Bool = access("/usr/bin/openssl", X_OK) == 0

    /// What `openssl s_client` says to our server, and what our server says.
    private func withProgram(
        _ arguments: [String],
        input: String = "",
        clients: TLSClientCertificates = .none,
        _ serve: @escaping @Sendable (TLSStream) async throws -> Void
    ) async throws -> (SubprocessResult, (any Error)?) {
        try await withLoops { loops in
            let listener: Listener = try .bind(.tcp(host: "127.0.0.1", port: 0), on: loops.all[0])
            defer { listener.close() }
            let server: TLSServerContext = try Cluster.home.server(clients)
            let port: Int = try #require(listener.endpoint.port)
            let task = Task { () -> (any Error)? in
                await fault {
                    let plain: SocketStream = try await listener.accept(onto: loops.all[0])
                    let stream: TLSStream = try await server.accept(plain, before: soon)
                    try await serve(stream)
                    stream.close()
                }
            }
            let result: SubprocessResult = try await Subprocess.run(
                "/usr/bin/openssl",
                ["s_client", "-connect", "127.0.0.1:\(port)"] + arguments,
                input: Array(input.utf8),
                deadline: .seconds(20)
            )
            return (result, await task.value)
        }
    }

    @Test(.enabled(if: hasOpenSSL, "there is no /usr/bin/openssl"))
    func `TLS 1_2 is refused`() async throws {
        let (result, error): (SubprocessResult, (any Error)?) = try await withProgram(["-tls1_2"]) { _ in }
        #expect(!result.status.isSuccess)
        #expect(result.errorText.contains("protocol version"), "\(result.errorText)")
        #expect((error as? TLSFault)?.reason == .version, "\(String(describing: error))")
    }

    @Test(.enabled(if: hasOpenSSL, "there is no /usr/bin/openssl"))
    func `another program talks to us, gets no ticket, and changes keys as often as it likes`() async throws {
        let input: String = "one\nk\nK\ntwo\nK\nthree\nQ\n"
        let (result, error): (SubprocessResult, (any Error)?) = try await withProgram(
            ["-tls1_3", "-servername", "server.test", "-crlf"],
            input: input
        ) { stream in
            var got: String = ""
            while !got.contains("three") {
                let piece: [UInt8] = try await stream.read(upTo: 1_000, before: soon)
                if piece.isEmpty { break }
                got += String(decoding: piece, as: UTF8.self)
                try await stream.write(piece, before: soon)
            }
            #expect(got.contains("one") && got.contains("two") && got.contains("three"))
        }
        #expect(error == nil, "\(String(describing: error))")
        #expect(result.outputText.contains("TLSv1.3"))
        #expect(!result.outputText.contains("New Session Ticket"))
    }
}
