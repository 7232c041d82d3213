import Testing

@testable import HTTP2

@Suite struct SessionTests {
    private static let second: UInt64 = 1_000_000_000

    private func started(_ limits: HTTP2Limits = HTTP2Limits()) throws -> HTTP2Session {
        let session = try HTTP2Session(limits)
        try session.receive(Frames.hello[...], now: Self.second)
        _ = try session.sent()
        return session
    }

    private func answerHead(_ status: String = "200") -> HTTP2FieldBlock {
        var block = HTTP2FieldBlock()
        block.append(":status", status)
        return block
    }

    @Test func `the first frame tells our bounds`() throws {
        var limits = HTTP2Limits()
        limits.concurrentStreams = 7
        limits.headBytes = 9_000
        limits.streamWindowBytes = 70_000
        limits.connectionWindowBytes = 200_000
        let frames: [SentFrame] = try HTTP2Session(limits).sent()
        let settings: SentFrame = try #require(frames.first)
        #expect(settings.isSettings)
        #expect(settings.settings == [3: 7, 4: 70_000, 6: 9_000, 9: 1])
        // No extended CONNECT (RFC 8441): a WebSocket takes a connection of its own.
        #expect(settings.settings[8] == nil)
        let window: SentFrame? = frames.first { $0.type == 8 && $0.stream == 0 }
        let more: UInt32 = 200_000 - 65_535
        #expect(window.map { SentFrame.value($0.payload[...]) } == more)
    }

    @Test func `requests become events, however the bytes are cut`() throws {
        let bytes: [UInt8] =
            Frames.hello + Frames.headers(1)
            + Frames.headers(3, Frames.get + [("cookie", "a=1"), ("cookie", "b=2"), ("x", "y")], ends: false)
            + Frames.data(3, Array("ab".utf8)) + Frames.data(3, Array("cd".utf8), ends: true)
        for step in [1, 2, 7, bytes.count] {
            let session = try HTTP2Session()
            var lines: [String] = []
            var start: Int = 0
            while start < bytes.count {
                let end: Int = min(bytes.count, start + step)
                try session.receive(bytes[start..<end], now: Self.second)
                start = end
                lines += session.takeEvents().map(\.line)
            }
            let text: String = lines.joined(separator: "\n")
            #expect(text.hasPrefix("1 head :method=GET :scheme=https :path=/ :authority=a.test - true\n3 head"))
            #expect(text.contains("cookie=a=1 cookie=b=2 x=y - false"))
            #expect(lines.filter { $0.contains(" data ") }.map { $0.dropFirst(7) }.joined() == "abcd")
            #expect(lines.last == "3 end")
        }
    }

    @Test func `an answer waits for the window of its stream, and others pass it`() throws {
        let session: HTTP2Session = try started()
        // Streams begin with a window of 10 bytes.
        let settings: [UInt8] = Frames.frame(4, 0, 0, [0, 4] + Frames.number(10))
        try session.receive((settings + Frames.headers(1) + Frames.headers(3))[...], now: Self.second)
        for stream: Int32 in [1, 3] { session.answer(stream, answerHead(), isLast: false) }
        session.supply(1, [UInt8](repeating: 1, count: 25), isLast: true)
        session.supply(3, [UInt8](repeating: 3, count: 5), isLast: true)
        let first: [SentFrame] = try session.sent().filter { $0.type == 0 }
        #expect(first.filter { $0.stream == 1 }.reduce(0) { $0 + $1.payload.count } == 10)
        #expect(first.filter { $0.stream == 3 }.reduce(0) { $0 + $1.payload.count } == 5)
        #expect(session.hasUnsent(1) && !session.hasUnsent(3))
        #expect(session.takeEvents().map(\.line).contains("3 drained"))

        try session.receive(Frames.window(1, 100)[...], now: Self.second)
        let second: [SentFrame] = try session.sent().filter { $0.type == 0 }
        #expect(second.reduce(0) { $0 + $1.payload.count } == 15)
        #expect(second.last?.flags == 1)
        #expect(session.takeEvents().map(\.line).suffix(2) == ["1 drained", "1 closed 0"])
    }

