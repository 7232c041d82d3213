import EventLoop
import HTTP
import TestSupport
import Testing

@Suite struct ClientTests {
    @Test func `requests share a connection`() async throws {
        try await World.run(handler: { request, info in .text(200, "\(info.peer) \(request.headers["host"] ?? "-")") })
        { (world: World) async throws in
            let first: HTTPClientResponse = try await world.send()
            for _ in 0..<10 { #expect(try await world.send("POST", body: "x").text == first.text) }
            #expect(first.text.hasSuffix(" \(world.server.endpoint)\n"))
            #expect(world.server.connectionCount == 1)
        }
    }

    @Test func `bodies go both ways whole`() async throws {
        try await World.run(handler: { request, _ in HTTPResponse(status: 200, body: request.body) }) {
            (world: World) async throws in
            for size in [0, 1, 4_095, 65_536, 65_537, 1_000_000] {
                let body = String(repeating: "abcdefg", count: size / 7 + 1)
                #expect(try await world.send("PUT", body: body).text == body)
            }
        }
    }

    @Test func `a streamed answer arrives piece by piece, in chunks`() async throws {
        let (signals, next): (AsyncStream<Void>, AsyncStream<Void>.Continuation) = AsyncStream.makeStream()
        try await World.run(handler: { _, _ in
            .stream { writer in
                var number: Int = 0
                for await _ in signals {
                    number += 1
                    try await writer.write("piece \(number)")
                }
            }
        }) { (world: World) async throws in
            let answer: HTTPAnswer = try await world.client.open(
                HTTPRequest(method: "GET", target: "/"),
                to: world.server.endpoint
            )
            #expect(answer.headers["transfer-encoding"] == "chunked")
            for number in 1...5 {
                next.yield()
                #expect(try await answer.next() == Array("piece \(number)".utf8))
            }
            next.finish()
            #expect(try await answer.next() == nil)
            #expect(try await world.send("HEAD").body == [])
            #expect(world.server.connectionCount == 1)
        }
    }

    @Test func `a body that came with its head is there at once, and one that did not is waited for`() async throws {
        let (signals, next): (AsyncStream<Void>, AsyncStream<Void>.Continuation) = AsyncStream.makeStream()
        let peers = Shared<Set<String>>([])
        try await World.run(handler: { request, info in
            peers.change { _ = $0.insert("\(info.peer)") }
            guard request.path == "/late" else { return HTTPResponse(status: 200, body: request.body) }
            return .stream(length: 6) { writer in
                try await writer.write("abc")
                for await _ in signals { break }
                try await writer.write("def")
            }
        }) { (world: World) async throws in
            func open(_ path: String, _ body: String = "") async throws -> HTTPAnswer {
                let request = HTTPRequest(method: "POST", target: path, body: Array(body.utf8))
                return try await world.client.open(request, to: world.server.endpoint)
            }
            for body in ["whole", "", "and again"] {
                #expect(try await open("/", body).atHand() == Array(body.utf8))
            }
            let late: HTTPAnswer = try await open("/late")
            #expect(try late.atHand() == nil)
            next.yield()
            var text: [UInt8] = []
            while let piece: [UInt8] = try await late.next() { text += piece }
            #expect(String(decoding: text, as: UTF8.self) == "abcdef")
            #expect(try await open("/", "x").atHand() == Array("x".utf8))
            #expect(peers.value.count == 1, "one connection for all")
        }
    }

    @Test func `a streamed answer with a length, and one that breaks off`() async throws {
        struct Broken: Error {}
        try await World.run(handler: { request, _ in
            switch request.path {
            case "/known":
                .stream(length: 6) {
                    try await $0.write("abc"); try await $0.write("def")
                }
            case "/short": .stream(length: 7) { try await $0.write("abc") }
            case "/long": .stream(length: 2) { try await $0.write("abc") }
            default:
                .stream {
                    try await $0.write("abc"); throw Broken()
                }
            }
        }) { (world: World) async throws in
            let known: HTTPClientResponse = try await world.send("GET", "/known")
            #expect(known.text == "abcdef" && known.headers["content-length"] == "6")
            for path in ["/short", "/long", "/broken"] {
                #expect(await fault { _ = try await world.send("GET", path) } != nil, "\(path)")
            }
            let old: String = try await world.raw("GET /known HTTP/1.0\r\n\r\n")
            #expect(old.hasSuffix("\r\n\r\nabcdef"))
        }
    }

    @Test func `a producer is cancelled when its reader goes away`() async throws {
        let ended = Shared<Bool>(false)
        try await World.run(handler: { _, info in
            .stream { writer in
                defer { ended.change { $0 = true } }
                try await writer.write("first")
                try await info.loop.sleep(milliseconds: 3_600_000)
            }
        }) { (world: World) async throws in
            let answer: HTTPAnswer = try await world.client.open(
                HTTPRequest(method: "GET", target: "/"),
                to: world.server.endpoint
            )
            #expect(try await answer.next() == Array("first".utf8))
            answer.close()
            #expect(await eventually { ended.value })
            #expect(await eventually { world.server.connectionCount == 0 })
        }
    }

    @Test func `a producer waits for a slow reader`() async throws {
        let produced = Shared<Int>(0)
        try await World.run(handler: { _, _ in
            .stream { writer in
                for _ in 0..<500 {
                    try await writer.write([UInt8](repeating: 1, count: 65_536))
                    produced.change { $0 += 1 }
                }
            }
        }) { (world: World) async throws in
            let answer: HTTPAnswer = try await world.client.open(
                HTTPRequest(method: "GET", target: "/"),
                to: world.server.endpoint
            )
            var before: Int = -1
            // Until it stands still.
            while before != produced.value {
                before = produced.value
                try await world.loops.all[0].sleep(milliseconds: 50)
            }
            #expect(before < 400)
            #expect(try await answer.collect().count == 32_768_000)
        }
    }

    @Test func `a Unix socket is an endpoint like any other`() async throws {
        try await withFolder { folder in
            try await World.run(endpoint: .unix(path: "\(folder)/socket")) { (world: World) async throws in
                #expect(try await world.send("GET", "/a").text == "GET /a ")
            }
        }
    }

    @Test func `a connection that died while idle is replaced, for idempotent methods only`() async throws {
        // A server that answers once and then closes when the second request comes.
        try await withLoop { loop in
            let listener: Listener = try .bind(.tcp(host: "127.0.0.1", port: 0), on: loop)
            let served = Shared<Int>(0)
            let serving = Task(executorPreference: loop) {
                while let stream = try? await listener.accept(onto: loop) {
                    _ = try? await stream.readUntilEndOfHead()
                    served.change { $0 += 1 }
                    try? await stream.write(Array("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\na".utf8), before: soon)
                    _ = try? await stream.readUntilEndOfHead()
                    stream.close()
                }
            }
            let client = HTTPClient(loop: loop)
            let get = HTTPRequest(method: "GET", target: "/")
            #expect(try await client.send(get, to: listener.endpoint).status == 200)
            #expect(try await client.send(get, to: listener.endpoint).status == 200)
            #expect(served.value == 2)
            #expect(
                await fault {
                    _ = try await client.send(HTTPRequest(method: "POST", target: "/"), to: listener.endpoint)
                } != nil
            )
            #expect(served.value == 2)
            listener.close()
            await serving.value
        }
    }

