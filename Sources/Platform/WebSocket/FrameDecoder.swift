package import EventLoop

/// Which end of a WebSocket this is: clients mask what they send, servers do not.
package enum WebSocketRole: Sendable {
    case client
    case server
}

/// Frames out of bytes (RFC 6455, section 5).
///
/// Pure.
package struct FrameDecoder: Sendable {
    private let role: WebSocketRole
    private let limit: Int

    /// `limit` is the largest payload of a frame.
    package init(role: WebSocketRole, limit: Int) {
        self.role = role
        self.limit = limit
    }

    /// The next whole frame, or nil when more bytes are needed.
    ///
    /// - Throws: ``WebSocketFault/violation(code:cause:)``.
    package func next(_ buffer: ReadBuffer) throws(WebSocketFault) -> Frame? {
        guard buffer.count >= 2 else { return nil }
        let bytes: [UInt8] = buffer.storage
        let start: Int = buffer.start
        let (first, second): (UInt8, UInt8) = (bytes[start], bytes[start + 1])
        guard first & 0x70 == 0 else { throw .violation(code: 1002, cause: "a reserved bit is set") }
        guard let opcode = Frame.Opcode(rawValue: first & 0x0F) else {
            throw .violation(code: 1002, cause: "unknown opcode \(first & 0x0F)")
        }
        let isFinal: Bool = first & 0x80 != 0
        let isMasked: Bool = second & 0x80 != 0
        guard isMasked == (role == .server) else {
            throw .violation(
                code: 1002,
                cause: isMasked ? "a server's frame is masked" : "a client's frame is not masked"
            )
        }
        let short = Int(second & 0x7F)
        if opcode.isControl {
            guard isFinal else { throw .violation(code: 1002, cause: "a control frame is fragmented") }
            guard short < 126 else { throw .violation(code: 1002, cause: "a control frame has more than 125 bytes") }
        }
        let lengthBytes: Int = short < 126 ? 0 : short == 126 ? 2 : 8
        guard buffer.count >= 2 + lengthBytes else { return nil }
        let length: Int = try Self.length(short, bytes[(start + 2)..<(start + 2 + lengthBytes)])
        guard length <= limit else { throw .violation(code: 1009, cause: "a message has more than \(limit) bytes") }

        let header: Int = 2 + lengthBytes + (isMasked ? 4 : 0)
        guard buffer.count >= header + length else { return nil }
        var payload: [UInt8] = Array(bytes[(start + header)..<(start + header + length)])
        if isMasked {
            let key: UInt32 = bytes[(start + header - 4)..<(start + header)].reduce(0) { $0 << 8 | UInt32($1) }
            Frame.mask(&payload, from: 0, with: key)
        }
        buffer.consume(header + length)
        return Frame(opcode, payload, isFinal: isFinal)
    }

    private static func length(_ short: Int, _ extended: ArraySlice<UInt8>) throws(WebSocketFault) -> Int {
        guard short >= 126 else { return short }
        let value: UInt64 = extended.reduce(0) { $0 << 8 | UInt64($1) }
        guard value >= (short == 126 ? 126 : 65_536), value <= UInt64(Int64.max) else {
            throw .violation(code: 1002, cause: "a length is not written in its shortest form")
        }
        return Int(value)
    }
}
