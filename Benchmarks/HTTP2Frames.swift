/// Frames of HTTP/2 (RFC 9113, section 4) and as much of header compression (RFC 7541) as a client of gRPC needs.
///
/// Of the answers' headers nothing is decoded: a call that went well has a message, one that did not has none.
package enum HTTP2 {
    package enum Kind {
        package static let data: UInt8 = 0
        package static let headers: UInt8 = 1
        package static let reset: UInt8 = 3
        package static let settings: UInt8 = 4
        package static let ping: UInt8 = 6
        package static let goAway: UInt8 = 7
        package static let windowUpdate: UInt8 = 8
    }

    package enum Flag {
        package static let endStream: UInt8 = 0x1
        package static let acknowledgement: UInt8 = 0x1
        package static let endHeaders: UInt8 = 0x4
        package static let padded: UInt8 = 0x8
    }

    package static let headBytes: Int = 9
    /// What each side may send before it is told more, on a stream and on the connection.
    package static let firstWindow: Int = 65_535

    /// The nine bytes before each frame.
    package struct Head: Equatable {
        package var length: Int
        package var kind: UInt8
        package var flags: UInt8
        package var stream: UInt32

        /// Nil while there are too few bytes.
        package init?(_ bytes: ArraySlice<UInt8>) {
            guard bytes.count >= HTTP2.headBytes else { return nil }
            let at: Int = bytes.startIndex
            length = Int(bytes[at]) << 16 | Int(bytes[at + 1]) << 8 | Int(bytes[at + 2])
            kind = bytes[at + 3]
            flags = bytes[at + 4]
            stream = HTTP2.number(bytes[(at + 5)..<(at + 9)]) & 0x7FFF_FFFF
        }
    }

    package static func append(
        _ kind: UInt8,
        flags: UInt8 = 0,
        stream: UInt32 = 0,
        _ payload: [UInt8],
        to bytes: inout [UInt8]
    ) {
        bytes.append(UInt8(truncatingIfNeeded: payload.count >> 16))
        bytes.append(UInt8(truncatingIfNeeded: payload.count >> 8))
        bytes.append(UInt8(truncatingIfNeeded: payload.count))
        bytes.append(kind)
        bytes.append(flags)
        append(stream, to: &bytes)
        bytes.append(contentsOf: payload)
    }

    /// What a client says first: the preface, no pushes, and large windows for what the server sends.
    package static func opening(window: Int) -> [UInt8] {
        var bytes: [UInt8] = Array("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".utf8)
        var settings: [UInt8] = [0, 2, 0, 0, 0, 0, 0, 4]  // ENABLE_PUSH 0, INITIAL_WINDOW_SIZE …
        append(UInt32(window), to: &settings)
        append(Kind.settings, settings, to: &bytes)
        append(Kind.windowUpdate, increment(window - firstWindow), to: &bytes)
        return bytes
    }

    package static func increment(_ count: Int) -> [UInt8] {
        var bytes: [UInt8] = []
        append(UInt32(count), to: &bytes)
        return bytes
    }

    /// The headers of a gRPC call, as the first request of a connection has them: they enter the server's table.
    package static func firstHeaders(path: String, authority: String) -> [UInt8] {
        // Indexed :method POST and :scheme https; then, with incremental indexing, :path, :authority, content-type, te.
        var bytes: [UInt8] = [0x83, 0x87]
        bytes.append(0x44)
        append(text: path, to: &bytes)
        bytes.append(0x41)
        append(text: authority, to: &bytes)
        bytes.append(0x5F)
        append(text: "application/grpc", to: &bytes)
        bytes.append(0x40)
        append(text: "te", to: &bytes)
        append(text: "trailers", to: &bytes)
        return bytes
    }

    /// The same headers on every later request: six references to the tables.
    package static let laterHeaders: [UInt8] = [0x83, 0x87, 0x80 | 65, 0x80 | 64, 0x80 | 63, 0x80 | 62]

    /// A message as gRPC frames it: not compressed, with its length.
    package static func message(_ bytes: [UInt8]) -> [UInt8] {
        var framed: [UInt8] = [0]
        append(UInt32(bytes.count), to: &framed)
        framed.append(contentsOf: bytes)
        return framed
    }

    /// The first whole message at the front of what a stream has brought, and how many bytes it took with its frame.
    package static func message(in bytes: ArraySlice<UInt8>) -> (message: ArraySlice<UInt8>, length: Int)? {
        guard bytes.count >= 5 else { return nil }
        let start: Int = bytes.startIndex
        let length = Int(number(bytes[(start + 1)..<(start + 5)]))
        guard bytes.count >= 5 + length else { return nil }
        return (bytes[(start + 5)..<(start + 5 + length)], 5 + length)
    }

    package static func number(_ bytes: ArraySlice<UInt8>) -> UInt32 {
        bytes.reduce(0) { $0 << 8 | UInt32($1) }
    }

    private static func append(_ number: UInt32, to bytes: inout [UInt8]) {
        for shift in [24, 16, 8, 0] { bytes.append(UInt8(truncatingIfNeeded: number >> UInt32(shift))) }
    }

    /// Not Huffman-coded; all of these are shorter than 127 bytes.
    private static func append(text: String, to bytes: inout [UInt8]) {
        precondition(text.utf8.count < 127, "a header of a benchmark is short")
        bytes.append(UInt8(text.utf8.count))
        bytes.append(contentsOf: text.utf8)
    }
}
