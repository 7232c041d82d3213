import TestSupport
import Testing

@testable import HTTP2

/// Peers that keep a server busy with little effort of their own.
@Suite struct FloodTests {
    private static let second: UInt64 = 1_000_000_000

    struct Flood: Sendable, CustomTestStringConvertible {
        var name: String
        /// The round's frames; a round is one read of the connection.
        var round: @Sendable (Int) -> [UInt8]
        var testDescription: String { name }

        init(_ name: String, _ round: @escaping @Sendable (Int) -> [UInt8]) {
            self.name = name
            self.round = round
        }
    }

    static let floods: [Flood] = [
        Flood("rapid reset (CVE-2023-44487)") { Frames.headers(UInt32(2 * $0 + 1)) + Frames.reset(UInt32(2 * $0 + 1)) },
        Flood("resets that it makes us send") {
            Frames.headers(UInt32(2 * $0 + 1), ends: false) + Frames.window(UInt32(2 * $0 + 1), 0x7FFF_FFFF)
        },
        Flood("malformed requests") { Frames.headers(UInt32(2 * $0 + 1), Frames.get + [("connection", "close")]) },
        Flood("pings") { _ in Frames.ping() },
        Flood("settings") { _ in Frames.frame(4, 0, 0, [0, 4] + Frames.number(70_000)) },
        Flood("priorities") { Frames.frame(2, 0, UInt32(2 * $0 + 1), Frames.number(0) + [16]) },
        Flood("windows of a byte") { _ in Frames.window(0, 1) },
        Flood("empty pieces of a body") { ($0 == 0 ? Frames.headers(1, ends: false) : []) + Frames.data(1, []) },
        Flood("bytes of a body") { ($0 == 0 ? Frames.headers(1, ends: false) : []) + Frames.data(1, [1]) },
    ]

    @Test(arguments: floods)
    func `a flood ends the connection, and the peer is told to calm down`(flood: Flood) throws {
        let session = try HTTP2Session()
        try session.receive(Frames.hello[...], now: Self.second)
        var found: HTTP2Fault?
        var frames: [SentFrame] = []
        for round in 0..<3_000 where found == nil && !session.isOver {
            do throws(HTTP2Fault) {
                try session.receive(flood.round(round)[...], now: Self.second)
            } catch {
                found = error
            }
            frames += try session.sent()
            _ = session.takeEvents()
        }
        #expect(session.isOver)
        #expect(frames.compactMap(\.goAwayCode) == [HTTP2ErrorCode.enhanceYourCalm.rawValue])
        #expect(found.map { $0.code == .enhanceYourCalm } ?? true)
        // Nothing more is looked at.
        try session.receive(Frames.headers(9_001)[...], now: 2 * Self.second)
        #expect(session.takeEvents().isEmpty)
    }

    @Test(arguments: floods)
    func `the same, slowly, is let through`(flood: Flood) throws {
        let session = try HTTP2Session()
        try session.receive(Frames.hello[...], now: Self.second)
        // The library has a bound of its own on resets, by its own clock: 1,000 at once.
        for round in 0..<900 {
            // Ten in a second.
            try session.receive(flood.round(round)[...], now: Self.second + UInt64(round) * Self.second / 10)
            #expect(try !session.sent().contains { $0.goAwayCode != nil })
            _ = session.takeEvents()
        }
    }

    @Test func `pings whose answers are not read end the connection`() throws {
        let session = try HTTP2Session()
        try session.receive(Frames.hello[...], now: Self.second)
        let pings: [UInt8] = (0..<200).flatMap { _ in Frames.ping() }
        #expect(throws: HTTP2Fault.self) { try session.receive(pings[...], now: Self.second) }
    }

    @Test func `header fields that are continued without end are not collected`() throws {
        let session = try HTTP2Session()
        let begin: [UInt8] = Frames.frame(1, 1, 1, Frames.literals(Frames.get))
        try session.receive((Frames.hello + begin)[...], now: Self.second)
        let piece: [UInt8] = Frames.frame(9, 0, 1, [])
        let many: [UInt8] = (0..<64).flatMap { _ in piece }
        #expect(throws: HTTP2Fault.self) { try session.receive(many[...], now: Self.second) }
    }

    @Test func `a few bytes that stand for many are counted as many`() throws {
        let session = try HTTP2Session()
        // One field of 3,000 bytes is kept in the table; each further byte stands for it.
        let kept: [UInt8] = Frames.kept("x", String(repeating: "a", count: 3_000))
        let block: [UInt8] = Frames.literals(Frames.get) + kept + [UInt8](repeating: 0x80 | 62, count: 12_000)
        let bytes: [UInt8] = Frames.hello + Frames.frame(1, 5, 1, block)
        #expect(throws: HTTP2Fault(.enhanceYourCalm, "the header fields are many times larger than announced")) {
            try session.receive(bytes[...], now: Self.second)
        }
        #expect(session.takeEvents().isEmpty)
    }

    @Test func `somewhat too many bytes are refused, not punished`() throws {
        let session = try HTTP2Session()
        let kept: [UInt8] = Frames.kept("x", String(repeating: "a", count: 3_000))
        let block: [UInt8] = Frames.literals(Frames.get) + kept + [UInt8](repeating: 0x80 | 62, count: 30)
        try session.receive((Frames.hello + Frames.frame(1, 5, 1, block))[...], now: Self.second)
        guard case .head(1, let head, true) = try #require(session.takeEvents().first) else { return }
        #expect(head.excess == .totalBytes)
        #expect(head.block.bytes.count < 70_000)
    }

    @Test func `what is not HTTP/2 ends the connection`() throws {
        for bytes in ["GET / HTTP/1.1\r\nHost: a\r\n\r\n", "PRI * HTTP/2.0\r\n\r\nSM\r\n\rx"] {
            let session = try HTTP2Session()
            #expect(throws: HTTP2Fault.self) { try session.receive(Array(bytes.utf8)[...], now: Self.second) }
        }
    }

    @Test func `random frames never break anything`() throws {
        for seed in 0..<300 {
            var random = Seeded(UInt64(seed))
            let session = try HTTP2Session()
            try session.receive(Frames.hello[...], now: Self.second)
            for _ in 0..<40 where !session.isOver {
                let payload: [UInt8] = (0..<Int.random(in: 0...20, using: &random)).map { _ in
                    UInt8.random(in: 0...255, using: &random)
                }
                let bytes: [UInt8] = Frames.frame(
                    UInt8.random(in: 0...10, using: &random),
                    UInt8.random(in: 0...255, using: &random),
                    UInt32.random(in: 0...5, using: &random),
                    payload
                )
                try? session.receive(bytes[...], now: Self.second)
                for case .head(let stream, _, _) in session.takeEvents() {
                    var block = HTTP2FieldBlock()
                    block.append(":status", "200")
                    session.answer(stream, block, isLast: false)
                    session.supply(stream, [1, 2, 3], isLast: true)
                }
                _ = try? session.sent()
            }
        }
    }
}
