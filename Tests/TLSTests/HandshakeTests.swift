import Certificates
import EventLoop
import TestSupport
import Testing

@testable import TLS

@Suite(.timeLimit(.minutes(1))) struct HandshakeTests {
    @Test func `two identities of one authority see each other`() async throws {
        try await withLoops { loops in
            let server: TLSServerContext = try Cluster.home.server(protocols: ["http/1.1", "drover"])
            let client: TLSClientContext = try Cluster.home.client(protocols: ["h2", "drover"])
            let handshake: Handshake = try await .run(loops, server, client)
            let (accepted, connected): (TLSStream, TLSStream) = (try handshake.server.get(), try handshake.client.get())
            #expect(accepted.peerCertificate?.commonName == "client")
            #expect(accepted.peerCertificate?.uris == ["drover://00000000000000aa/node/client"])
            #expect(connected.peerCertificate?.dnsNames == ["server.test"])
            #expect(connected.peerChain.map(\.commonName) == ["server", "home"])
            #expect(accepted.negotiatedProtocol == "drover")
            #expect(connected.negotiatedProtocol == "drover")

            try await connected.write(Array("question".utf8), before: soon)
            #expect(try await accepted.read(upTo: 100, before: soon) == Array("question".utf8))
            try await accepted.write(Array("answer".utf8), before: soon)
            let buffer = ReadBuffer()
            #expect(try await connected.read(into: buffer, before: soon) == 6)
            #expect(buffer.take() == Array("answer".utf8))
            connected.close()
            #expect(try await accepted.read(upTo: 100, before: soon).isEmpty)
            accepted.close()
        }
    }
}
