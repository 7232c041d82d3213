import EventLoop
import HTTP
import TestSupport
import Testing
import WebSocket

/// A server that answers every request with a WebSocket for `handler`.
private func withServer(
    limits: WebSocketLimits = WebSocketLimits(),
    clientLimits: WebSocketLimits = WebSocketLimits(),
    handler: @escaping @Sendable (WebSocket) async -> Void = echo,
    _ body: (HTTPServer, HTTPClient, @Sendable () async throws -> WebSocket) async throws -> Void
) async throws {
    let loops: Loops = try .start(count: 2)
    let server: HTTPServer = try .start(on: .tcp(host: "127.0.0.1", port: 0), loops: loops) { request, _ in
        WebSocket.response(to: request, protocols: ["b", "a"], limits: limits, handler: handler)
    }
    let client = HTTPClient(loop: loops.all[1])
    let open: @Sendable () async throws -> WebSocket = {
        try await WebSocket.connect(to: server.endpoint, target: "/", client: client, limits: clientLimits)
    }
    let result: Result<Void, any Error>
    do { result = .success(try await body(server, client, open)) } catch { result = .failure(error) }
    await server.stop(graceMilliseconds: 0)
    await loops.stop()
    try result.get()
}

/// Sends back what comes.
@Sendable private func echo(_ socket: WebSocket) async {
    while let message = try? await socket.receive() {
        switch message {
        case .text(let text): try? await socket.send(text: text)
        case .binary(let bytes): try? await socket.send(binary: bytes)
        }
    }
}

/// A raw connection after a handshake by hand, and the head that answered it.
private func handshake(
    _ server: HTTPServer,
    _ loop: EventLoop,
    extra: String = "",
    version: String = "13",
    key: String = "dGhlIHNhbXBsZSBub25jZQ=="
) async throws -> (SocketStream, String) {
    let stream: SocketStream = try await loop.connect(to: server.endpoint, before: soon)
    let head: String =
        "GET / HTTP/1.1\r\nHost: a\r\nConnection: keep-alive, Upgrade\r\nUpgrade: WebSocket\r\n"
        + "Sec-WebSocket-Version: \(version)\r\nSec-WebSocket-Key: \(key)\r\n\(extra)\r\n"
    try await stream.write(Array(head.utf8), before: soon)
    let answer: [UInt8] = try await stream.read(upTo: 4_096, before: soon)
    return (stream, String(decoding: answer, as: UTF8.self))
}

@Suite struct WebSocketTests {
    @Test func `messages come back`() async throws {
        try await withServer { _, _, open in
            let socket: WebSocket = try await open()
            for length in [0, 1, 125, 126, 65_535, 65_536, 1_000_000] {
                let bytes: [UInt8] = (0..<length).map { UInt8(truncatingIfNeeded: $0) }
                try await socket.send(binary: bytes)
                #expect(try await socket.receive() == .binary(bytes))
            }
            try await socket.send(text: "grüße 😀")
            #expect(try await socket.receive() == .text("grüße 😀"))
            await socket.close(code: 3_000, reason: "done")
            #expect(try await socket.receive() == nil)
            #expect(await fault { try await socket.send(text: "late") } as? WebSocketFault == .closed)
        }
    }

