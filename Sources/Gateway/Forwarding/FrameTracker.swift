/// Follows the frames of a WebSocket (RFC 6455, section 5.2) in bytes that pass by, without looking at what they say.
///
/// Tells when a frame may be put between two others, and whether a close frame has passed.
struct FrameTracker: Sendable {
    private var head: [UInt8] = []
    /// Bytes of the present frame that are still to come, its head not counted.
    private var left: UInt64 = 0
    private(set) var sawClose: Bool = false

    /// Nothing of a frame is under way.
    var isBetweenFrames: Bool { head.isEmpty && left == 0 }

    mutating func pass(_ bytes: [UInt8]) {
        var position: Int = 0
        while position < bytes.count {
            if left > 0 {
                let count = Int(min(left, UInt64(bytes.count - position)))
                position += count
                left -= UInt64(count)
                continue
            }
            head.append(bytes[position])
            position += 1
            guard let length: UInt64 = payloadLength else { continue }
            if head[0] & 0x0F == 8 { sawClose = true }
            left = length
            head.removeAll(keepingCapacity: true)
        }
    }

    /// What follows the head, once that is complete.
    private var payloadLength: UInt64? {
        guard head.count >= 2 else { return nil }
        let short: UInt8 = head[1] & 0x7F
        let lengthBytes: Int = short == 127 ? 8 : short == 126 ? 2 : 0
        let maskBytes: Int = head[1] & 0x80 == 0 ? 0 : 4
        guard head.count == 2 + lengthBytes + maskBytes else { return nil }
        guard lengthBytes > 0 else { return UInt64(short) }
        return head[2..<2 + lengthBytes].reduce(0) { $0 << 8 | UInt64($1) }
    }
}
