@testable import HTTP2

/// Frames as a client writes them (RFC 9113, section 4.1), right or wrong.
enum Frames {
    static let preface: [UInt8] = Array("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".utf8)
    /// What every client begins with.
    static let hello: [UInt8] = preface + frame(4, 0, 0, [])

    static func frame(_ type: UInt8, _ flags: UInt8, _ stream: UInt32, _ payload: [UInt8]) -> [UInt8] {
        let length: Int = payload.count
        return [UInt8(length >> 16 & 255), UInt8(length >> 8 & 255), UInt8(length & 255), type, flags] + number(stream)
            + payload
    }

    static func number(_ value: UInt32) -> [UInt8] {
        [UInt8(value >> 24), UInt8(value >> 16 & 255), UInt8(value >> 8 & 255), UInt8(value & 255)]
    }

    /// Fields as literals that the table does not keep (RFC 7541, section 6.2.2).
    static func literals(_ fields: [(String, String)]) -> [UInt8] {
        fields.flatMap { name, value in [0] + text(name) + text(value) }
    }

    /// A literal that the table keeps (RFC 7541, section 6.2.1).
    static func kept(_ name: String, _ value: String) -> [UInt8] { [0x40] + text(name) + text(value) }

    private static func text(_ text: String) -> [UInt8] { integer(text.utf8.count) + Array(text.utf8) }

    private static func integer(_ value: Int) -> [UInt8] {
        guard value >= 127 else { return [UInt8(value)] }
        var rest: Int = value - 127
        var bytes: [UInt8] = [127]
        while rest >= 128 {
            bytes.append(UInt8(rest & 127 | 128))
            rest >>= 7
        }
        return bytes + [UInt8(rest)]
    }

    static let get: [(String, String)] = [
        (":method", "GET"), (":scheme", "https"), (":path", "/"), (":authority", "a.test"),
    ]

    static func headers(_ stream: UInt32, _ fields: [(String, String)] = get, ends: Bool = true) -> [UInt8] {
        frame(1, ends ? 5 : 4, stream, literals(fields))
    }

    static func data(_ stream: UInt32, _ bytes: [UInt8], ends: Bool = false) -> [UInt8] {
        frame(0, ends ? 1 : 0, stream, bytes)
    }

    static func reset(_ stream: UInt32) -> [UInt8] { frame(3, 0, stream, number(8)) }
    static func ping() -> [UInt8] { frame(6, 0, 0, [UInt8](repeating: 1, count: 8)) }
    static func window(_ stream: UInt32, _ more: UInt32) -> [UInt8] { frame(8, 0, stream, number(more)) }
}

/// A frame that a server sent.
struct SentFrame: Equatable {
    var type: UInt8
    var flags: UInt8
    var stream: UInt32
    var payload: [UInt8]

    static func all(in bytes: [UInt8]) -> [SentFrame] {
        var frames: [SentFrame] = []
        var rest: ArraySlice<UInt8> = bytes[...]
        while rest.count >= 9 {
            let head: [UInt8] = Array(rest.prefix(9))
            let length: Int = Int(head[0]) << 16 | Int(head[1]) << 8 | Int(head[2])
            let payload: [UInt8] = Array(rest.dropFirst(9).prefix(length))
            frames.append(
                SentFrame(type: head[3], flags: head[4], stream: value(head[5..<9]) & 0x7FFF_FFFF, payload: payload)
            )
            rest = rest.dropFirst(9 + length)
        }
        return frames
    }

    static func value(_ bytes: ArraySlice<UInt8>) -> UInt32 { bytes.reduce(0) { $0 << 8 | UInt32($1) } }

    var isSettings: Bool { type == 4 && flags == 0 }
    /// The code of a RST_STREAM.
    var resetCode: UInt32? { type == 3 ? Self.value(payload[0..<4]) : nil }
    /// The code of a GOAWAY.
    var goAwayCode: UInt32? { type == 7 ? Self.value(payload[4..<8]) : nil }
    /// The settings by their numbers.
    var settings: [UInt32: UInt32] {
        var found: [UInt32: UInt32] = [:]
        for start in stride(from: 0, to: payload.count - 5, by: 6) {
            found[Self.value(payload[start..<start + 2])] = Self.value(payload[start + 2..<start + 6])
        }
        return found
    }
}

extension HTTP2Session {
    /// The frames that it sends in answer to nothing more than what it has.
    func sent() throws -> [SentFrame] {
        var frames: [SentFrame] = []
        while case let bytes = try takeOutput(upTo: 1 << 20), !bytes.isEmpty { frames += SentFrame.all(in: bytes) }
        return frames
    }
}

extension HTTP2Event {
    /// The event as a line, for comparing.
    var line: String {
        switch self {
        case .head(let stream, let head, let isWhole):
            let fields: [String] = head.block.fields.map {
                "\(String(decoding: head.block.name($0), as: UTF8.self))=\(String(decoding: head.block.value($0), as: UTF8.self))"
            }
            return "\(stream) head \(fields.joined(separator: " ")) \(head.excess.map { "\($0)" } ?? "-") \(isWhole)"
        case .data(let stream, let bytes): return "\(stream) data \(String(decoding: bytes, as: UTF8.self))"
        case .end(let stream): return "\(stream) end"
        case .drained(let stream): return "\(stream) drained"
        case .answeredEarly(let stream): return "\(stream) answered early"
        case .closed(let stream, let code): return "\(stream) closed \(code.rawValue)"
        }
    }
}
