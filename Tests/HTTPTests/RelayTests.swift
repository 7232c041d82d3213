import EventLoop
import HTTP
import Synchronization
import TestSupport
import Testing

/// Requests that repeat the last one of their connection, passed on without the connection's task.
@Suite struct RelayTests {
    /// A server in front of another one, and a connection to it.
    private func run(
        _ limits: HTTPServerLimits = HTTPServerLimits(),
        clientLimits: HTTPClientLimits = HTTPClientLimits(),
        behind: @escaping HTTPServer.Handler = { request, _ in .text(200, "behind \(request.target)") },
        _ body: @escaping (World, PlainRelay, SocketStream) async throws -> Void
    ) async throws {
        let loops: Loops = try .start(count: 1)
        let server: HTTPServer = try .start(on: .tcp(host: "127.0.0.1", port: 0), loops: loops, handler: behind)
        try await run(PlainRelay(to: server.endpoint, limits: clientLimits), limits, body)
        await server.stop(graceMilliseconds: 0)
        await loops.stop()
    }

    private func run(
        _ relay: PlainRelay,
        _ limits: HTTPServerLimits = HTTPServerLimits(),
        _ body: @escaping (World, PlainRelay, SocketStream) async throws -> Void
    ) async throws {
        try await World.run(limits, relay: relay, handler: { await relay.handle($0, $1) }) {
            (world: World) async throws in
            let stream: SocketStream = try await world.connect()
            defer {
                stream.close()
                relay.close()
            }
            try await world.promptly { try await body(world, relay, stream) }
        }
    }

    @Test func `what repeats the last request takes the lane, and nothing else does`() async throws {
        try await run { _, relay, stream in
            for (target, way) in [
                ("/passed/a", "handler"), ("/passed/a", "lane"), ("/passed/a", "lane"), ("/passed/b", "handler"),
                ("/passed/b", "lane"), ("/other", "-"), ("/other", "-"), ("/passed/b", "handler"),
                ("/passed/b", "lane"),
            ] {
                let answer: WholeAnswer = try await stream.ask(target)
                #expect(answer.status == 200 && answer.way == way, "\(target)")
                #expect(answer.text == (way == "-" ? "handled \(target)\n" : "behind \(target)\n"))
            }
            #expect(relay.count.load(ordering: .relaxed) == 4)
        }
    }

    @Test(arguments: [
        "POST /passed HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n",
        "DELETE /passed HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET /passed HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\nx",
        "GET /passed HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "GET /passed HTTP/1.0\r\nHost: a\r\nConnection: keep-alive\r\n\r\n",
    ])
    func `only a plain GET takes the lane`(text: String) async throws {
        try await run { _, relay, stream in
            for _ in 0..<3 {
                try await stream.write(Array(text.utf8), before: soon)
                #expect(try await stream.nextAnswer(ReadBuffer()).way == "handler")
            }
            #expect(relay.count.load(ordering: .relaxed) == 0)
        }
    }

