import EventLoop
import HTTP
import TestSupport
import Testing

@Suite struct ServerTests {
    @Test func `a request is answered and the connection kept`() async throws {
        try await World.run { (world: World) async throws in
            let stream: SocketStream = try await world.connect()
            for number in 1...3 {
                try await stream.write(Array("GET /\(number) HTTP/1.1\r\nHost: a\r\n\r\n".utf8), before: soon)
                let answer: String = try await stream.readUntil("GET /\(number) ")
                #expect(answer == "HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\nGET /\(number) ")
            }
            #expect(world.server.connectionCount == 1)
            stream.close()
            #expect(await eventually { world.server.connectionCount == 0 })
        }
    }

    @Test func `pipelined requests are answered in order`() async throws {
        try await World.run(handler: { request, info in
            // The first takes longest.
            try? await info.loop.sleep(milliseconds: request.target == "/0" ? 30 : 0)
            return .text(200, request.target)
        }) { (world: World) async throws in
            var text: String = ""
            for number in 0..<20 {
                let close: String = number == 19 ? "Connection: close\r\n" : ""
                text += "POST /\(number) HTTP/1.1\r\nHost: a\r\n\(close)Content-Length: 3\r\n\r\nabc"
            }
            let answer: String = try await world.raw(text)
            let bodies: [Substring] = answer.split(separator: "\r\n").filter { $0.hasPrefix("/") }
            #expect(bodies.map { $0.prefix { $0 != "\n" } } == (0..<20).map { "/\($0)" })
            #expect(answer.contains("Connection: close\r\n"))
        }
    }

