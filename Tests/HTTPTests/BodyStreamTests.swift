import EventLoop
import HTTP
import Synchronization
import TestSupport
import Testing

@Suite struct BodyStreamTests {
    /// How far both ends of a stream have got.
    private final class Progress: Sendable {
        private let counts = Mutex<(made: Int, taken: Int, most: Int)>((0, 0, 0))
        /// The most that was under way at a time.
        var most: Int { counts.withLock { $0.most } }
        var made: Int { counts.withLock { $0.made } }
        func made(_ count: Int) {
            counts.withLock { counts in
                counts.made += count
                counts.most = max(counts.most, counts.made - counts.taken)
            }
        }
        func took(_ count: Int) { counts.withLock { $0.taken += count } }
    }

    private static let piece: [UInt8] = (0..<50_000).map { UInt8(truncatingIfNeeded: $0 &* 7 &+ $0 >> 8) }

    /// `count` pieces.
    private static func stream(_ count: Int, length: Bool, _ progress: Progress = Progress()) -> BodyStream {
        let left = Mutex<Int>(count)
        return BodyStream(length: length ? count * piece.count : nil) {
            let isOver: Bool = left.withLock { left in
                left -= 1
                return left < 0
            }
            if isOver { return nil }
            progress.made(piece.count)
            return piece
        }
    }

    @Test(arguments: [true, false])
    func `what cannot be sent twice goes out on a kept connection only right after its last exchange`(
        isPatient: Bool
    ) async throws {
        let ports = Shared<Set<String>>([])
        var limits = HTTPClientLimits()
        limits.busyMilliseconds = isPatient ? 3_600_000 : 0
        let handler: HTTPServer.Handler = { request, info in
            ports.change { $0.insert("\(info.peer)") }
            return await SummedBody.handler(request, info)
        }
        try await World.run(clientLimits: limits, streams: { _, _ in true }, handler: handler) {
            (world: World) async throws in
            for _ in 0..<3 {
                var request = HTTPRequest(method: "POST", target: "/taken")
                request.bodyStream = Self.stream(10, length: true)
                #expect(try await world.client.send(request, to: world.server.endpoint).status == 200)
            }
            #expect(ports.value.count == (isPatient ? 1 : 3))
        }
    }

    @Test func `an answer that is let go of late ends nothing of who has its connection by then`() async throws {
        let ports = Shared<Set<String>>([])
        let handler: HTTPServer.Handler = { request, info in
            ports.change { $0.insert("\(info.peer)") }
            return await SummedBody.handler(request, info)
        }
        var limits = HTTPClientLimits()
        limits.busyMilliseconds = 3_600_000
        try await World.run(clientLimits: limits, streams: { _, _ in true }, handler: handler) {
            (world: World) async throws in
            var first: HTTPAnswer? = try await world.client.open(
                HTTPRequest(method: "GET", target: "/"),
                to: world.server.endpoint
            )
            while try await first?.next() != nil {}
            let isBegun = Shared<Bool>(false)
            let mayEnd = Shared<Bool>(false)
            let left = Shared<Int>(3)
            let loop: EventLoop = world.loops.all[1]
            let upload = Task {
                var request = HTTPRequest(method: "POST", target: "/taken")
                request.bodyStream = BodyStream(length: 3 * Self.piece.count) {
                    left.change { $0 -= 1 }
                    if left.value == 1 { isBegun.change { $0 = true } }
                    while left.value == 1, !mayEnd.value { try await loop.sleep(milliseconds: 1) }
                    return left.value < 0 ? nil : Self.piece
                }
                return try await world.client.send(request, to: world.server.endpoint).status
            }
            #expect(await eventually { isBegun.value })
            first?.close()
            first = nil
            mayEnd.change { $0 = true }
            #expect(try await upload.value == 200 && ports.value.count == 1)
        }
    }

