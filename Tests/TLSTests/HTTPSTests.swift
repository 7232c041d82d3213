import Certificates
import EventLoop
import HTTP
import Synchronization
import TestSupport
import Testing
import WebSocket

@testable import TLS

/// HTTP and WebSocket inside TLS, as the listeners and clients of the rooms above use it.
@Suite(.timeLimit(.minutes(1))) struct HTTPSTests {
    struct World: Sendable {
        let server: HTTPServer
        let client: HTTPClient
        let connections: Counter
    }

    final class Counter: Sendable {
        private let count = Mutex<Int>(0)
        var value: Int { count.withLock { $0 } }
        func add() { count.withLock { $0 += 1 } }
    }

    private func withWorld(
        relay: (any RequestRelay)? = nil,
        _ handler: @escaping HTTPServer.Handler,
        _ body: (World) async throws -> Void
    ) async throws {
        let serving: TLSServerContext = try Cluster.home.server(protocols: ["http/1.1"])
        let counter = Counter()
        try await withLoops { loops in
            let server: HTTPServer = try .start(
                on: .tcp(host: "127.0.0.1", port: 0),
                loops: loops,
                wrapper: { stream in
                    counter.add()
                    return try await serving.accept(stream)
                },
                relay: relay,
                handler: handler
            )
            let client: HTTPClient = try Self.client(on: loops.all[1])
            let result: Result<Void, any Error>
            do {
                result = .success(try await body(World(server: server, client: client, connections: counter)))
            } catch {
                result = .failure(error)
            }
            client.close()
            await server.stop(graceMilliseconds: 0)
            try result.get()
        }
    }

    private static let who: HTTPServer.Handler = { request, info in
        let peer: String = (info.stream as? TLSStream)?.peerCertificate?.commonName ?? "nobody"
        return HTTPResponse(status: 200, body: Array("\(peer) ".utf8) + request.body)
    }

    @Test func `requests and answers of all sizes go over one kept connection, and the handler knows the peer`()
        async throws
    {
        try await withWorld(Self.who) { world in
            for count in [0, 1, 16_383, 16_384, 70_000, 3_000_000] {
                var random = Seeded(UInt64(count))
                let body: [UInt8] = random.bytes(count)
                let request = HTTPRequest(method: "PUT", target: "/a", headers: [:], body: body)
                let answer: HTTPClientResponse = try await world.client.send(request, to: world.server.endpoint)
                #expect(answer.body == Array("client ".utf8) + body)
            }
            #expect(world.connections.value == 1)
        }
    }

    /// Passes on everything, over TLS, to where it came from, under another path.
    private final class LoopRelay: RequestRelay {
        let client = Mutex<HTTPClient?>(nil)
        let count = Counter()

        func mayRelay(_ request: HTTPRequest, _ connection: ConnectionInfo) -> Bool { request.path == "/again" }

        func relay(_ connection: ConnectionInfo) -> (any RelayedRequest)? {
            guard let client: HTTPClient = client.withLock({ $0 }) else { return nil }
            count.add()
            return Relayed(client: client, endpoint: connection.local)
        }

        final class Relayed: RelayedRequest {
            let client: HTTPClient
            let endpoint: Endpoint
            let limits = HTTPClientLimits()

            init(client: HTTPClient, endpoint: Endpoint) {
                self.client = client
                self.endpoint = endpoint
            }

            func writeRequest(into bytes: inout [UInt8]) throws {
                try HeadBlock(HTTPRequest(method: "GET", target: "/behind"), to: endpoint).write(into: &bytes) { _ in }
            }

            func writeAnswer(_ head: ResponseHead, _ body: [UInt8], into bytes: inout [UInt8]) throws {
                try HeadBlock(HTTPResponse(status: 200)).write(body: body, into: &bytes) { _ in }
            }

            func response(to answer: HTTPAnswer) async -> HTTPResponse { .text(500, "not whole") }
            func response(to error: any Error) -> HTTPResponse { .text(502, "\(error)") }
        }
    }

    @Test func `requests that are passed on without a task go inside TLS on both sides`() async throws {
        let relay = LoopRelay()
        try await withWorld(
            relay: relay,
            { request, info in
                // Each connection on a loop of its own: the way on is one of the client's connection.
                if request.path == "/again", relay.client.withLock({ $0 }) == nil {
                    let made: HTTPClient? = try? Self.client(on: info.loop)
                    relay.client.withLock { $0 = made }
                    if let made { _ = try? await made.send(HTTPRequest(method: "GET", target: "/x"), to: info.local) }
                }
                return HTTPResponse(status: 200, body: Array("from \(request.path)".utf8))
            }
        ) { world in
            let request = HTTPRequest(method: "GET", target: "/again")
            let first: HTTPClientResponse = try await world.client.send(request, to: world.server.endpoint)
            #expect(first.body == Array("from /again".utf8))
            for _ in 0..<50 {
                let next: HTTPClientResponse = try await world.client.send(request, to: world.server.endpoint)
                #expect(next.status == 200 && next.body == Array("from /behind".utf8))
            }
            #expect(relay.count.value == 50)
            #expect(world.connections.value == 2)
            relay.client.withLock { $0 }?.close()
        }
    }

    private static func client(on loop: EventLoop) throws -> HTTPClient {
        let asking: TLSClientContext = try Cluster.home.client(protocols: ["http/1.1"])
        return HTTPClient(loop: loop) { endpoint, loop, deadline in
            let plain: SocketStream = try await loop.connect(to: endpoint, before: deadline)
            return try await asking.connect(plain, serverName: endpoint.host, before: deadline)
        }
    }

    @Test func `an answer that ends with its connection is complete, and a cut one is an error`() async throws {
        let handler: HTTPServer.Handler = { request, info in
            if request.path == "/cut" {
                return .stream { writer in
                    try await writer.write(Array("half".utf8))
                    throw NetworkFault.closed
                }
            }
            return .stream { writer in try await writer.write(Array("whole".utf8)) }
        }
        try await withWorld(handler) { world in
            let request = HTTPRequest(method: "GET", target: "/", headers: ["connection": "close"], body: [])
            let whole: HTTPClientResponse = try await world.client.send(request, to: world.server.endpoint)
            #expect(whole.body == Array("whole".utf8))
            let cut = HTTPRequest(method: "GET", target: "/cut", headers: [:], body: [])
            #expect(await fault { _ = try await world.client.send(cut, to: world.server.endpoint) } != nil)
        }
    }

    @Test func `the server's last word before it closes is TLS's own`() async throws {
        try await withWorld(Self.who) { world in
            let plain: SocketStream = try await world.client.loop.connect(to: world.server.endpoint, before: soon)
            let stream: TLSStream = try await Cluster.home.client().connect(plain, serverName: "127.0.0.1")
            try await stream.write(Array("GET / HTTP/1.0\r\n\r\n".utf8), before: soon)
            // An end, not the error that a cut would be.
            let answer: [UInt8] = try await readAll(stream)
            #expect(String(decoding: answer, as: UTF8.self).hasSuffix("client "))
        }
    }

    @Test func `a client that goes away ends a streamed answer`() async throws {
        let ended = Counter()
        let handler: HTTPServer.Handler = { _, _ in
            .stream { writer in
                defer { ended.add() }
                try await writer.write([1])
                try await Task.sleep(for: .seconds(60))
            }
        }
        try await withWorld(handler) { world in
            let request = HTTPRequest(method: "GET", target: "/", headers: [:], body: [])
            let answer: HTTPAnswer = try await world.client.open(request, to: world.server.endpoint)
            #expect(try await answer.next() == [1])
            answer.close()
            #expect(await eventually { ended.value == 1 })
        }
    }

    @Test func `an idempotent request survives a server that closed its kept connections`() async throws {
        try await withWorld(Self.who) { world in
            let request = HTTPRequest(method: "GET", target: "/", headers: [:], body: [])
            for round in 1...3 {
                let last = HTTPRequest(method: "GET", target: "/", headers: ["connection": "close"], body: [])
                _ = try await world.client.send(request, to: world.server.endpoint)
                _ = try await world.client.send(last, to: world.server.endpoint)
                #expect(world.connections.value == round)
            }
        }
    }

    @Test func `a client that is refused is told why by its first request`() async throws {
        let foreign: TLSClientContext = try Cluster.home.client(identity: Cluster.foreign.identity("client"))
        try await withWorld(Self.who) { world in
            let client = HTTPClient(loop: world.client.loop) { endpoint, loop, deadline in
                let plain: SocketStream = try await loop.connect(to: endpoint, before: deadline)
                return try await foreign.connect(plain, serverName: nil, before: deadline)
            }
            let request = HTTPRequest(method: "GET", target: "/", headers: [:], body: [])
            let error: (any Error)? = await fault { _ = try await client.send(request, to: world.server.endpoint) }
            #expect((error as? TLSFault)?.reason == .refusedByPeer, "\(String(describing: error))")
        }
    }

    @Test func `WebSocket messages go both ways`() async throws {
        let handler: HTTPServer.Handler = { request, _ in
            WebSocket.response(to: request) { socket in
                while let message = try? await socket.receive() {
                    if case .binary(let bytes) = message { try? await socket.send(binary: bytes) }
                }
            }
        }
        try await withWorld(handler) { world in
            let socket: WebSocket = try await .connect(to: world.server.endpoint, target: "/", client: world.client)
            for count in [0, 100, 70_000, 900_000] {
                var random = Seeded(7)
                let bytes: [UInt8] = random.bytes(count)
                try await socket.send(binary: bytes)
                #expect(try await socket.receive() == .binary(bytes))
            }
            await socket.close()
        }
    }

    @Test func `what both ends speak decides the protocol`() async throws {
        let serving: TLSServerContext = try Cluster.home.server(protocols: ["h2", "http/1.1"])
        let cases: [([String], String?)] = [
            (["http/1.1"], "http/1.1"), (["h2", "http/1.1"], "h2"), (["http/1.1", "h2"], "h2"), ([], nil),
        ]
        try await withLoops { loops in
            for (offered, wanted) in cases {
                let pair: Handshake = try await .run(loops, serving, Cluster.home.client(protocols: offered))
                let server: any ByteStream = try pair.server.get()
                let client: any ByteStream = try pair.client.get()
                #expect(server.negotiatedProtocol == wanted && client.negotiatedProtocol == wanted)
                server.close()
                client.close()
            }
        }
    }

    /// Says so many messages, each as soon as the one before was taken.
    private final class Speaker: PushSocketOwner, @unchecked Sendable {
        // @unchecked: `socket` and `next` are touched by the loop's thread only.
        static let text = String(repeating: "x", count: 50_000)
        private var socket: PushSocket?
        private var next: Int = 0
        let count: Int
        let waits = Shared(0)
        let ends = Shared(0)

        init(_ count: Int) { self.count = count }

        func socketStands(_ socket: PushSocket) {
            self.socket = socket
            socketIsFree()
        }

        func socketIsFree() {
            while next < count, let socket, socket.isFree {
                socket.send(ServerTextFrame(Array("\(next) \(Self.text)".utf8)))
                next += 1
                if !socket.isFree { waits.change { $0 += 1 } }
            }
        }

        func socketHasEnded() {
            socket = nil
            ends.change { $0 += 1 }
        }
    }

    @Test func `a WebSocket without a task says everything in order, answers pings, and ends in good order`()
        async throws
    {
        let speaker = Speaker(150)
        try await withWorld({ request, _ in WebSocket.response(to: request, owner: speaker) }) { world in
            let socket: WebSocket = try await .connect(to: world.server.endpoint, target: "/", client: world.client)
            #expect(await eventually { speaker.waits.value > 0 })
            // What the peer says meanwhile is heard: more than one record, and more than the system holds.
            try await socket.ping()
            let sending = Task {
                for _ in 0..<20 { try await socket.send(binary: [UInt8](repeating: 1, count: 50_000)) }
            }
            for number in 0..<150 { #expect(try await socket.receive() == .text("\(number) \(Speaker.text)")) }
            try await sending.value
            #expect(speaker.ends.value == 0)
            await socket.close()
            #expect(await eventually { speaker.ends.value == 1 && world.server.connectionCount == 0 })
        }
        let other = Speaker(1)
        try await withWorld({ request, _ in WebSocket.response(to: request, owner: other) }) { world in
            let socket: WebSocket = try await .connect(to: world.server.endpoint, target: "/", client: world.client)
            _ = try await socket.receive()
            #expect(other.ends.value == 0)
        }
        #expect(other.ends.value == 1, "the server has stopped")
    }
}
