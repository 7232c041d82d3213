import EventLoop
import HTTP2
import Synchronization
import TestSupport
import Testing

@testable import HTTP

/// HTTP/2 on a server's connections, by a client that libnghttp2 makes.
@Suite(.timeLimit(.minutes(1))) struct HTTP2ServerTests {
    private func withServer(
        _ limits: HTTPServerLimits = HTTPServerLimits(),
        streams: HTTPServer.Streams? = nil,
        handler: @escaping HTTPServer.Handler = World.echo,
        _ body: (World) async throws -> Void
    ) async throws {
        try await World.run(limits, wrapper: { AgreedStream($0) }, streams: streams, handler: handler, body)
    }

    private func client(_ world: World, window: Int32 = 1 << 20, takes: Bool = true) async throws -> HTTP2Client {
        HTTP2Client(try await world.connect(), window: window, takes: takes)
    }

    // MARK: Requests and answers

    @Test func `a request is what HTTP/1.1 would have brought`() async throws {
        let seen = Shared<HTTPRequest?>(nil)
        let handler: HTTPServer.Handler = { request, _ in
            seen.change { $0 = request }
            return HTTPResponse(status: 201, headers: ["X-Answer": " a ", "Connection": "close"], body: [1, 2, 3])
        }
        try await withServer(handler: handler) { world in
            let client: HTTP2Client = try await client(world)
            let answer: HTTP2Client.Answer = try await client.answer(
                "POST",
                "/a%20b?c=d",
                [("cookie", "a=1"), ("x-one", "1"), ("cookie", "b=2"), ("te", "trailers"), ("content-length", "5")],
                authority: "example.test:8443",
                body: Array("hello".utf8)
            )
            #expect(answer.status == 201 && answer.body == [1, 2, 3] && answer.isWhole)
            #expect(answer.headers == ["x-answer": "a", "content-length": "3"])
            let request: HTTPRequest = try #require(seen.value)
            #expect(request.method == "POST" && request.path == "/a%20b" && request.query == "c=d")
            #expect(request.protocolName == "HTTP/2" && request.body == Array("hello".utf8))
            #expect(
                request.headers.map { "\($0.name): \($0.value)" } == [
                    "host: example.test:8443", "x-one: 1", "content-length: 5", "cookie: a=1; b=2",
                ]
            )
        }
    }

    @Test func `many requests at once get each its own answer, in whatever order`() async throws {
        let handler: HTTPServer.Handler = { request, info in
            // The later come first.
            if request.path != "/99" { try? await info.loop.sleep(milliseconds: 20) }
            return HTTPResponse(status: 200, body: Array(request.target.utf8) + request.body)
        }
        try await withServer(handler: handler) { world in
            let client: HTTP2Client = try await client(world)
            var streams: [Int32: String] = [:]
            for number in 0..<100 {
                streams[client.send("PUT", "/\(number)", body: Array("-\(number)".utf8))] = "/\(number)-\(number)"
            }
            for (stream, text) in streams { #expect(try await client.answer(stream).text == text) }
            #expect(world.server.connectionCount == 1)
        }
    }

    @Test func `HEAD, 204 and 304 have no body`() async throws {
        let handler: HTTPServer.Handler = { request, _ in
            if request.path == "/stream" { return .stream(length: 9) { _ in Issue.record("nobody reads this") } }
            return HTTPResponse(status: Int(request.path.dropFirst()) ?? 0, body: Array("something".utf8))
        }
        try await withServer(handler: handler) { world in
            let client: HTTP2Client = try await client(world)
            for (method, path, status, length) in [
                ("HEAD", "/200", 200, "9"), ("HEAD", "/stream", 200, "9"), ("GET", "/204", 204, nil),
                ("GET", "/304", 304, nil),
            ] {
                let answer: HTTP2Client.Answer = try await client.answer(method, path)
                #expect(
                    answer.status == status && answer.body.isEmpty && answer.isWhole && answer.closed == 0,
                    "\(path)"
                )
                #expect(answer.headers["content-length"] == length, "\(path)")
            }
        }
    }

    @Test func `bodies of all sizes go both ways`() async throws {
        try await withServer(handler: { request, _ in HTTPResponse(status: 200, body: request.body) }) { world in
            let client: HTTP2Client = try await client(world)
            for count in [1, 16_384, 65_535, 65_536, 65_537, 300_000, 4 * 1024 * 1024] {
                let body: [UInt8] = (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 31 >> 3) }
                let announced: [(String, String)] = [("content-length", "\(count)")]
                for headers in [announced, []] {
                    let answer: HTTP2Client.Answer = try await client.answer("PUT", "/", headers, body: body)
                    #expect(answer.status == 200 && answer.body == body, "\(count) bytes, \(headers)")
                }
            }
        }
    }

    @Test func `long bodies take turns for the room that one connection has`() async throws {
        try await withServer(handler: { request, _ in .text(200, "\(request.body.count)") }) { world in
            let client: HTTP2Client = try await client(world)
            let body = [UInt8](repeating: 7, count: 3 * 1024 * 1024)
            let streams: [Int32] = (0..<8).map { _ in client.send("PUT", body: body) }
            for stream in streams { #expect(try await client.answer(stream).text == "\(body.count)\n") }
        }
    }

    @Test func `whoever asks whether to go on is told`() async throws {
        try await withServer { world in
            let client: HTTP2Client = try await client(world)
            let stream: Int32 = client.send("PUT", "/", [("expect", "100-continue")], isWhole: false)
            #expect(try await client.run { client.answers[stream]?.interim == [100] })
            client.push(stream, [65], ends: true)
            #expect(try await client.answer(stream).text == "PUT / A")
        }
    }

    @Test func `a streamed answer comes piece by piece, and one that breaks is not whole`() async throws {
        let handler: HTTPServer.Handler = { request, _ in
            .stream(length: request.path == "/short" ? 100 : nil) { writer in
                for number in 0..<50 { try await writer.write("\(number) ") }
                if request.path == "/broken" { throw CancellationError() }
            }
        }
        let whole: String = (0..<50).map { "\($0) " }.joined()
        try await withServer(handler: handler) { world in
            let client: HTTP2Client = try await client(world)
            let good: HTTP2Client.Answer = try await client.answer()
            #expect(good.text == whole && good.isWhole && good.headers["content-length"] == nil)
            for path in ["/broken", "/short"] {
                let broken: HTTP2Client.Answer = try await client.answer("GET", path)
                #expect(!broken.isWhole && broken.closed == 2, "\(path)")
            }
            #expect(try await client.answer("GET", "/again").text == whole)
        }
    }

    @Test func `an answer that cannot be a head is a 500, and an upgrade is refused`() async throws {
        let handler: HTTPServer.Handler = { request, _ in
            request.path == "/upgrade"
                ? .upgrade(headers: ["Upgrade": "x"]) { _, _ in Issue.record("the connection was given away") }
                : HTTPResponse(status: 200, headers: ["X": "a\r\nY: b"])
        }
        try await withServer(handler: handler) { world in
            let client: HTTP2Client = try await client(world)
            #expect(try await client.answer().status == 500)
            let refused: HTTP2Client.Answer = try await client.answer("GET", "/upgrade")
            #expect(refused.status == 505 && refused.text.contains("HTTP/1.1 only"))
        }
    }

    // MARK: Refusals

    @Test func `what HTTP/1.1 refuses is refused with the same answer`() async throws {
        var limits = HTTPServerLimits()
        (limits.message.lineBytes, limits.message.headBytes, limits.message.headerCount) = (1_000, 3_000, 20)
        limits.message.bodyBytes = 100_000
        let long = String(repeating: "a", count: 1_000)
        let cases: [(Int, String, String, [(String, String)], [UInt8]?)] = [
            (414, "GET", "/" + long, [], nil),
            (431, "GET", "/", [("x", long)], nil),
            (431, "GET", "/", (0..<4).map { ("x\($0)", String(long.dropLast(10))) }, nil),
            (431, "GET", "/", (0..<21).map { ("x\($0)", "") }, nil),
            (413, "PUT", "/", [("content-length", "100001")], [1]),
            (413, "PUT", "/", [], [UInt8](repeating: 0, count: 100_001)),
            (417, "PUT", "/", [("expect", "miracles")], [1]),
            (400, "GET", "/%zz", [], nil), (400, "GET", "/\u{FC}", [], nil),
            (400, "GET", "/", [("x", "a\r\ny: z")], nil),
            (400, "GET", "/", [("host", "b.test")], nil),
            (200, "GET", "/", [("host", "a.test")], nil),
        ]
        try await withServer(limits) { world in
            let client: HTTP2Client = try await client(world)
            for (status, method, path, headers, body) in cases {
                let announced: Bool = headers.contains { $0.0 == "content-length" }
                let stream: Int32 = client.send(method, path, headers, body: body, isWhole: !announced)
                let answer: HTTP2Client.Answer = try await client.answer(stream)
                #expect(answer.status == status, "\(path.prefix(20)) \(headers.prefix(2)) \(answer.text)")
                #expect(answer.isWhole)
            }
            // The connection has outlived it all.
            #expect(try await client.answer("GET", "/end").text == "GET /end ")
        }
    }

    @Test func `a malformed request reaches no handler`() async throws {
        let handler: HTTPServer.Handler = { request, _ in
            if request.path != "/good" { Issue.record("\(request.headers.map { $0 })") }
            return .text(200, "good")
        }
        try await withServer(handler: handler) { world in
            let client: HTTP2Client = try await client(world)
            for headers in [
                [("transfer-encoding", "chunked")], [("connection", "x")], [(":path", "/second")],
                [("upgrade", "websocket")],
                [("content-length", "3")], [("host", "a.test"), ("host", "a.test")],
            ] {
                let answer: HTTP2Client.Answer = try await client.answer("GET", "/bad", headers)
                #expect(answer.status == 0 && answer.closed == 1, "\(headers)")
            }
            #expect(try await client.answer("GET", "/good").text == "good\n")
        }
    }

    @Test func `a body that does not come is refused, and header fields that do not come end the connection`()
        async throws
    {
        var limits = HTTPServerLimits()
        limits.readMilliseconds = 50
        try await withServer(limits) { world in
            let client: HTTP2Client = try await client(world)
            let stream: Int32 = client.send("PUT", "/", body: [1], isWhole: false)
            let answer: HTTP2Client.Answer = try await client.answer(stream)
            #expect(answer.status == 408 && answer.isWhole)
            #expect(client.goAway == nil)
            // HEADERS without END_HEADERS, and then nothing.
            try await client.stream.write([0, 0, 1, 1, 1, 0, 0, 0, 99, 0x82], before: soon)
            #expect(try await client.run { client.hasEnded })
            #expect(client.goAway?.code == 11)
        }
    }

    // MARK: Flow control

    /// How many bytes a producer has got rid of.
    private final class Produced: Sendable {
        let bytes = Atomic<Int>(0)
        let isCancelled = Atomic<Bool>(false)

        func endlessly(_ writer: HTTPBodyWriter) async throws {
            let piece = [UInt8](repeating: 5, count: 10_000)
            do {
                while true {
                    try await writer.write(piece)
                    bytes.add(piece.count, ordering: .relaxed)
                }
            } catch {
                isCancelled.store(true, ordering: .relaxed)
                throw error
            }
        }
    }

    @Test func `a stream whose window is full holds back its producer, and others go on`() async throws {
        let produced = Produced()
        let handler: HTTPServer.Handler = { request, _ in
            request.path == "/endless" ? .stream { try await produced.endlessly($0) } : .text(200, "quick")
        }
        try await withServer(handler: handler) { world in
            let client: HTTP2Client = try await client(world, window: 65_535, takes: false)
            let endless: Int32 = client.send("GET", "/endless")
            let isFull: Bool = try await client.receives(endless, atLeast: 65_535)
            #expect(isFull)
            try await client.listen(milliseconds: 50)
            #expect(client.received(endless) == 65_535)
            #expect(produced.bytes.load(ordering: .relaxed) == 60_000)
            client.take(endless, 65_535)
            let isFullAgain: Bool = try await client.receives(endless, atLeast: 131_070)
            #expect(isFullAgain)
            #expect(client.received(endless) == 131_070)
            #expect(produced.bytes.load(ordering: .relaxed) <= 140_000)
        }
    }

    @Test func `a reader that reads one stream only gets all of it`() async throws {
        let produced = Produced()
        let handler: HTTPServer.Handler = { request, _ in
            request.path == "/endless"
                ? .stream { try await produced.endlessly($0) }
                : HTTPResponse(status: 200, body: [UInt8](repeating: 1, count: 500_000))
        }
        try await withServer(handler: handler) { world in
            // Streams have windows of 20,000 bytes and the connection has a large one.
            let client: HTTP2Client = try await client(world, window: 20_000, takes: false)
            client.widen(10_000_000)
            let endless: Int32 = client.send("GET", "/endless")
            let isFull: Bool = try await client.receives(endless, atLeast: 20_000)
            #expect(isFull)
            let other: Int32 = client.send("GET", "/whole")
            var taken: Int = 0
            while taken < 500_000 {
                guard try await client.receives(other, atLeast: taken + 1) else { break }
                client.takeStream(other, client.received(other) - taken)
                taken = client.received(other)
            }
            let whole: HTTP2Client.Answer = try await client.answer(other)
            #expect(whole.isWhole)
            #expect(client.received(endless) == 20_000)
            #expect(produced.bytes.load(ordering: .relaxed) <= 30_000)
        }
    }

    @Test func `a reader that never reads is given up after the time for writing`() async throws {
        var limits = HTTPServerLimits()
        limits.writeMilliseconds = 50
        let produced = Produced()
        let handler: HTTPServer.Handler = { request, _ in
            request.path == "/endless"
                ? .stream { try await produced.endlessly($0) }
                : HTTPResponse(status: 200, body: [UInt8](repeating: 1, count: 1_000))
        }
        try await withServer(limits, handler: handler) { world in
            let client: HTTP2Client = try await client(world, window: 0, takes: false)
            let streams: [Int32] = [client.send("GET", "/endless"), client.send("GET", "/bytes")]
            for stream in streams { #expect(try await client.answer(stream).closed == 8) }
            #expect(await eventually { produced.isCancelled.load(ordering: .relaxed) })
            #expect(client.goAway == nil)
        }
    }

    // MARK: Ends

    @Test func `a stream that is reset cancels its producer`() async throws {
        let produced = Produced()
        let handler: HTTPServer.Handler = { request, _ in
            request.path == "/endless" ? .stream { try await produced.endlessly($0) } : .text(200, "still here")
        }
        try await withServer(handler: handler) { world in
            let client: HTTP2Client = try await client(world)
            let endless: Int32 = client.send("GET", "/endless")
            let hasBegun: Bool = try await client.receives(endless, atLeast: 1)
            #expect(hasBegun)
            client.reset(endless)
            #expect(try await client.answer("GET", "/").text == "still here\n")
            #expect(await eventually { produced.isCancelled.load(ordering: .relaxed) })
        }
    }

    @Test func `a producer that waits for itself is cancelled when the peer goes away`() async throws {
        let isCancelled = Shared(false)
        let handler: HTTPServer.Handler = { _, info in
            .stream { writer in
                try await writer.write("a")
                do { try await info.loop.sleep(milliseconds: 60_000) } catch { isCancelled.change { $0 = true } }
            }
        }
        try await withServer(handler: handler) { world in
            let client: HTTP2Client = try await client(world)
            let stream: Int32 = client.send()
            let hasBegun: Bool = try await client.receives(stream, atLeast: 1)
            #expect(hasBegun)
            client.stream.close()
            #expect(await eventually { isCancelled.value && world.server.connectionCount == 0 })
        }
    }

    @Test func `requests that were reset and still run leave no room for more`() async throws {
        var limits = HTTPServerLimits()
        limits.http2.concurrentStreams = 3
        let (running, gate): (Shared<Int>, Shared<Bool>) = (Shared(0), Shared(false))
        let handler: HTTPServer.Handler = { _, info in
            running.change { $0 += 1 }
            while !gate.value { try? await info.loop.sleep(milliseconds: 2) }
            return .text(200, "done")
        }
        try await withServer(limits, handler: handler) { world in
            let client: HTTP2Client = try await client(world)
            for round in 1...2 {
                let streams: [Int32] = (0..<3).map { _ in client.send() }
                try await client.flush()
                #expect(await eventually { running.value == 3 * round })
                for stream in streams { client.reset(stream) }
            }
            #expect(try await client.answer().closed == 7)
            gate.change { $0 = true }
            let isServedAgain: Bool = try await eventually { try await client.answer().status == 200 }
            #expect(isServedAgain)
            #expect(running.value == 7)
        }
    }

    @Test func `an idle connection is told goodbye`() async throws {
        var limits = HTTPServerLimits()
        limits.idleMilliseconds = 50
        try await withServer(limits) { world in
            let client: HTTP2Client = try await client(world)
            client.send()
            #expect(try await client.run { client.hasEnded })
            #expect(client.goAway?.code == 0)
        }
    }

    @Test func `a server that stops lets what runs finish and says goodbye`() async throws {
        let gate = Shared(false)
        let handler: HTTPServer.Handler = { request, info in
            while request.path == "/slow", !gate.value { try? await info.loop.sleep(milliseconds: 2) }
            return .text(200, "done")
        }
        try await withServer(handler: handler) { world in
            let client: HTTP2Client = try await client(world)
            let idle: HTTP2Client = try await self.client(world)
            #expect(try await idle.answer().status == 200)
            let slow: Int32 = client.send("GET", "/slow")
            #expect(try await client.answer().status == 200)
            let stopping = Task { await world.server.stop(graceMilliseconds: 10_000, drainMilliseconds: 20) }
            #expect(try await client.run { client.goAway?.last == Int32.max })
            #expect(try await client.run { client.goAway?.last == 3 })
            #expect(client.goAway?.code == 0)
            gate.change { $0 = true }
            #expect(try await client.answer(slow).text == "done\n")
            #expect(try await client.run { client.hasEnded })
            #expect(try await idle.run { idle.hasEnded })
            #expect(idle.goAway?.code == 0)
            client.stream.close()
            idle.stream.close()
            await stopping.value
        }
    }

    @Test func `without an agreement HTTP/1.1 is spoken`() async throws {
        try await World.run(wrapper: { AgreedStream($0, "http/1.1") }, handler: World.echo) { world in
            let answer: HTTPClientResponse = try await world.send()
            #expect(answer.text == "GET / ")
        }
    }
}