    @Test func `a stream's window opens only when its bytes were taken`() throws {
        let session: HTTP2Session = try started()
        var bytes: [UInt8] = Frames.headers(1, ends: false)
        for _ in 0..<4 { bytes += Frames.data(1, [UInt8](repeating: 0, count: 15_000)) }
        try session.receive(bytes[...], now: Self.second)
        let isForStream: (SentFrame) -> Bool = { $0.type == 8 && $0.stream == 1 }
        #expect(try !session.sent().contains(where: isForStream))
        session.consume(1, 60_000)
        let updates: [SentFrame] = try session.sent().filter(isForStream)
        #expect(updates.map { SentFrame.value($0.payload[...]) } == [60_000])
    }

    @Test func `a stream that was answered early stays open for whoever reads the rest`() throws {
        let session: HTTP2Session = try started()
        try session.receive(Frames.headers(1, ends: false)[...], now: Self.second)
        session.answer(1, answerHead("413"), isLast: true)
        #expect(try session.sent().map(\.type) == [1])
        #expect(session.takeEvents().map(\.line).last == "1 answered early")
        try session.receive(Frames.data(1, [65])[...], now: Self.second)
        #expect(session.takeEvents().map(\.line) == ["1 data A"])
        session.reset(1, .noError)
        #expect(try session.sent().map(\.resetCode) == [0])
        #expect(session.takeEvents().map(\.line) == ["1 closed 0"])
    }

    @Test func `a wider window lets more come, and opens by what was taken`() throws {
        let session: HTTP2Session = try started()
        try session.receive(Frames.headers(1, ends: false)[...], now: Self.second)
        session.widen(1, 200_000)
        let isForStream: (SentFrame) -> Bool = { $0.type == 8 && $0.stream == 1 }
        let more: UInt32 = 200_000 - 65_535  // what a client begins with, as it has acknowledged nothing
        #expect(try session.sent().filter(isForStream).map { SentFrame.value($0.payload[...]) } == [more])
        for _ in 0..<13 {
            try session.receive(Frames.data(1, [UInt8](repeating: 0, count: 15_000))[...], now: Self.second)
        }
        #expect(session.takeEvents().filter { $0.line.contains(" data ") }.count == 13)
        #expect(try !session.sent().contains(where: isForStream))
        session.consume(1, 195_000)
        #expect(try session.sent().filter(isForStream).map { SentFrame.value($0.payload[...]) } == [195_000])
    }

    @Test func `a session that shuts down serves what is open and nothing new`() throws {
        let session: HTTP2Session = try started()
        try session.receive(Frames.headers(1)[...], now: Self.second)
        session.announceShutdown()
        #expect(try session.sent().map { SentFrame.value($0.payload[0..<4]) } == [0x7FFF_FFFF])
        try session.receive(Frames.headers(3)[...], now: Self.second)
        session.shutDown()
        #expect(try session.sent().map { SentFrame.value($0.payload[0..<4]) } == [3])
        _ = session.takeEvents()
        try session.receive(Frames.headers(5)[...], now: Self.second)
        #expect(session.takeEvents().isEmpty)
        #expect(!session.isOver)
        for stream: Int32 in [1, 3] { session.answer(stream, answerHead(), isLast: true) }
        _ = try session.sent()
        #expect(session.isOver)
    }

    // MARK: What is malformed

    @Test(arguments: [
        [(":method", "GET"), (":scheme", "https"), (":path", "/"), (":path", "/b"), (":authority", "a")],
        [(":method", "GET"), (":scheme", "https"), (":authority", "a")],
        [(":method", "GET"), (":scheme", "https"), (":path", "/")],
        [(":method", "GET"), (":scheme", "https"), (":path", "relative"), (":authority", "a")],
        [(":method", "GET"), (":scheme", "https"), (":path", ""), (":authority", "a")],
        [(":method", "G T"), (":scheme", "https"), (":path", "/"), (":authority", "a")],
        [(":method", "GET"), (":scheme", "https"), (":path", "/"), (":authority", "a b")],
        [(":method", "GET"), (":scheme", "https"), (":path", "/"), (":authority", "a"), (":status", "200")],
        Frames.get + [("transfer-encoding", "chunked")],
        Frames.get + [("connection", "close")],
        Frames.get + [("upgrade", "websocket")],
        Frames.get + [("keep-alive", "5")],
        Frames.get + [("proxy-connection", "close")],
        Frames.get + [("te", "gzip")],
        Frames.get + [("X-Upper", "a")],
        Frames.get + [("x", "y"), (":method", "PUT")],
        Frames.get + [("host", "a"), ("host", "a")],
        Frames.get + [("content-length", "1"), ("content-length", "2")],
        Frames.get + [("content-length", "-1")],
        Frames.get + [("content-length", "5")],
        [(":method", "GET"), (":scheme", "https"), (":path", "/\r\nX: y"), (":authority", "a")],
    ])
    func `a malformed request resets its stream and nobody hears of it`(fields: [(String, String)]) throws {
        let session: HTTP2Session = try started()
        try session.receive((Frames.headers(1, fields) + Frames.headers(3))[...], now: Self.second)
        let frames: [SentFrame] = try session.sent()
        #expect(frames.contains { $0.stream == 1 && $0.resetCode == 1 })
        #expect(!session.takeEvents().contains { $0.line.hasPrefix("1 head") || $0.line.hasPrefix("1 end") })
        #expect(!frames.contains { $0.goAwayCode != nil })
    }

