internal import Bytes
internal import Limits

/// What stands around every message between members.
///
/// Shape (little-endian): length of the body 4 · CRC-32C of the body 4 · CRC-32C of those eight bytes 4 · the body.
/// With a checksum of its own the head can be believed, so a damaged body is skipped and the next frame is found.
package enum WireFrame {
    package static let headBytes: Int = 12
    /// Where the head will stand.
    private static let space = [UInt8](repeating: 0, count: headBytes)

    /// Appends a frame whose body `write` adds.
    static func append(to writer: inout ByteWriter, _ write: (inout ByteWriter) -> Void) {
        let start: Int = writer.bytes.count
        writer.raw(space)
        write(&writer)
        let length: Int = writer.bytes.count - start - headBytes
        precondition(length <= Limits.raftFrameBytes, "a frame of \(length) bytes is more than a peer reads")
        put(UInt32(length), at: start, in: &writer)
        put(CRC32C.checksum(writer.bytes[(start + headBytes)...]), at: start + 4, in: &writer)
        put(CRC32C.checksum(writer.bytes[start..<start + 8]), at: start + 8, in: &writer)
    }

    package static func encoded(_ body: [UInt8]) -> [UInt8] {
        var writer = ByteWriter(reservingCapacity: headBytes + body.count)
        append(to: &writer) { $0.raw(body) }
        return writer.bytes
    }

    private static func put(_ value: UInt32, at offset: Int, in writer: inout ByteWriter) {
        for place in 0..<4 { writer.bytes[offset + place] = UInt8(truncatingIfNeeded: value >> UInt32(8 * place)) }
    }
}

/// Finds frames in a stream of bytes that nobody vouches for.
package struct WireFrameReader: Sendable {
    package enum Found: Equatable, Sendable {
        case body([UInt8])
        /// The body did not arrive as it was sent; the stream goes on behind it.
        case damagedBody
        /// The end of the frame is not known: the stream is of no use any more.
        case damagedHead
        case tooLong(bytes: Int)
    }

    private var buffer: [UInt8] = []
    private var start: Int = 0

    package init() {}

    package mutating func append(_ bytes: [UInt8]) {
        if start == buffer.count {
            buffer = bytes
            start = 0
        } else {
            buffer.append(contentsOf: bytes)
        }
    }

    /// The next frame, or nil when more bytes are needed.
    package mutating func next() -> Found? {
        guard buffer.count - start >= WireFrame.headBytes else { return nil }
        let head: ArraySlice<UInt8> = buffer[start..<start + WireFrame.headBytes]
        var reader = ByteReader(head)
        guard let length = try? reader.u32(), let checksum = try? reader.u32(), let headChecksum = try? reader.u32(),
            CRC32C.checksum(head.prefix(8)) == headChecksum
        else { return .damagedHead }
        guard Int(length) <= Limits.raftFrameBytes else { return .tooLong(bytes: Int(length)) }
        let end: Int = start + WireFrame.headBytes + Int(length)
        guard buffer.count >= end else { return nil }
        let body = Array(buffer[(start + WireFrame.headBytes)..<end])
        start = end
        if start > 1 << 16 {
            buffer.removeFirst(start)
            start = 0
        }
        return CRC32C.checksum(body) == checksum ? .body(body) : .damagedBody
    }
}
