internal import Glibc

/// Bytes that were received and not yet used, in one array that is kept for the life of a connection.
///
/// What was used is cut off at the front (``consume(_:)``), what is received is added at the end. Parsers look
/// at `storage` between `start` and `end` in place.
package final class ReadBuffer {
    // What other modules can reach only through computed properties is known not to be accessed twice at once, so that no access
    // has to be looked at while the program runs.
    private var space: [UInt8]
    private var front: Int = 0
    private var back: Int = 0

    package var storage: [UInt8] { space }
    package var start: Int { front }
    package var end: Int { back }
    /// Whether its space stays while nothing comes, as whoever reads often wants it; else ``rest()`` gives it back.
    package var keepsSpace: Bool = true
    /// How much space the next read is offered.
    private var step: Int = ReadBuffer.smallest

    private static let smallest: Int = 4 * 1024
    private static let largestStep: Int = 64 * 1024

    /// An empty buffer; storage is made when the first byte comes.
    package init() {
        space = []
    }

    package init(_ bytes: [UInt8]) {
        space = bytes
        back = bytes.count
    }

    package var count: Int { back - front }
    package var isEmpty: Bool { front == back }

    /// Called before a wait for bytes that may be long.
    package func rest() {
        guard !keepsSpace, isEmpty, !space.isEmpty else { return }
        space = []
        step = Self.smallest
    }

    /// Removes `count` bytes at the front.
    package func consume(_ count: Int) {
        precondition(count >= 0 && count <= back - front, "consumed \(count) of \(back - front) bytes")
        front += count
        if front == back {
            front = 0
            back = 0
        }
    }

    /// Removes and returns up to `limit` bytes at the front.
    package func take(upTo limit: Int = .max) -> [UInt8] {
        let count: Int = min(limit, back - front)
        let bytes: [UInt8] = Array(space[front..<front + count])
        consume(count)
        return bytes
    }

    /// Whether exactly these bytes stand `offset` bytes behind the front.
    package func holds(_ bytes: [UInt8], at offset: Int = 0) -> Bool {
        guard offset + bytes.count <= count else { return false }
        return space.withUnsafeBytes { stored in
            bytes.withUnsafeBytes { wanted in
                guard let stored: UnsafeRawPointer = stored.baseAddress,
                    let wanted: UnsafeRawPointer = wanted.baseAddress
                else { return true }
                return memcmp(stored + front + offset, wanted, bytes.count) == 0
            }
        }
    }

    package func append(_ bytes: some Collection<UInt8>) {
        makeRoom(bytes.count)
        space.replaceSubrange(back..<back + bytes.count, with: bytes)
        back += bytes.count
    }

    /// Lets `body` write into the free space and say how many bytes it wrote (negative: none).
    ///
    /// Returns what `body` returned, and whether it filled all the space it was offered.
    package func fill(_ body: (UnsafeMutableRawBufferPointer) -> Int) -> (count: Int, filledUp: Bool) {
        makeRoom(step)
        let offered: Int = space.count - back
        let position: Int = back
        let count: Int = space.withUnsafeMutableBytes {
            body(UnsafeMutableRawBufferPointer(rebasing: $0[position...]))
        }
        if count > 0 { back += count }
        // A sender that fills the space has more to say: offer twice as much the next time.
        if count == offered { step = min(step * 2, Self.largestStep) }
        return (count, count == offered)
    }

    private func makeRoom(_ needed: Int) {
        if space.count - back >= needed { return }
        if front > 0 {
            space.replaceSubrange(0..<back - front, with: Array(space[front..<back]))
            back -= front
            front = 0
        }
        let missing: Int = needed - (space.count - back)
        if missing > 0 { space.append(contentsOf: repeatElement(0, count: max(missing, space.count))) }
    }
}
