import EventLoop
import HTTP
import Limits
import TestSupport
import Testing
import WebSocket

/// Says what it has to say, each message as soon as the one before was taken.
private final class Speaker: PushSocketOwner, @unchecked Sendable {
    // @unchecked: `socket` and `next` are touched by the loop's thread only.
    private let messages: [String]
    private let closesAtLast: Bool
    private var socket: PushSocket?
    private var next: Int = 0
    let said = Shared(0)
    /// How often it had to wait.
    let waits = Shared(0)
    let ends = Shared(0)

    init(_ messages: [String], closesAtLast: Bool = false) {
        self.messages = messages
        self.closesAtLast = closesAtLast
    }

    func socketStands(_ socket: PushSocket) {
        self.socket = socket
        speak()
    }

    func socketIsFree() { speak() }

    func socketHasEnded() {
        socket = nil
        ends.change { $0 += 1 }
    }

    private func speak() {
        while next < messages.count, let socket, socket.isFree {
            socket.send(ServerTextFrame(Array(messages[next].utf8)))
            next += 1
            said.change { $0 += 1 }
            if !socket.isFree { waits.change { $0 += 1 } }
        }
        if next == messages.count, closesAtLast { socket?.close(code: 3_000, reason: "all said") }
    }
}

@Suite(.timeLimit(.minutes(1))) struct PushSocketTests {
    private func withServer(
        _ speaker: Speaker,
        limits: WebSocketLimits = WebSocketLimits(),
        _ body: (HTTPServer, HTTPClient) async throws -> Void
    ) async throws {
        try await withLoops { loops in
            let server: HTTPServer = try .start(on: .tcp(host: "127.0.0.1", port: 0), loops: loops) { request, _ in
                WebSocket.response(to: request, limits: limits, owner: speaker)
            }
            let result: Result<Void, any Error>
            do {
                result = .success(try await body(server, HTTPClient(loop: loops.all[1])))
            } catch {
                result = .failure(error)
            }
            await server.stop(graceMilliseconds: 0)
            #expect(server.connectionCount == 0)
            #expect(speaker.ends.value <= 1)
            try result.get()
        }
    }

    /// A connection after a handshake by hand, without the head that answered it.
    private func raw(_ server: HTTPServer, _ loop: EventLoop, behind more: [UInt8] = []) async throws -> SocketStream {
        let stream: SocketStream = try await loop.connect(to: server.endpoint, before: soon)
        let head: String =
            "GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
            + "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
        try await stream.write(Array(head.utf8) + more, before: soon)
        var answer: [UInt8] = []
        while !answer.suffix(4).elementsEqual("\r\n\r\n".utf8) {
            answer += try await stream.read(upTo: 1, before: soon)
        }
        return stream
    }

    private func read(_ count: Int, _ stream: SocketStream) async throws -> [UInt8] {
        var bytes: [UInt8] = []
        while bytes.count < count {
            let more: [UInt8] = try await stream.read(upTo: count - bytes.count, before: soon)
            guard !more.isEmpty else { break }
            bytes += more
        }
        return bytes
    }

    @Test func `what is said comes in order, however slowly it is read`() async throws {
        // Also such as the system takes in several pieces.
        let messages: [String] = (0..<40).map {
            "\($0) " + String(repeating: "x", count: $0 % 2 == 0 ? 40_000 : 900_000)
        }
        let speaker = Speaker(messages, closesAtLast: true)
        try await withServer(speaker) { server, client in
            let socket: WebSocket = try await .connect(to: server.endpoint, target: "/", client: client)
            // Nobody reads: the speaker has to wait, and nothing more is taken from it.
            #expect(await eventually { speaker.waits.value > 0 })
            #expect(speaker.said.value < messages.count)
            for message in messages { #expect(try await socket.receive() == .text(message)) }
            #expect(try await socket.receive() == nil)
            #expect(await socket.closeReason == CloseReason(code: 3_000, reason: "all said"))
            #expect(await eventually { speaker.ends.value == 1 })
        }
    }

    @Test func `a flood is taken a part at a time, and to its end`() async throws {
        let speaker = Speaker(["hello"])
        try await withServer(speaker) { server, client in
            let stream: SocketStream = try await raw(server, client.loop)
            let pong: [UInt8] = Frame(.pong, []).encoded(mask: 7)
            let count: Int = 20 * Limits.webSocketFramesAtOnce + 3
            let flood: [UInt8] = (0..<count).flatMap { _ in pong }
            try await stream.write(flood + Frame(.ping, [9]).encoded(mask: 7), before: soon)
            let hello: [UInt8] = [0x81, 5] + Array("hello".utf8)
            #expect(try await read(hello.count + 3, stream) == hello + [0x8A, 1, 9])
            stream.close()
        }
    }

    @Test func `pings are answered, messages are dropped, a close is repeated`() async throws {
        let speaker = Speaker(["hello"])
        try await withServer(speaker) { server, client in
            // The first ping comes along with the request.
            let stream: SocketStream = try await raw(
                server,
                client.loop,
                behind: Frame(.ping, [1]).encoded(mask: 7)
            )
            let expected: [UInt8] = Frame(.text, Array("hello".utf8)).encoded(mask: nil) + [0x8A, 1, 1]
            #expect(try await read(expected.count, stream) == expected)
            let bytes: [UInt8] =
                Frame(.text, Array("one ".utf8), isFinal: false).encoded(mask: 1)
                + Frame(.ping, [7]).encoded(mask: 2)
                + Frame(.continuation, Array("two".utf8)).encoded(mask: 3)
                + Frame(.binary, [UInt8](repeating: 9, count: 70_000)).encoded(mask: 4)
            for byte in bytes.prefix(40) { try await stream.write([byte], before: soon) }
            try await stream.write(Array(bytes.dropFirst(40)) + Frame(.ping, [8]).encoded(mask: 5), before: soon)
            #expect(try await read(6, stream) == [0x8A, 1, 7, 0x8A, 1, 8])
            try await stream.write(Frame(.close, [3, 0xE9]).encoded(mask: 6), before: soon)
            #expect(try await read(100, stream) == [0x88, 2, 3, 0xE9])
            #expect(await eventually { server.connectionCount == 0 && speaker.ends.value == 1 })
        }
    }

    @Test(
        arguments: [
            ([0x81, 1, 65], 1002), ([0xC1, 0x80, 0, 0, 0, 0], 1002), ([0x80, 0x80, 0, 0, 0, 0], 1002),
            ([0x81, 0xFF, 0, 0, 0, 0, 0, 0xFF, 0, 0, 0, 0, 0, 0], 1009),
            ([0x81, 0x81, 0, 0, 0, 0, 0xFF], 1007), ([0x88, 0x81, 0, 0, 0, 0, 3], 1002),
        ] as [([UInt8], Int)]
    )
    func `a violation is answered with its code`(bytes: [UInt8], code: Int) async throws {
        let speaker = Speaker([])
        try await withServer(speaker) { server, client in
            let stream: SocketStream = try await raw(server, client.loop)
            try await stream.write(bytes, before: soon)
            let answer: [UInt8] = try await read(200, stream)
            #expect(answer.first == 0x88 && answer.dropFirst(2).prefix(2) == [UInt8(code >> 8), UInt8(code & 0xFF)])
            #expect(await eventually { speaker.ends.value == 1 })
        }
    }

    @Test func `a peer that reads nothing is not waited for for ever`() async throws {
        var limits = WebSocketLimits()
        limits.writeMilliseconds = 50
        let speaker = Speaker((0..<400).map { "\($0) " + String(repeating: "x", count: 40_000) })
        try await withServer(speaker, limits: limits) { server, client in
            let stream: SocketStream = try await raw(server, client.loop)
            #expect(await eventually { speaker.ends.value == 1 })
            #expect(speaker.said.value < 400)
            stream.close()
        }
    }

    @Test func `a peer that does not answer a close is not waited for for ever`() async throws {
        var limits = WebSocketLimits()
        limits.closeMilliseconds = 50
        let speaker = Speaker(["bye"], closesAtLast: true)
        try await withServer(speaker, limits: limits) { server, client in
            let stream: SocketStream = try await raw(server, client.loop)
            #expect(try await read(100, stream).prefix(6) == [0x81, 3, 0x62, 0x79, 0x65, 0x88])
            #expect(await eventually { speaker.ends.value == 1 })
            stream.close()
        }
    }

    @Test func `a connection that is cut ends it, and so does a server that stops`() async throws {
        let speaker = Speaker(["hello"])
        try await withServer(speaker) { server, client in
            let stream: SocketStream = try await raw(server, client.loop)
            stream.close()
            #expect(await eventually { server.connectionCount == 0 && speaker.ends.value == 1 })
        }
        let other = Speaker(["hello"])
        let reading = Shared<SocketStream?>(nil)
        try await withServer(other) { server, client in
            let stream: SocketStream = try await raw(server, client.loop)
            #expect(try await read(7, stream).count == 7)
            #expect(server.connectionCount == 1)
            reading.change { $0 = stream }
        }
        #expect(other.ends.value == 1)
    }
}