    @Test func `the handshake is the standard's`() async throws {
        try await withServer { server, client, _ in
            let (_, answer): (SocketStream, String) = try await handshake(
                server,
                client.loop,
                extra: "Sec-WebSocket-Protocol: x, a ,b\r\n"
            )
            #expect(
                answer == "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                    + "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\nSec-WebSocket-Protocol: a\r\n\r\n"
            )
            #expect(try await handshake(server, client.loop, version: "8").1.hasPrefix("HTTP/1.1 426 "))
            #expect(try await handshake(server, client.loop, version: "8").1.contains("Sec-WebSocket-Version: 13\r\n"))
            #expect(try await handshake(server, client.loop, key: "short").1.hasPrefix("HTTP/1.1 400 "))
            let plain: HTTPClientResponse = try await client.send(
                HTTPRequest(method: "GET", target: "/"),
                to: server.endpoint
            )
            #expect(plain.status == 426)
        }
    }

    @Test func `fragments with a ping between them, a byte at a time`() async throws {
        try await withServer { server, client, _ in
            let (stream, _): (SocketStream, String) = try await handshake(server, client.loop)
            let bytes: [UInt8] =
                Frame(.text, Array("one ".utf8), isFinal: false).encoded(mask: 1)
                + Frame(.ping, [7]).encoded(mask: 2)
                + Frame(.continuation, Array("two ".utf8), isFinal: false).encoded(mask: 3)
                + Frame(.continuation, Array("three".utf8)).encoded(mask: 4)
            for byte in bytes { try await stream.write([byte], before: soon) }
            var answer: [UInt8] = []
            let expected: [UInt8] =
                Frame(.pong, [7]).encoded(mask: nil) + Frame(.text, Array("one two three".utf8)).encoded(mask: nil)
            while answer.count < expected.count { answer += try await stream.read(upTo: 100, before: soon) }
            #expect(answer == expected)
            // The closing handshake repeats the code and ends the connection.
            try await stream.write(Frame(.close, [3, 0xE9]).encoded(mask: 5), before: soon)
            #expect(try await stream.read(upTo: 100, before: soon) == [0x88, 2, 3, 0xE9])
            #expect(try await stream.read(upTo: 100, before: soon) == [])
        }
    }

    @Test func `a violation is answered with its code`() async throws {
        try await withServer { server, client, _ in
            let (stream, _): (SocketStream, String) = try await handshake(server, client.loop)
            try await stream.write([0x81, 1, 65], before: soon)
            #expect(Array(try await stream.read(upTo: 200, before: soon).dropFirst(2).prefix(2)) == [3, 0xEA])
            #expect(try await stream.read(upTo: 100, before: soon) == [])
        }
    }

    @Test func `a message over the limit ends the connection with 1009`() async throws {
        var small = WebSocketLimits()
        small.messageBytes = 10
        try await withServer(limits: small) { _, _, open in
            let socket: WebSocket = try await open()
            try await socket.send(text: "0123456789")
            #expect(try await socket.receive() == .text("0123456789"))
            try await socket.send(text: "0123456789a")
            #expect(try await socket.receive() == nil)
            #expect(await socket.closeReason?.code == 1009)
        }
    }

    @Test func `many senders, each in its order`() async throws {
        try await withServer { _, _, open in
            let socket: WebSocket = try await open()
            let senders: Int = 20
            let rounds: Int = 50
            try await withThrowingTaskGroup(of: Void.self) { group in
                for sender in 0..<senders {
                    group.addTask { for round in 0..<rounds { try await socket.send(text: "\(sender) \(round)") } }
                }
                var next = [Int](repeating: 0, count: senders)
                for _ in 0..<senders * rounds {
                    guard case .text(let text)? = try await socket.receive() else { break }
                    let parts: [Int] = text.split(separator: " ").compactMap { Int($0) }
                    #expect(parts[1] == next[parts[0]])
                    next[parts[0]] += 1
                }
                #expect(next == [Int](repeating: rounds, count: senders))
                try await group.waitForAll()
            }
            await socket.close()
        }
    }

    @Test func `a reader that does not read ends the connection when too much waits`() async throws {
        var limits = WebSocketLimits()
        limits.queuedMessages = 10
        try await withServer(
            clientLimits: limits,
            handler: { socket in
                try? await Task.sleep(for: .seconds(3_600))  // until the server stops
            }
        ) { _, _, open in
            let socket: WebSocket = try await open()
            let faults: [any Error] = await withTaskGroup(of: (any Error)?.self) { group in
                for _ in 0..<40 {
                    group.addTask {
                        await fault { try await socket.send(binary: [UInt8](repeating: 1, count: 1_000_000)) }
                    }
                }
                return await group.reduce(into: []) { list, error in if let error { list.append(error) } }
            }
            #expect(faults.contains { $0 as? WebSocketFault == .tooSlow(waiting: 10) })
        }
    }

    @Test func `silence is noticed, and pongs are no silence`() async throws {
        var limits = WebSocketLimits()
        limits.silenceMilliseconds = 300
        try await withServer(
            clientLimits: limits,
            handler: { socket in
                while (try? await socket.receive()) != nil {}
            }
        ) { _, client, open in
            let socket: WebSocket = try await open()
            let pings = Task(executorPreference: client.loop) {
                for _ in 0..<8 {
                    try await socket.ping()
                    try await client.loop.sleep(milliseconds: 50)
                }
                return MonotonicClock.now
            }
            let error: (any Error)? = await fault { _ = try await socket.receive() }
            guard case .timedOut? = error as? NetworkFault else {
                Issue.record("\(String(describing: error))")
                return
            }
            #expect(MonotonicClock.now > (try await pings.value))
        }
    }

    @Test func `closing while another task receives ends both`() async throws {
        try await withServer { _, _, open in
            let socket: WebSocket = try await open()
            let receiver = Task { try await socket.receive() }
            try await socket.send(binary: [])
            #expect(try await receiver.value == .binary([]))
            let second = Task { try await socket.receive() }
            await socket.close()
            #expect(try await second.value == nil)
        }
    }

    @Test func `a peer that does not answer a close is not waited for long`() async throws {
        var limits = WebSocketLimits()
        limits.closeMilliseconds = 40
        try await withServer(
            clientLimits: limits,
            handler: { socket in
                try? await Task.sleep(for: .seconds(3_600))  // until the server stops
            }
        ) { _, _, open in
            let socket: WebSocket = try await open()
            await socket.close()
            let other: WebSocket = try await open()
            let receiver = Task { try await other.receive() }
            try await other.ping()
            await other.close()
            #expect(try await receiver.value == nil)
        }
    }

    @Test func `a connection that ends without a close is an error`() async throws {
        try await withServer(handler: { _ in }) { _, client, open in
            let socket: WebSocket = try await open()
            // The handler returned: the server closes in good order.
            #expect(try await socket.receive() == nil)
            #expect(await socket.closeReason == CloseReason(code: 1000))

            let listener: Listener = try .bind(.tcp(host: "127.0.0.1", port: 0), on: client.loop)
            let connected: SocketStream = try await client.loop.connect(to: listener.endpoint, before: soon)
            try await listener.accept(onto: client.loop).close()
            let abrupt = WebSocket(stream: connected, role: .client)
            #expect(await fault { _ = try await abrupt.receive() } as? WebSocketFault == .endedAbruptly)
            listener.close()
        }
    }

    @Test func `a server that does not speak WebSocket is refused`() async throws {
        let loops: Loops = try .start(count: 1)
        let server: HTTPServer = try .start(on: .tcp(host: "127.0.0.1", port: 0), loops: loops) { request, _ in
            if request.path == "/wrong" {
                return .upgrade(headers: ["Upgrade": "websocket", "Sec-WebSocket-Accept": "AAAA"]) { _, _ in }
            }
            return .text(404, "nothing here")
        }
        let client = HTTPClient(loop: loops.all[0])
        #expect(
            await fault { _ = try await WebSocket.connect(to: server.endpoint, target: "/", client: client) }
                as? WebSocketFault
                == .refused(status: 404, cause: "nothing here\n")
        )
        #expect(
            await fault { _ = try await WebSocket.connect(to: server.endpoint, target: "/wrong", client: client) }
                as? WebSocketFault
                == .refused(status: 101, cause: "Sec-WebSocket-Accept does not match the key")
        )
        await server.stop(graceMilliseconds: 0)
        await loops.stop()
    }
}