    @Test(arguments: ["a\r\nX: y", "a\nb", "a\rb", "a\0b", " a", "a ", "\u{7F}"])
    func `a value that could become a line of its own is told of and not kept`(value: String) throws {
        let session: HTTP2Session = try started()
        try session.receive(Frames.headers(1, Frames.get + [("x-a", value)])[...], now: Self.second)
        let events: [HTTP2Event] = session.takeEvents()
        guard case .head(1, let head, _) = try #require(events.first) else {
            Issue.record("\(events)")
            return
        }
        #expect(head.excess == .characters)
        #expect(!head.block.fields.contains { head.block.name($0).elementsEqual("x-a".utf8) })
    }

    @Test(arguments: [([UInt8](repeating: 0, count: 4), true), ([UInt8](repeating: 0, count: 6), false)])
    func `a body that is not as long as announced resets its stream`(body: [UInt8], isShort: Bool) throws {
        let session: HTTP2Session = try started()
        let head: [UInt8] = Frames.headers(1, Frames.get + [("content-length", "5")], ends: false)
        try session.receive((head + Frames.data(1, body, ends: isShort))[...], now: Self.second)
        #expect(try session.sent().contains { $0.stream == 1 && $0.resetCode == 1 })
        #expect(!session.takeEvents().contains { $0.line == "1 end" })
    }

    @Test func `trailers are dropped`() throws {
        let session: HTTP2Session = try started()
        let trailers: [UInt8] = Frames.headers(1, [("x-trailer", "a")])
        try session.receive((Frames.headers(1, ends: false) + Frames.data(1, [65]) + trailers)[...], now: Self.second)
        let lines: [String] = session.takeEvents().map(\.line)
        #expect(lines.count == 3 && lines.last == "1 end")
        #expect(!lines.joined().contains("x-trailer"))
    }

    @Test func `what is too much is counted and not kept`() throws {
        var limits = HTTP2Limits()
        (limits.lineBytes, limits.headBytes, limits.headerCount) = (100, 300, 5)
        let long = String(repeating: "a", count: 99)
        let cases: [([(String, String)], HTTP2RequestHead.Excess?)] = [
            (Frames.get, nil),
            ([(":method", "GET"), (":scheme", "https"), (":path", "/" + long), (":authority", "a")], nil),
            ([(":method", "GET"), (":scheme", "https"), (":path", "/a" + long), (":authority", "a")], .targetBytes),
            (Frames.get + [("x", long)], .lineBytes),
            (Frames.get + [("x", String(long.dropLast(2)))], nil),
            (Frames.get + (0..<3).map { ("x\($0)", String(long.dropLast(5))) }, nil),
            (Frames.get + (0..<4).map { ("x\($0)", String(long.dropLast(29))) }, .totalBytes),
            (Frames.get + (0..<5).map { ("x\($0)", "") }, nil),
            (Frames.get + (0..<6).map { ("x\($0)", "") }, .fieldCount),
            (Frames.get + (0..<9).map { ("cookie", "a=\($0)") }, nil),
        ]
        for (fields, excess) in cases {
            let session: HTTP2Session = try started(limits)
            try session.receive(Frames.headers(1, fields)[...], now: Self.second)
            guard case .head(1, let head, true) = try #require(session.takeEvents().first) else {
                Issue.record("no head for \(fields)")
                continue
            }
            #expect(head.excess == excess, "\(fields)")
        }
    }
}