    @Test func `HEAD has the length but no body, 204 and 304 have neither`() async throws {
        try await World.run(handler: { request, _ in
            switch request.path {
            case "/204": HTTPResponse(status: 204, body: [1])
            case "/304": HTTPResponse(status: 304, body: [1])
            default: HTTPResponse(status: 200, body: [1, 2, 3])
            }
        }) { (world: World) async throws in
            let close: String = " HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
            #expect(
                try await world.raw("HEAD /\(close)")
                    == "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nConnection: close\r\n\r\n"
            )
            #expect(try await world.raw("GET /204\(close)") == "HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n")
            #expect(try await world.raw("GET /304\(close)") == "HTTP/1.1 304 Not Modified\r\nConnection: close\r\n\r\n")
        }
    }

    @Test func `HTTP 1.0 closes unless asked to stay`() async throws {
        try await World.run { (world: World) async throws in
            #expect(try await world.raw("GET / HTTP/1.0\r\n\r\n").contains("Connection: close"))
            let stream: SocketStream = try await world.connect()
            try await stream.write(Array("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n".utf8), before: soon)
            #expect(try await stream.readUntil("GET / ").contains("Connection: keep-alive"))
        }
    }

    @Test func `a body over the limit is 413 although it is still being sent`() async throws {
        var limits = HTTPServerLimits()
        limits.message.bodyBytes = 1000
        try await World.run(limits) { (world: World) async throws in
            let body = String(repeating: "x", count: 300_000)
            let answer: String = try await world.raw(
                "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 300000\r\n\r\n\(body)",
                finish: true
            )
            #expect(answer.hasPrefix("HTTP/1.1 413 "))
            let chunked: String = try await world.raw(
                "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3e9\r\n\(body)",
                finish: true
            )
            #expect(chunked.hasPrefix("HTTP/1.1 413 "))
            let response: HTTPClientResponse = try await world.send("POST", body: body)
            #expect(response.status == 413)
        }
    }

    @Test(arguments: [
        "G", "GET / HTTP/1.1\r\nHost: a\r\n", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nab",
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab",
    ])
    func `a half-sent request is 408 and the end`(text: String) async throws {
        var limits = HTTPServerLimits()
        limits.readMilliseconds = 40
        try await World.run(limits) { (world: World) async throws in
            let answer: String = try await world.raw(text)
            #expect(answer.hasPrefix("HTTP/1.1 408 Request Timeout\r\n"))
            #expect(answer.contains("Connection: close\r\n"))
        }
    }

    @Test func `bytes that trickle in do not extend the time for a head`() async throws {
        var limits = HTTPServerLimits()
        limits.readMilliseconds = 60
        try await World.run(limits) { (world: World) async throws in
            let stream: SocketStream = try await world.connect()
            let trickle = Task {
                for byte in Array("GET / HTTP/1.1\r\nX-Slow: \(String(repeating: "x", count: 2000))".utf8) {
                    try await stream.write([byte], before: soon)
                    try await stream.loop.sleep(milliseconds: 5)
                }
            }
            #expect(try await stream.readUntil("408").hasPrefix("HTTP/1.1 408 "))
            trickle.cancel()
            _ = await trickle.result
        }
    }

    @Test func `an idle connection is closed without a word`() async throws {
        var limits = HTTPServerLimits()
        limits.idleMilliseconds = 30
        try await World.run(limits) { (world: World) async throws in
            #expect(try await world.raw("") == "")
        }
    }

    @Test func `a connection that has nothing to do goes on in another task, as if nothing had been`() async throws {
        var limits = HTTPServerLimits()
        limits.restMilliseconds = 10
        limits.idleMilliseconds = 10_000
        let tasks = Shared<Set<Int>>([])
        let handler: HTTPServer.Handler = { request, _ in
            withUnsafeCurrentTask { task in tasks.change { $0.insert(task.hashValue) } }
            guard request.path == "/upgrade" else { return HTTPResponse(status: 200, body: request.body) }
            return .upgrade(headers: ["Upgrade": "x"]) { stream, leftover in
                try? await stream.write(leftover + Array("upgraded".utf8), before: soon)
            }
        }
        try await World.run(limits, handler: handler) { (world: World) async throws in
            let stream: SocketStream = try await world.connect()
            try await world.promptly { () async throws in
                for number in 1...5 {
                    let text = String(repeating: "\(number)", count: 5_000)
                    let head: String = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5000\r\n\r\n"
                    try await stream.write(Array("\(head)\(text)".utf8), before: soon)
                    let answer: String = try await stream.readUntil(text)
                    #expect(answer.hasPrefix("HTTP/1.1 200 "), "\(number): \(answer.prefix(200))")
                    try await stream.loop.sleep(milliseconds: 40)
                }
            }
            #expect(tasks.value.count > 1 && world.server.connectionCount == 1)
            let ask: String = "GET /upgrade HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\nand "
            try await stream.write(Array(ask.utf8), before: soon)
            #expect(try await stream.readUntil("and upgraded").contains(" 101 "))
            #expect(await eventually { world.server.connectionCount == 0 })
            // Whoever rests is told nothing when the server stops.
            let resting: SocketStream = try await world.connect()
            try await resting.write(Array("GET / HTTP/1.1\r\nHost: a\r\n\r\n".utf8), before: soon)
            _ = try await resting.readUntil("\r\n\r\n")
            try await resting.loop.sleep(milliseconds: 40)
            await world.server.stop(graceMilliseconds: 20_000)
            #expect(try await resting.readUntil("never") == "")
        }
    }

    @Test func `a connection that rests is closed when its time is over`() async throws {
        var limits = HTTPServerLimits()
        limits.restMilliseconds = 5
        limits.idleMilliseconds = 1_500
        try await World.run(limits) { (world: World) async throws in
            try await world.promptly { () async throws in
                #expect(try await world.raw("GET / HTTP/1.1\r\nHost: a\r\n\r\n").hasSuffix("GET / "))
            }
        }
    }

    @Test func `a reader that does not read is given up`() async throws {
        var limits = HTTPServerLimits()
        limits.writeMilliseconds = 50
        let running = Shared<Bool>(false)
        try await World.run(
            limits,
            handler: { _, _ in
                running.change { $0 = true }
                return HTTPResponse(status: 200, body: [UInt8](repeating: 1, count: 32_000_000))
            }
        ) { (world: World) async throws in
            let stream: SocketStream = try await world.connect()
            try await stream.write(Array("GET / HTTP/1.1\r\nHost: a\r\n\r\n".utf8), before: soon)
            #expect(await eventually { running.value })
            #expect(await eventually { world.server.connectionCount == 0 })
        }
    }

    @Test func `100 Continue is said before the body is read, and not when refused`() async throws {
        var limits = HTTPServerLimits()
        limits.message.bodyBytes = 10
        try await World.run(limits) { (world: World) async throws in
            let stream: SocketStream = try await world.connect()
            let head: String = "POST /a HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: "
            try await stream.write(Array("\(head)3\r\n\r\n".utf8), before: soon)
            #expect(try await stream.readUntil("\r\n\r\n") == "HTTP/1.1 100 Continue\r\n\r\n")
            try await stream.write(Array("abc".utf8), before: soon)
            #expect(try await stream.readUntil("abc").hasPrefix("HTTP/1.1 200 OK"))
            #expect(try await world.raw("\(head)11\r\n\r\n", finish: true).hasPrefix("HTTP/1.1 413 "))
        }
    }

    @Test(arguments: [
        ("X-A", "b\r\nX-Injected: 1"), ("X-A", "b\nc"), ("X-A\r\nB", "c"), ("X A", "c"), ("", "c"), ("X-A", "\0"),
    ])
    func `a header that would become another line is never sent`(name: String, value: String) async throws {
        try await World.run(handler: { _, _ in
            var headers = HTTPHeaders()
            headers.append(name, value)
            return HTTPResponse(status: 200, headers: headers, body: [])
        }) { (world: World) async throws in
            let answer: String = try await world.raw("GET / HTTP/1.1\r\nHost: a\r\n\r\n", finish: true)
            #expect(answer.hasPrefix("HTTP/1.1 500 "))
            #expect(!answer.contains("Injected"))
        }
    }

    @Test func `stopping lets a running request finish and refuses new ones`() async throws {
        let running = Shared<Bool>(false)
        let released = Shared<Bool>(false)
        try await World.run(handler: { request, info in
            if request.path == "/slow" {
                running.change { $0 = true }
                while !released.value, !Task.isCancelled { try? await info.loop.sleep(milliseconds: 1) }
            }
            return .text(200, "done")
        }) { (world: World) async throws in
            let idle: SocketStream = try await world.connect()
            try await idle.write(Array("GET / HTTP/1.1\r\nHost: a\r\n\r\n".utf8), before: soon)
            _ = try await idle.readUntil("done")
            let busy: SocketStream = try await world.connect()
            try await busy.write(Array("GET /slow HTTP/1.1\r\nHost: a\r\n\r\n".utf8), before: soon)
            #expect(await eventually { running.value })
            let stop = Task(executorPreference: world.loops.all[0]) {
                await world.server.stop(graceMilliseconds: 60_000)
            }
            #expect(try await idle.read(upTo: 10, before: soon) == [])
            #expect(await eventually { await fault { _ = try await world.connect() } != nil })
            released.change { $0 = true }
            let text: String = try await busy.readUntil("done")
            #expect(text.hasPrefix("HTTP/1.1 200 OK") && text.contains("Connection: close"))
            await stop.value
            #expect(world.server.connectionCount == 0)
        }
    }

    @Test func `stopping ends what outlives the grace`() async throws {
        let running = Shared<Bool>(false)
        let cancelled = Shared<Bool>(false)
        try await World.run(handler: { _, info in
            running.change { $0 = true }
            do { try await info.loop.sleep(milliseconds: 3_600_000) } catch { cancelled.change { $0 = true } }
            return .text(200, "late")
        }) { (world: World) async throws in
            let stream: SocketStream = try await world.connect()
            try await stream.write(Array("GET / HTTP/1.1\r\nHost: a\r\n\r\n".utf8), before: soon)
            #expect(await eventually { running.value })
            await world.server.stop(graceMilliseconds: 30)
            #expect(cancelled.value)
            #expect(world.server.connectionCount == 0)
        }
    }

    @Test func `one connection too many is told so`() async throws {
        var limits = HTTPServerLimits()
        limits.connections = 2
        try await World.run(limits) { (world: World) async throws in
            let first: SocketStream = try await world.connect()
            let second: SocketStream = try await world.connect()
            #expect(await eventually { world.server.connectionCount == 2 })
            #expect(try await world.raw("").hasPrefix("HTTP/1.1 503 "))
            first.close()
            #expect(await eventually { world.server.connectionCount == 1 })
            #expect(
                try await world.raw("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").hasPrefix("HTTP/1.1 200 ")
            )
            second.close()
        }
    }
}
