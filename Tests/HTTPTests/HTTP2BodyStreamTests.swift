import EventLoop
import Limits
import Synchronization
import TestSupport
import Testing

@testable import HTTP

/// Bodies over HTTP/2 that are taken as they come.
@Suite(.timeLimit(.minutes(1))) struct HTTP2BodyStreamTests {
    private func withServer(
        _ limits: HTTPServerLimits = HTTPServerLimits(),
        streams: @escaping HTTPServer.Streams = { _, _ in true },
        handler: @escaping HTTPServer.Handler,
        _ body: (World) async throws -> Void
    ) async throws {
        try await World.run(limits, wrapper: { AgreedStream($0) }, streams: streams, handler: handler, body)
    }

    private func client(_ world: World) async throws -> HTTP2Client { HTTP2Client(try await world.connect()) }

    private static func body(_ count: Int) -> [UInt8] { (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 31 >> 3) } }

    @Test func `a long body comes piece by piece, a short one whole, and one for others is bounded`() async throws {
        try await withServer(streams: { request, _ in request.path == "/taken" }, handler: SummedBody.handler) {
            world in
            let client: HTTP2Client = try await client(world)
            for count: Int in [65_537, 1_000_000, 5_000_000] {
                let body: [UInt8] = Self.body(count)
                let announced: HTTP2Client.Answer = try await client.answer(
                    "POST",
                    "/taken",
                    [("content-length", "\(count)")],
                    body: body
                )
                #expect(announced.text == "\(count) \(count) \(SummedBody.sum(body))\n")
                let unknown: HTTP2Client.Answer = try await client.answer("POST", "/taken", body: body)
                #expect(unknown.text == "unknown \(count) \(SummedBody.sum(body))\n")
            }
            #expect(try await client.answer("POST", "/taken", body: Self.body(500)).text == "whole 500\n")
            #expect(try await client.answer("POST", "/other", body: Self.body(100_000)).text == "whole 100000\n")
            for headers in [[("content-length", "5000000")], []] {
                #expect(try await client.answer("POST", "/other", headers, body: Self.body(5_000_000)).status == 413)
            }
            #expect(world.server.connectionCount == 1)
        }
    }

    @Test func `many of them at once are not mixed up`() async throws {
        try await withServer(handler: SummedBody.handler) { world in
            let client: HTTP2Client = try await client(world)
            var streams: [Int32: [UInt8]] = [:]
            for number in 0..<40 {
                let body: [UInt8] = Self.body(200_000 + number)
                streams[client.send("PUT", body: body)] = body
            }
            for (stream, body) in streams {
                #expect(try await client.answer(stream).text == "unknown \(body.count) \(SummedBody.sum(body))\n")
            }
        }
    }

    @Test func `who takes slowly holds back the sender, and nobody else`() async throws {
        let (taken, gate): (Shared<Int>, Shared<Int>) = (Shared(0), Shared(0))
        let handler: HTTPServer.Handler = { request, info in
            guard request.path == "/slow", let stream: BodyStream = request.bodyStream else {
                return .text(200, "quick")
            }
            do {
                while true {
                    while taken.value >= gate.value { try await info.loop.sleep(milliseconds: 1) }
                    guard let piece: [UInt8] = try await stream.next() else { break }
                    taken.change { $0 += piece.count }
                }
            } catch { return .text(500, "\(error)") }
            return .text(200, "\(taken.value)")
        }
        try await withServer(handler: handler) { world in
            let client: HTTP2Client = try await client(world)
            let window: Int = Limits.http2WideWindowBytes
            let slow: Int32 = client.send("PUT", "/slow", body: Self.body(10 * window))
            // As much as the window holds goes, and no more, while others come and go.
            let isFull: Bool = try await client.run { client.sent(slow) >= window }
            #expect(isFull)
            for _ in 0..<50 { #expect(try await client.answer("GET", "/quick").text == "quick\n") }
            // A client may begin before it knows what windows we give, which is a byte less.
            #expect(client.sent(slow) - window <= 2 && taken.value == 0)
            gate.change { $0 = 1 }
            let goesOn: Bool = try await client.run { client.sent(slow) > window }
            #expect(goesOn)
            for _ in 0..<50 { #expect(try await client.answer("GET", "/quick").text == "quick\n") }
            #expect(client.sent(slow) <= window + taken.value + 2)
            gate.change { $0 = .max }
            #expect(try await client.answer(slow).text == "\(10 * window)\n")
        }
    }

    @Test func `only some streams of a connection have the larger windows`() async throws {
        let gate = Shared(false)
        let handler: HTTPServer.Handler = { request, info in
            while !gate.value { try? await info.loop.sleep(milliseconds: 2) }
            return await SummedBody.handler(request, info)
        }
        try await withServer(handler: handler) { world in
            let client: HTTP2Client = try await client(world)
            let count: Int = 2 * Limits.http2WideStreams
            let (wide, narrow): (Int, Int) = (Limits.http2WideWindowBytes, Limits.http2StreamWindowBytes)
            let streams: [Int32] = (0..<count).map { _ in
                client.send("PUT", "/", [("content-length", "\(2 * wide)")], body: Self.body(2 * wide))
            }
            let expected: Int = Limits.http2WideStreams * wide + (count - Limits.http2WideStreams) * narrow
            let isFull: Bool = try await client.run { streams.reduce(0) { $0 + client.sent($1) } >= expected - count }
            #expect(isFull)
            try await client.listen(milliseconds: 50)
            #expect(streams.reduce(0) { $0 + client.sent($1) } <= expected + 2 * count)
            gate.change { $0 = true }
            for stream in streams { #expect(try await client.answer(stream).status == 200) }
        }
    }

    @Test func `both ways at once`() async throws {
        let handler: HTTPServer.Handler = { request, _ in
            guard let body: BodyStream = request.bodyStream else { return .text(500, "whole") }
            return .stream(length: body.length) { writer in
                while let piece: [UInt8] = try await body.next() { try await writer.write(piece) }
            }
        }
        try await withServer(handler: handler) { world in
            let client: HTTP2Client = try await client(world)
            let body: [UInt8] = Self.body(8_000_000)
            let answer: HTTP2Client.Answer = try await client.answer("POST", body: body)
            #expect(answer.isWhole && answer.body == body)
        }
    }

    // MARK: Early ends

    @Test func `a sender that is answered early may finish, and its connection serves on`() async throws {
        var limits = HTTPServerLimits()
        limits.lingerMilliseconds = 20_000
        try await withServer(limits, handler: { _, _ in .text(507, "no room") }) { world in
            let client: HTTP2Client = try await client(world)
            let body: [UInt8] = Self.body(8_000_000)
            for headers in [[("content-length", "\(body.count)")], []] {
                let stream: Int32 = client.send("PUT", "/", headers, body: body)
                let answer: HTTP2Client.Answer = try await client.answer(stream)
                #expect(answer.status == 507 && answer.isWhole && answer.text == "no room\n")
                // It sends what it has, and hears of no failure.
                #expect(try await client.run { client.answers[stream]?.closed != nil })
                #expect(client.sent(stream) == body.count && client.answers[stream]?.closed == 0)
            }
            #expect(try await client.answer().status == 507)
        }
    }

    @Test func `a sender that goes on for too long after its answer is told to stop`() async throws {
        var limits = HTTPServerLimits()
        limits.lingerMilliseconds = 50
        try await withServer(limits, handler: { _, _ in .text(507, "no room") }) { world in
            let client: HTTP2Client = try await client(world)
            // One says nothing more, the other more than anybody wants to hear.
            let quiet: Int32 = client.send("PUT", "/", body: Self.body(100_000), isWhole: false)
            #expect(try await client.answer(quiet).isWhole)
            #expect(try await client.run { client.answers[quiet]?.closed != nil })
            #expect(client.answers[quiet]?.closed == 0)
        }
        limits.lingerMilliseconds = 500
        try await withServer(limits, handler: { _, _ in .text(507, "no room") }) { world in
            let client: HTTP2Client = try await client(world)
            let long: Int32 = client.send("PUT", "/", body: [UInt8](repeating: 0, count: 3 * Limits.httpLingerBytes))
            #expect(try await client.run { client.answers[long]?.closed != nil })
            #expect(client.answers[long]?.closed == 0 && client.answers[long]?.status == 507)
            #expect(client.sent(long) <= Limits.httpLingerBytes + 2 * Limits.http2WideWindowBytes)
        }
    }

    @Test func `a body that breaks never looks whole`() async throws {
        let heard = Shared<[String]>([])
        let handler: HTTPServer.Handler = { request, _ in
            guard let body: BodyStream = request.bodyStream else { return .text(200, "short") }
            do {
                while try await body.next() != nil {}
                heard.change { $0.append("whole") }
            } catch {
                heard.change { $0.append("broken") }
            }
            return .text(200, "")
        }
        try await withServer(handler: handler) { world in
            let client: HTTP2Client = try await client(world)
            for (number, length) in [(1, nil), (2, "200000")] as [(Int, String?)] {
                let stream: Int32 = client.send(
                    "PUT",
                    "/",
                    length.map { [("content-length", $0)] } ?? [],
                    body: Self.body(100_000),
                    isWhole: false
                )
                #expect(try await client.run { client.sent(stream) == 100_000 })
                client.reset(stream)
                try await client.flush()
                #expect(await eventually { heard.value.count == number })
            }
            // It ends before what was announced.
            let short: Int32 = client.send("PUT", "/", [("content-length", "200000")], body: Self.body(100_000))
            #expect(try await client.answer(short).closed == 1)
            #expect(await eventually { heard.value.count == 3 })
            // And goes on behind it.
            let long: Int32 = client.send("PUT", "/", [("content-length", "100000")], body: Self.body(200_000))
            #expect(try await client.answer(long).closed == 1)
            #expect(await eventually { heard.value.count == 4 })
            // Nobody is there any more.
            let lost: Int32 = client.send("PUT", "/", body: Self.body(100_000), isWhole: false)
            #expect(try await client.run { client.sent(lost) == 100_000 })
            client.stream.close()
            #expect(await eventually { heard.value.count == 5 })
            #expect(heard.value.allSatisfy { $0 == "broken" })
        }
    }

    @Test func `a body that stands still is given up after the time for a piece`() async throws {
        var limits = HTTPServerLimits()
        limits.readMilliseconds = 50
        try await withServer(limits, handler: SummedBody.handler) { world in
            let client: HTTP2Client = try await client(world)
            let stream: Int32 = client.send("PUT", body: Self.body(100_000), isWhole: false)
            let answer: HTTP2Client.Answer = try await client.answer(stream)
            #expect(answer.status == 500 && answer.isWhole)
            #expect(client.goAway == nil)
        }
    }
}