    @Test func `however a repeated request is cut, and however many come at once, each has its answer`() async throws {
        try await run { _, relay, stream in
            let request: [UInt8] = Array("GET /passed HTTP/1.1\r\nHost: a\r\n\r\n".utf8)
            let buffer = ReadBuffer()
            #expect(try await stream.ask("/passed").way == "handler")
            for cut in 1..<request.count {
                // A whole one before the cut: the lane has to leave the rest to the task.
                try await stream.write(request + request[..<cut], before: soon)
                #expect(try await stream.nextAnswer(buffer).text == "behind /passed\n")
                try await stream.write(request[cut...] + request, before: soon)
                for _ in 0..<2 { #expect(try await stream.nextAnswer(buffer).text == "behind /passed\n") }
            }
            #expect(relay.count.load(ordering: .relaxed) > request.count)
            let many: [UInt8] = (0..<200).flatMap { _ in request } + Array("GET /last HTTP/1.1\r\nHost: a\r\n\r\n".utf8)
            try await stream.write(many, before: soon)
            for _ in 0..<200 { #expect(try await stream.nextAnswer(buffer).text == "behind /passed\n") }
            #expect(try await stream.nextAnswer(buffer).text == "handled /last\n")
            #expect(buffer.isEmpty)
        }
    }

    @Test func `an answer that is still to come is waited for by the task, and the lane goes on behind it`()
        async throws
    {
        let long: [UInt8] = (0..<300_000).map { UInt8(truncatingIfNeeded: $0 / 251) }
        let isLong = Shared(false)
        try await run(behind: { _, info in
            guard isLong.value else { return HTTPResponse(status: 200, body: [1, 2, 3]) }
            return .stream(length: long.count) { writer in
                try await writer.write(Array(long[..<5]))
                try await info.loop.sleep(milliseconds: 20)
                try await writer.write(Array(long[5...]))
            }
        }) { _, _, stream in
            #expect(try await stream.ask("/passed").way == "handler")
            for _ in 0..<5 {
                isLong.change { $0 = true }
                let answer: WholeAnswer = try await stream.ask("/passed")
                #expect(answer.way == "stream" && answer.body == long)
                isLong.change { $0 = false }
                let short: WholeAnswer = try await stream.ask("/passed")
                #expect(short.way == "lane" && short.body == [1, 2, 3])
            }
        }
    }

    @Test func `answers without a body, and those whose head cannot be written, end well`() async throws {
        let status = Shared(200)
        try await run(behind: { _, _ in
            HTTPResponse(status: status.value, headers: status.value == 201 ? ["X-Bad": "1"] : [:])
        }) {
            world,
            _,
            stream in
            _ = try await stream.ask("/passed")
            for (code, way) in [(204, "stream"), (304, "stream"), (200, "lane"), (404, "lane")] {
                status.change { $0 = code }
                let answer: WholeAnswer = try await stream.ask("/passed")
                #expect(answer.status == code && answer.way == way && answer.body.isEmpty)
            }
            status.change { $0 = 201 }
            let refused: WholeAnswer = try await stream.ask("/passed")
            #expect(refused.status == 500 && refused.headers["x-smuggled"] == nil)
            #expect(try await stream.read(upTo: 1, before: soon).isEmpty)
        }
    }

    @Test func `a server behind that has closed its kept connections is asked anew`() async throws {
        let loops: Loops = try .start(count: 1)
        // Each connection has one answer, says that it stays, and ends when the next request comes.
        let server = try ScriptedServer(on: loops.all[0]) { stream, _ in
            _ = try await stream.readUntil("\r\n\r\n")
            try await stream.write(Array("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi".utf8), before: soon)
            _ = try await stream.readUntil("\r\n\r\n")
        }
        try await run(PlainRelay(to: server.endpoint)) { _, relay, stream in
            for _ in 0..<5 {
                let answer: WholeAnswer = try await stream.ask("/passed")
                #expect(answer.status == 200 && answer.text == "hi" && answer.way == "handler")
            }
            #expect(relay.count.load(ordering: .relaxed) == 4)
            #expect(server.connections.value == 5)
        }
        await server.end()
        await loops.stop()
    }

    @Test func `a kept connection that ends just then costs nobody an answer, and changes no order`() async throws {
        let loops: Loops = try .start(count: 1)
        let server = try ScriptedServer(on: loops.all[0]) { stream, _ in
            _ = try await stream.readUntil("\r\n\r\n")
            try await stream.write(Array("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi".utf8), before: soon)
            _ = try await stream.readUntil("\r\n\r\n")
        }
        try await run(PlainRelay(to: server.endpoint)) { _, relay, stream in
            let again: String = "GET /passed HTTP/1.1\r\nHost: a\r\n\r\n"
            let buffer = ReadBuffer()
            #expect(try await stream.ask("/passed").text == "hi")
            for tail in ["GET /other HTTP/1.1\r\nHost: a\r\n\r\n", "", again, "GET /oth"] {
                try await stream.write(Array((again + again + tail).utf8), before: soon)
                for _ in 0..<2 { #expect(try await stream.nextAnswer(buffer).text == "hi", "\(tail)") }
                if tail == again { #expect(try await stream.nextAnswer(buffer).text == "hi") }
                if tail.hasPrefix("GET /oth") {
                    if tail == "GET /oth" {
                        try await stream.write(Array("er HTTP/1.1\r\nHost: a\r\n\r\n".utf8), before: soon)
                    }
                    #expect(try await stream.nextAnswer(buffer).text == "handled /other\n", "\(tail)")
                    #expect(try await stream.ask("/passed").text == "hi")
                }
                #expect(buffer.isEmpty)
            }
            // The end of the client's side ends nothing that it has asked before.
            try await stream.write(Array(again.utf8), before: soon)
            await stream.finishWriting()
            #expect(try await stream.nextAnswer(buffer).text == "hi")
            #expect(relay.count.load(ordering: .relaxed) > 4)
        }
        await server.end()
        await loops.stop()
    }

    /// What a server behind says to a request that was passed on; each time a connection of its own is made for the next one.
    @Test(arguments: [
        ("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhiHTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nbad", "lane"),
        ("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nhi", "lane"),
        ("HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi", "lane"),
        ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nh\r\n1\r\ni\r\n0\r\n\r\n", "lane"),
        ("HTTP/1.1 200 OK\r\n\r\nhi", "stream"), ("HTTP/1.0 200 OK\r\n\r\nhi", "stream"),
    ])
    func `an answer has its own bytes, and none that came behind it`(text: String, way: String) async throws {
        let loops: Loops = try .start(count: 1)
        let server = try ScriptedServer(on: loops.all[0]) { stream, _ in
            while true {
                let isPassed: Bool = try await stream.readUntil("\r\n\r\n").contains("X-Lane")
                guard isPassed else {
                    try await stream.write(Array("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nHI".utf8), before: soon)
                    continue
                }
                try await stream.write(Array(text.utf8), before: soon)
                if !text.contains("Content-Length"), !text.contains("chunked") { return }
            }
        }
        try await run(PlainRelay(to: server.endpoint)) { _, _, stream in
            var ways: [String] = []
            for _ in 0..<6 {
                let answer: WholeAnswer = try await stream.ask("/passed")
                #expect(answer.status == 200 && answer.text == (answer.way == "handler" ? "HI" : "hi"))
                ways.append(answer.way)
            }
            let staysOpen: Bool = text.contains("103") || text.contains("chunked")
            let first: [String] = ["handler", way]
            #expect(ways == (staysOpen ? first + Array(repeating: way, count: 4) : first + first + first))
        }
        await server.end()
        await loops.stop()
    }

    @Test func `a server whose grace is over ends what is passed on, on both sides`() async throws {
        let (asked, tell): (AsyncStream<Void>, AsyncStream<Void>.Continuation) = AsyncStream.makeStream()
        let ended = Shared(false)
        let loops: Loops = try .start(count: 1)
        let server = try ScriptedServer(on: loops.all[0]) { stream, _ in
            while try await !stream.readUntil("\r\n\r\n").contains("X-Lane") {
                try await stream.write(Array("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n".utf8), before: soon)
            }
            tell.yield()
            let rest: [UInt8]? = try? await stream.read(upTo: 1, before: soon)
            ended.change { $0 = rest?.isEmpty ?? false }
        }
        try await run(PlainRelay(to: server.endpoint)) { world, relay, stream in
            _ = try await stream.ask("/passed")
            try await stream.write(Array("GET /passed HTTP/1.1\r\nHost: a\r\n\r\n".utf8), before: soon)
            for await _ in asked { break }
            await world.server.stop(graceMilliseconds: 50)
            #expect(await eventually { ended.value })
            #expect(relay.failures.load(ordering: .relaxed) == 1)
        }
        await server.end()
        await loops.stop()
    }

    @Test(arguments: ["HTTP/1.1 200 OK\r\nContent-", "HTTP/1.1 2x0\r\n\r\n", "nonsense\r\n\r\n"])
    func `a server behind that breaks off in its head, or talks nonsense, is told of`(text: String) async throws {
        let loops: Loops = try .start(count: 1)
        let server = try ScriptedServer(on: loops.all[0]) { stream, _ in
            while true {
                guard try await stream.readUntil("\r\n\r\n").contains("X-Lane") else {
                    try await stream.write(Array("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n".utf8), before: soon)
                    continue
                }
                return try await stream.write(Array(text.utf8), before: soon)
            }
        }
        try await run(PlainRelay(to: server.endpoint)) { _, _, stream in
            for _ in 0..<3 {
                #expect(try await stream.ask("/passed").way == "handler")
                let answer: WholeAnswer = try await stream.ask("/passed")
                #expect(answer.status == 502 && answer.way == "failed")
                #expect(try await stream.ask("/other").status == 200)
            }
        }
        await server.end()
        await loops.stop()
    }

    @Test func `a server behind that says nothing has its time, and no more`() async throws {
        let loops: Loops = try .start(count: 1)
        let server = try ScriptedServer(on: loops.all[0]) { stream, _ in
            while try await !stream.readUntil("\r\n\r\n").contains("X-Lane") {
                try await stream.write(Array("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n".utf8), before: soon)
            }
            try await loops.all[0].sleep(milliseconds: 60_000)
        }
        var limits = HTTPServerLimits()
        limits.restMilliseconds = 2_000  // passes while the answer is waited for
        var clientLimits = HTTPClientLimits()
        clientLimits.answerMilliseconds = 2_500
        try await run(PlainRelay(to: server.endpoint, limits: clientLimits), limits) { _, _, stream in
            // On a machine that is too busy it has rested before.
            var way: String = "handler"
            for _ in 0..<10 where way == "handler" { way = try await stream.ask("/passed").way }
            #expect(way == "failed")
            #expect(try await stream.ask("/other").status == 200)
        }
        await server.end()
        await loops.stop()
    }

    @Test func `a client that goes while its answer is waited for leaves nothing behind`() async throws {
        let (asked, tell): (AsyncStream<Void>, AsyncStream<Void>.Continuation) = AsyncStream.makeStream()
        let (signals, next): (AsyncStream<Void>, AsyncStream<Void>.Continuation) = AsyncStream.makeStream()
        let isSlow = Shared(false)
        try await run(behind: { _, _ in
            if isSlow.value {
                tell.yield()
                for await _ in signals { break }
            }
            return HTTPResponse(status: 200)
        }) { world, relay, stream in
            _ = try await stream.ask("/passed")
            isSlow.change { $0 = true }
            try await stream.write(Array("GET /passed HTTP/1.1\r\nHost: a\r\n\r\n".utf8), before: soon)
            for await _ in asked { break }
            stream.close()
            next.yield()
            #expect(await eventually { world.server.connectionCount == 0 })
            #expect(relay.count.load(ordering: .relaxed) == 1)
        }
    }

    @Test func `who does not read its answers is waited for, and has them all when it does`() async throws {
        let padding = [UInt8](repeating: 0x20, count: 3_000)
        let number = Shared(0)
        try await run(behind: { _, _ in
            number.change { $0 += 1 }
            return HTTPResponse(status: 200, body: padding + Array("\(number.value)".utf8))
        }) { _, relay, stream in
            _ = try await stream.ask("/passed")
            let count: Int = 8_000
            let request: [UInt8] = Array("GET /passed HTTP/1.1\r\nHost: a\r\n\r\n".utf8)
            // More than the system takes for a connection whose other end does not read.
            async let sent: Void = stream.write((0..<count).flatMap { _ in request }, before: .after(seconds: 60))
            // It goes on as far as there is room, and no further.
            var before: Int = -1
            while case let now = relay.count.load(ordering: .relaxed), now != before {
                before = now
                try await Task.sleep(for: .milliseconds(200))
            }
            #expect(before > 0 && before < count - 100)
            let buffer = ReadBuffer()
            for number in 2..<count + 2 {
                let answer: WholeAnswer = try await stream.nextAnswer(buffer)
                try #require(answer.body == padding + Array("\(number)".utf8))
            }
            try await sent
            // But for those that came in two pieces.
            #expect(relay.count.load(ordering: .relaxed) > count / 2)
        }
    }

    @Test func `who reads no answer in time is let go`() async throws {
        let body = [UInt8](repeating: 0x61, count: 3_000)
        var limits = HTTPServerLimits()
        limits.writeMilliseconds = 200
        try await run(limits, behind: { _, _ in HTTPResponse(status: 200, body: body) }) { world, relay, stream in
            _ = try await stream.ask("/passed")
            let request: [UInt8] = Array("GET /passed HTTP/1.1\r\nHost: a\r\n\r\n".utf8)
            try? await stream.write((0..<10_000).flatMap { _ in request }, before: .after(seconds: 1))
            #expect(await eventually { world.server.connectionCount == 0 })
            #expect(relay.count.load(ordering: .relaxed) > 100)
        }
    }

    @Test func `a connection rests and ends as long after its last request as any other`() async throws {
        var limits = HTTPServerLimits()
        limits.restMilliseconds = 300
        limits.idleMilliseconds = 3_000
        try await run(limits) { world, relay, stream in
            var ways: [String] = []
            // Beyond both, were the lane's requests not counted.
            for _ in 0..<80 {
                ways.append(try await stream.ask("/passed").way)
                try await world.loops.all[1].sleep(milliseconds: 50)
            }
            #expect(ways.contains("lane") && relay.count.load(ordering: .relaxed) > 0)
            // What is kept of the last request is given back by a rest, and the next one is the handler's.
            try await world.loops.all[1].sleep(milliseconds: 600)
            #expect(try await stream.ask("/passed").way == "handler")
            #expect(try await stream.read(upTo: 1, before: soon).isEmpty)
        }
    }

    @Test func `a server that stops lets a passed request finish, and no further one come`() async throws {
        let (asked, tell): (AsyncStream<Void>, AsyncStream<Void>.Continuation) = AsyncStream.makeStream()
        let isSlow = Shared(false)
        try await run(behind: { _, info in
            if isSlow.value {
                tell.yield()
                try? await info.loop.sleep(milliseconds: 100)
            }
            return .text(200, "done")
        }) { world, _, stream in
            _ = try await stream.ask("/passed")
            isSlow.change { $0 = true }
            let request: [UInt8] = Array("GET /passed HTTP/1.1\r\nHost: a\r\n\r\n".utf8)
            try await stream.write(request, before: soon)
            for await _ in asked { break }
            async let stopped: Void = world.server.stop(graceMilliseconds: 5_000)
            let last: WholeAnswer = try await stream.nextAnswer(ReadBuffer())
            #expect(last.text == "done\n" && last.way == "lane")
            #expect(try await stream.read(upTo: 1, before: soon).isEmpty)
            await stopped
        }
    }

    @Test func `a server that drains ends each connection with its next answer`() async throws {
        try await run { world, _, stream in
            _ = try await stream.ask("/passed")
            #expect(try await stream.ask("/passed").way == "lane")
            async let stopped: Void = world.server.stop(graceMilliseconds: 100, drainMilliseconds: 1_000)
            try await world.loops.all[1].sleep(milliseconds: 100)
            let last: WholeAnswer = try await stream.ask("/passed")
            #expect(last.way == "handler" && last.headers["connection"] == "close")
            await stopped
        }
    }
}
