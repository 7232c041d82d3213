internal import Glibc

/// Bytes that were received and not yet used, in one array that is kept for the life of a connection.
///
/// What was used is cut off at the front (``consume(_:)``), what is received is added at the end. Parsers look
/// at `storage` between `start` and `end` in place.
package final class ReadBuffer {
    package private(set) var storage: [UInt8]
    package private(set) var start: Int = 0
    package private(set) var end: Int = 0
    /// Whether its space stays while nothing comes, as whoever reads often wants it; else ``rest()`` gives it back.
    package var keepsSpace: Bool = true
    /// How much space the next read is offered.
    private var step: Int = ReadBuffer.smallest

    private static let smallest: Int = 4 * 1024
    private static let largestStep: Int = 64 * 1024

    /// An empty buffer; storage is made when the first byte comes.
    package init() {
        storage = []
    }

    package init(_ bytes: [UInt8]) {
        storage = bytes
        end = bytes.count
    }

    package var count: Int { end - start }
    package var isEmpty: Bool { start == end }

    /// Called before a wait for bytes that may be long.
    package func rest() {
        guard !keepsSpace, isEmpty, !storage.isEmpty else { return }
        storage = []
        step = Self.smallest
    }

    /// Removes `count` bytes at the front.
    package func consume(_ count: Int) {
        precondition(count >= 0 && count <= end - start, "consumed \(count) of \(end - start) bytes")
        start += count
        if start == end {
            start = 0
            end = 0
        }
    }

    /// Removes and returns up to `limit` bytes at the front.
    package func take(upTo limit: Int = .max) -> [UInt8] {
        let count: Int = min(limit, end - start)
        let bytes: [UInt8] = Array(storage[start..<start + count])
        consume(count)
        return bytes
    }

    /// Whether exactly these bytes stand `offset` bytes behind the front.
    package func holds(_ bytes: [UInt8], at offset: Int = 0) -> Bool {
        guard offset + bytes.count <= count else { return false }
        return storage.withUnsafeBytes { stored in
            bytes.withUnsafeBytes { wanted in
                guard let stored: UnsafeRawPointer = stored.baseAddress,
                    let wanted: UnsafeRawPointer = wanted.baseAddress
                else { return true }
                return memcmp(stored + start + offset, wanted, bytes.count) == 0
            }
        }
    }

    package func append(_ bytes: some Collection<UInt8>) {
        makeRoom(bytes.count)
        storage.replaceSubrange(end..<end + bytes.count, with: bytes)
        end += bytes.count
    }

    /// Lets `body` write into the free space and say how many bytes it wrote (negative: none).
    ///
    /// Returns what `body` returned, and whether it filled all the space it was offered.
    package func fill(_ body: (UnsafeMutableRawBufferPointer) -> Int) -> (count: Int, filledUp: Bool) {
        makeRoom(step)
        let offered: Int = storage.count - end
        let position: Int = end
        let count: Int = storage.withUnsafeMutableBytes {
            body(UnsafeMutableRawBufferPointer(rebasing: $0[position...]))
        }
        if count > 0 { end += count }
        // A sender that fills the space has more to say: offer twice as much the next time.
        if count == offered { step = min(step * 2, Self.largestStep) }
        return (count, count == offered)
    }

    private func makeRoom(_ needed: Int) {
        if storage.count - end >= needed { return }
        if start > 0 {
            storage.replaceSubrange(0..<end - start, with: Array(storage[start..<end]))
            end -= start
            start = 0
        }
        let missing: Int = needed - (storage.count - end)
        if missing > 0 { storage.append(contentsOf: repeatElement(0, count: max(missing, storage.count))) }
    }
}