    @Test func `an answer that does not come is given up`() async throws {
        var limits = HTTPClientLimits()
        limits.answerMilliseconds = 30
        try await World.run(
            clientLimits: limits,
            handler: { _, info in
                try? await info.loop.sleep(milliseconds: 3_600_000)
                return .text(200, "")
            }
        ) { (world: World) async throws in
            guard case .timedOut? = await fault({ _ = try await world.send() }) as? NetworkFault else {
                Issue.record("no time-out")
                return
            }
        }
    }

    @Test func `cancelling a request ends it`() async throws {
        try await World.run(handler: { _, info in
            try? await info.loop.sleep(milliseconds: 3_600_000)
            return .text(200, "")
        }) { (world: World) async throws in
            let request = Task { try await world.send() }
            #expect(await eventually { world.server.connectionCount == 1 })
            request.cancel()
            #expect(await fault { _ = try await request.value } is CancellationError)
        }
    }

    @Test func `a body over the client's limit is refused`() async throws {
        var limits = HTTPClientLimits()
        limits.message.bodyBytes = 100
        try await World.run(
            clientLimits: limits,
            handler: { _, _ in HTTPResponse(status: 200, body: [UInt8](repeating: 1, count: 101)) }
        ) { (world: World) async throws in
            guard case .badAnswer? = await fault({ _ = try await world.send() }) as? HTTPClientFault else {
                Issue.record("accepted")
                return
            }
        }
    }

