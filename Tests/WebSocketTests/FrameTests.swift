import EventLoop
import Testing
import WebSocket

private func decode(_ bytes: [UInt8], role: WebSocketRole, step: Int, limit: Int = 70_000) -> ([Frame], UInt16?) {
    let decoder = FrameDecoder(role: role, limit: limit)
    var assembler = MessageAssembler(limit: limit)
    let buffer = ReadBuffer()
    var frames: [Frame] = []
    var start: Int = 0
    do {
        while start < bytes.count {
            let end: Int = min(bytes.count, start + step)
            buffer.append(bytes[start..<end])
            start = end
            while let frame = try decoder.next(buffer) {
                frames.append(frame)
                switch frame.opcode {
                case .text, .binary, .continuation: _ = try assembler.add(frame)
                case .close: _ = try CloseReason(payload: frame.payload)
                case .ping, .pong: break
                }
            }
        }
    } catch {
        guard case .violation(let code, _) = error else { return (frames, 0) }
        return (frames, code)
    }
    return (frames, nil)
}

@Suite struct FrameTests {
    @Test(arguments: [0, 1, 125, 126, 127, 65_535, 65_536, 69_999], [nil, 0, 0x1234_5678] as [UInt32?])
    func `frames of every length decode to themselves`(length: Int, mask: UInt32?) {
        let frame = Frame(.binary, (0..<length).map { UInt8(truncatingIfNeeded: $0) })
        let bytes: [UInt8] = frame.encoded(mask: mask)
        let role: WebSocketRole = mask == nil ? .client : .server
        #expect(decode(bytes, role: role, step: bytes.count) == ([frame], nil))
        #expect(decode(bytes, role: role, step: 1_000) == ([frame], nil))
        if length < 200 { #expect(decode(bytes, role: role, step: 1) == ([frame], nil)) }
    }

    /// The examples of RFC 6455, section 5.7.
    @Test func `the examples of the standard`() {
        #expect(Frame(.text, Array("Hello".utf8)).encoded(mask: nil) == [0x81, 5, 0x48, 0x65, 0x6C, 0x6C, 0x6F])
        #expect(
            Frame(.text, Array("Hello".utf8)).encoded(mask: 0x37FA_213D)
                == [0x81, 0x85, 0x37, 0xFA, 0x21, 0x3D, 0x7F, 0x9F, 0x4D, 0x51, 0x58]
        )
    }

    /// As a client sees them: not masked.
    static let refused: [(what: String, bytes: [UInt8], code: UInt16)] = [
        ("a masked frame from a server", [0x81, 0x80, 0, 0, 0, 0], 1002),
        ("a first reserved bit", [0xC1, 0], 1002), ("a second", [0xA1, 0], 1002), ("a third", [0x91, 0], 1002),
        ("opcode 3", [0x83, 0], 1002), ("opcode 7", [0x87, 0], 1002), ("opcode 11", [0x8B, 0], 1002),
        ("opcode 15", [0x8F, 0], 1002),
        ("a fragmented ping", [0x09, 0], 1002), ("a fragmented close", [0x08, 0], 1002),
        ("a long ping", [0x89, 126, 0, 126], 1002),
        ("a length in two bytes for one", [0x82, 126, 0, 125], 1002),
        ("a length in eight bytes for two", [0x82, 127, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF], 1002),
        ("a negative length", [0x82, 127, 0x80, 0, 0, 0, 0, 0, 0, 0], 1002),
        ("a frame over the limit", [0x82, 127, 0, 0, 0, 0, 0, 1, 0x11, 0x71], 1009),
        ("a continuation of nothing", [0x80, 0], 1002),
        ("a message inside another", [0x01, 1, 65, 0x81, 0], 1002),
        ("text that is not UTF-8", [0x81, 1, 0xFF], 1007),
        ("text that is not UTF-8 over two frames", [0x01, 1, 0xC3, 0x80, 1, 0x41], 1007),
        ("a close of one byte", [0x88, 1, 3], 1002),
        ("close 1005", [0x88, 2, 3, 0xED], 1002), ("close 1006", [0x88, 2, 3, 0xEE], 1002),
        ("close 1004", [0x88, 2, 3, 0xEC], 1002),
        ("close 1015", [0x88, 2, 3, 0xF7], 1002), ("close 999", [0x88, 2, 3, 0xE7], 1002),
        ("close 5000", [0x88, 2, 0x13, 0x88], 1002),
        ("a close reason that is not UTF-8", [0x88, 3, 3, 0xE8, 0xFF], 1007),
    ]

    @Test(arguments: refused)
    func `refuses with the code of the table`(what: String, bytes: [UInt8], code: UInt16) {
        #expect(decode(bytes, role: .client, step: bytes.count).1 == code, "\(what)")
        #expect(decode(bytes, role: .client, step: 1).1 == code, "\(what)")
    }

    @Test func `a client's frame must be masked`() {
        #expect(decode([0x81, 0], role: .server, step: 2).1 == 1002)
    }

    @Test func `fragments add up to one message, and only so far`() throws {
        var assembler = MessageAssembler(limit: 6)
        #expect(try assembler.add(Frame(.text, [0xC3], isFinal: false)) == nil)
        #expect(try assembler.add(Frame(.continuation, [0xBC], isFinal: false)) == nil)
        #expect(try assembler.add(Frame(.continuation, [])) == .text("ü"))
        #expect(try assembler.add(Frame(.binary, [1, 2, 3, 4], isFinal: false)) == nil)
        #expect(throws: WebSocketFault.violation(code: 1009, cause: "a message has more than 6 bytes")) {
            try assembler.add(Frame(.continuation, [5, 6, 7]))
        }
    }

    @Test func `a long close reason is cut at a character`() throws {
        let payload: [UInt8] = CloseReason(code: 1000, reason: String(repeating: "ü", count: 100)).payload
        #expect(payload.count == 124)
        #expect(try CloseReason(payload: payload).reason == String(repeating: "ü", count: 61))
        #expect(try CloseReason(payload: []).code == 1005)
        #expect(CloseReason(code: 1005).payload == [])
    }

    @Test(arguments: 0..<20)
    func `random bytes never crash and are read alike however they are cut`(seed: UInt64) {
        var state: UInt64 = seed
        func random() -> UInt8 {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return UInt8(truncatingIfNeeded: state >> 33)
        }
        for round in 0..<200 {
            var bytes: [UInt8] = (0..<60).map { _ in random() }
            if round % 2 == 0 { bytes = Self.refused[Int(random()) % Self.refused.count].bytes + bytes }
            if round % 3 == 0 { bytes[0] &= 0x8F; bytes[1] &= 0x1F }
            for role in [WebSocketRole.client, .server] {
                #expect(decode(bytes, role: role, step: 1) == decode(bytes, role: role, step: 60))
            }
        }
    }
}