    @Test(arguments: [true, false])
    func `a long body comes piece by piece, and the next request is behind it`(length: Bool) async throws {
        try await World.run(streams: { request, _ in request.path == "/taken" }, handler: SummedBody.handler) {
            (world: World) async throws in
            let sum: Int = (0..<60).reduce(0) { sum, _ in SummedBody.sum(Self.piece, sum) }
            for _ in 0..<2 {
                var request = HTTPRequest(method: "POST", target: "/taken")
                request.bodyStream = Self.stream(60, length: length)
                let answer: HTTPClientResponse = try await world.client.send(request, to: world.server.endpoint)
                let text = String(decoding: answer.body, as: UTF8.self)
                #expect(text == "\(length ? "3000000" : "unknown") 3000000 \(sum)\n")
                #expect(!answer.headers.contains("connection"))
            }
            #expect(
                String(decoding: try await world.send("POST", "/taken", body: "short").body, as: UTF8.self)
                    == "whole 5\n"
            )
            var request = HTTPRequest(method: "POST", target: "/elsewhere")
            request.bodyStream = Self.stream(60, length: length)
            let whole: HTTPClientResponse = try await world.client.send(request, to: world.server.endpoint)
            #expect(String(decoding: whole.body, as: UTF8.self) == "whole 3000000\n")
            request.bodyStream = Self.stream(100, length: length)
            #expect(try await world.client.send(request, to: world.server.endpoint).status == 413)
        }
    }

    @Test func `two requests that come at once are told apart behind a stream`() async throws {
        try await World.run(streams: { _, _ in true }, handler: SummedBody.handler) { (world: World) async throws in
            let body = String(repeating: "x", count: 70_000)
            let head: String = "POST /taken HTTP/1.1\r\nHost: a\r\n"
            let chunk: String = "\(String(70_000, radix: 16))\r\n\(body)\r\n0\r\n\r\n"
            let answer: String = try await world.raw(
                "\(head)Content-Length: 70000\r\n\r\n\(body)\(head)Transfer-Encoding: chunked\r\n\r\n\(chunk)"
                    + "\(head)Expect: 100-continue\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok"
            )
            #expect(answer.ranges(of: "HTTP/1.1 200 ").count == 3)
            #expect(answer.contains("70000 70000 ") && answer.contains("whole 2"))
            // What has come before anybody asked is whole.
            #expect(answer.contains("unknown 70000 ") || answer.contains("whole 70000"))
            let broken: String = try await world.raw(
                "\(head)Transfer-Encoding: chunked\r\n\r\n\(String(70_000, radix: 16))\r\n\(body)xx0\r\n\r\n",
                finish: true
            )
            #expect(broken.hasPrefix("HTTP/1.1 400 ") && broken.contains("Connection: close"))
        }
    }

    @Test func `who takes slowly holds back the sender`() async throws {
        let progress = Progress()
        let handler: HTTPServer.Handler = { request, _ in
            guard let stream: BodyStream = request.bodyStream else { return .text(500, "whole") }
            var pieces: Int = 0
            while let piece: [UInt8] = try? await stream.next() {
                progress.took(piece.count)
                pieces += 1
                // Time for a sender that does not wait to run ahead.
                if pieces < 6 { try? await Task.sleep(for: .milliseconds(50)) }
            }
            return .text(200, "done")
        }
        try await World.run(streams: { _, _ in true }, handler: handler) { (world: World) async throws in
            var request = HTTPRequest(method: "PUT", target: "/")
            request.bodyStream = Self.stream(1_600, length: true, progress)
            #expect(try await world.client.send(request, to: world.server.endpoint).status == 200)
            // What the system holds for both ends of a connection.
            #expect(progress.made == 80_000_000 && progress.most < 40_000_000)
        }
    }

    @Test func `an answer may come before the body has gone, and ends it`() async throws {
        let progress = Progress()
        try await World.run(streams: { _, _ in true }, handler: { _, _ in .text(507, "no room") }) {
            (world: World) async throws in
            var request = HTTPRequest(method: "PUT", target: "/")
            request.bodyStream = Self.stream(1_600, length: true, progress)
            let answer: HTTPClientResponse = try await world.client.send(request, to: world.server.endpoint)
            #expect(answer.status == 507 && answer.headers["connection"] == "close")
            #expect(progress.made < 80_000_000)
        }
    }

    @Test func `both ways at once`() async throws {
        let handler: HTTPServer.Handler = { request, _ in
            guard let body: BodyStream = request.bodyStream else { return .text(500, "whole") }
            return .stream(length: body.length) { writer in
                while let piece: [UInt8] = try await body.next() { try await writer.write(piece) }
            }
        }
        try await World.run(streams: { _, _ in true }, handler: handler) { (world: World) async throws in
            var request = HTTPRequest(method: "POST", target: "/")
            request.bodyStream = Self.stream(600, length: true)
            let answer: HTTPAnswer = try await world.client.open(request, to: world.server.endpoint)
            var (count, sum): (Int, Int) = (0, 0)
            while let piece: [UInt8] = try await answer.next() {
                count += piece.count
                sum = SummedBody.sum(piece, sum)
            }
            #expect(count == 30_000_000)
            #expect(sum == (0..<600).reduce(0) { sum, _ in SummedBody.sum(Self.piece, sum) })
        }
    }

    @Test func `a source that fails never makes a part look whole`() async throws {
        struct Gone: Error {}
        let heard = Mutex<[String]>([])
        let handler: HTTPServer.Handler = { request, _ in
            do {
                while try await request.bodyStream?.next() != nil {}
                heard.withLock { $0.append("whole") }
            } catch {
                heard.withLock { $0.append("broken") }
            }
            return .text(200, "")
        }
        try await World.run(streams: { _, _ in true }, handler: handler) { (world: World) async throws in
            for length: Int? in [nil, 200_000] {
                let left = Mutex<Int>(3)
                var request = HTTPRequest(method: "PUT", target: "/")
                request.bodyStream = BodyStream(length: length) {
                    let number: Int = left.withLock { left in
                        left -= 1
                        return left
                    }
                    if number < 0 { throw Gone() }
                    return Self.piece
                }
                await #expect(throws: Gone.self) { try await world.client.send(request, to: world.server.endpoint) }
            }
            let deadline: Deadline = soon
            while heard.withLock({ $0.count }) < 2, !deadline.isPast { try await Task.sleep(for: .milliseconds(10)) }
            #expect(heard.withLock { $0 } == ["broken", "broken"])
        }
    }
}