    @Test(arguments: ["/a b", "/\r\nX: y", "", "/ü"])
    func `a target that would break the request line is not sent`(target: String) async throws {
        try await World.run { (world: World) async throws in
            guard case .invalidRequest? = await fault({ _ = try await world.send("GET", target) }) as? HTTPClientFault
            else {
                Issue.record("sent")
                return
            }
        }
    }

    @Test func `an upgrade hands both sides the stream`() async throws {
        try await World.run(handler: { request, _ in
            guard request.headers["upgrade"] == "shout" else { return .text(426, "upgrade, please") }
            return .upgrade(headers: ["Upgrade": "shout"]) { stream, leftover in
                var bytes: [UInt8] = leftover
                while !bytes.isEmpty {
                    try? await stream.write(
                        Array(String(decoding: bytes, as: UTF8.self).uppercased().utf8),
                        before: soon
                    )
                    bytes = (try? await stream.read(upTo: 100, before: soon)) ?? []
                }
            }
        }) { (world: World) async throws in
            let plain: HTTPUpgrade = try await world.client.upgrade(
                HTTPRequest(method: "GET", target: "/"),
                to: world.server.endpoint
            )
            guard case .refused(let response) = plain else {
                Issue.record("not refused")
                return
            }
            #expect(response.status == 426)
            let raw: SocketStream = try await world.connect()
            try await raw.write(
                Array("GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: shout\r\n\r\nearly".utf8),
                before: soon
            )
            #expect(
                try await raw.readUntil("EARLY").hasPrefix(
                    "HTTP/1.1 101 Switching Protocols\r\nUpgrade: shout\r\nConnection: Upgrade\r\n\r\nEARLY"
                )
            )
            try await raw.write(Array("more".utf8), before: soon)
            #expect(try await raw.readUntil("MORE") == "MORE")
        }
    }

    @Test func `two hundred connections at once`() async throws {
        try await World.run { (world: World) async throws in
            let texts: Set<String> = try await withThrowingTaskGroup(of: [String].self) { group in
                for number in 0..<200 {
                    group.addTask {
                        var texts: [String] = []
                        for round in 0..<5 {
                            texts.append(try await world.send("POST", "/\(number)", body: "\(round)").text)
                        }
                        return texts
                    }
                }
                return try await group.reduce(into: []) { $0.formUnion($1) }
            }
            #expect(texts.count == 1_000)
        }
    }
}

private func withLoop(_ body: (EventLoop) async throws -> Void) async throws {
    let loop: EventLoop = try .start()
    let result: Result<Void, any Error>
    do { result = .success(try await body(loop)) } catch { result = .failure(error) }
    await loop.stop()
    try result.get()
}

extension SocketStream {
    func readUntilEndOfHead() async throws -> String { try await readUntil("\r\n\r\n") }
}
