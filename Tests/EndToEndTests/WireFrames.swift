import EventLoop

/// Frames of HTTP/2 as a client may write them, right or wrong (RFC 9113, section 4.1), with fields as plain literals (RFC 7541,
/// section 6.2.2).
enum WireFrames {
    /// What every client begins with.
    static let hello: [UInt8] = Array("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".utf8) + frame(4, 0, 0, [])

    static func frame(_ type: UInt8, _ flags: UInt8, _ stream: UInt32, _ payload: [UInt8]) -> [UInt8] {
        let length: Int = payload.count
        return [UInt8(length >> 16 & 255), UInt8(length >> 8 & 255), UInt8(length & 255), type, flags]
            + (0..<4).map { UInt8(stream >> (24 - 8 * UInt32($0)) & 255) } + payload
    }

    static func headers(_ fields: [(String, String)], stream: UInt32 = 1, ends: Bool = true) -> [UInt8] {
        let block: [UInt8] = literals(fields)
        guard block.count > 16_000 else { return frame(1, ends ? 5 : 4, stream, block) }
        // What does not fit goes on in CONTINUATION frames.
        var bytes: [UInt8] = frame(1, ends ? 1 : 0, stream, Array(block[..<16_000]))
        var start: Int = 16_000
        while start < block.count {
            let end: Int = min(block.count, start + 16_000)
            bytes += frame(9, end == block.count ? 4 : 0, stream, Array(block[start..<end]))
            start = end
        }
        return bytes
    }

    static func data(_ text: String, stream: UInt32 = 1, ends: Bool = true) -> [UInt8] {
        frame(0, ends ? 1 : 0, stream, Array(text.utf8))
    }

    static func literals(_ fields: [(String, String)]) -> [UInt8] {
        fields.flatMap { name, value in [0] + text(name) + text(value) }
    }

    private static func text(_ text: String) -> [UInt8] {
        // Each scalar is one byte, so that a row can say any byte.
        let bytes: [UInt8] = text.unicodeScalars.map { UInt8(truncatingIfNeeded: $0.value) }
        guard bytes.count >= 127 else { return [UInt8(bytes.count)] + bytes }
        var (rest, length): (Int, [UInt8]) = (bytes.count - 127, [127])
        while rest >= 128 {
            length.append(UInt8(rest & 127 | 128))
            rest >>= 7
        }
        return length + [UInt8(rest)] + bytes
    }

    /// What a server made of stream 1.
    enum Outcome: Equatable {
        case served
        /// With another status than 200.
        case answered
        case reset(UInt32)
        /// The connection ended first, with this code or none.
        case ended(UInt32?)
    }

    /// Sends what comes behind the greeting and returns what becomes of stream 1.
    static func exchange(_ bytes: [UInt8], on stream: any ByteStream, before deadline: Deadline) async -> Outcome {
        // The server may refuse, and close, before all is sent.
        try? await stream.write(hello + bytes, before: deadline)
        var (received, status): ([UInt8], UInt8?) = ([], nil)
        while let piece: [UInt8] = try? await stream.read(upTo: 64 * 1024, before: deadline), !piece.isEmpty {
            received += piece
            while let (type, flags, number, payload) = next(&received) {
                switch type {
                case 1 where number == 1: status = payload.first
                case 3 where number == 1: return .reset(value(payload[0..<4]))
                case 7: return .ended(value(payload[4..<8]))
                default: break
                }
                // `:status: 200` is the eighth entry of the static table.
                if number == 1, type <= 1, flags & 1 != 0 { return status == 0x88 ? .served : .answered }
            }
        }
        return .ended(nil)
    }

    private static func next(_ bytes: inout [UInt8]) -> (UInt8, UInt8, UInt32, [UInt8])? {
        guard bytes.count >= 9 else { return nil }
        let length: Int = Int(value([0] + bytes[0..<3]))
        guard bytes.count >= 9 + length else { return nil }
        defer { bytes.removeFirst(9 + length) }
        return (bytes[3], bytes[4], value(bytes[5..<9]) & 0x7FFF_FFFF, Array(bytes[9..<9 + length]))
    }

    private static func value(_ bytes: some Sequence<UInt8>) -> UInt32 { bytes.reduce(0) { $0 << 8 | UInt32($1) } }
}
