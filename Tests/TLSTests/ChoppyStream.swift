import EventLoop
import Synchronization
import TestSupport

/// A connection that hands over what comes, and sends what goes, in pieces of other sizes: as a network may.
final class ChoppyStream: ByteStream {
    let base: any ByteStream
    private let largest: Int
    private let random: Mutex<Seeded>
    /// What was read from the base at once, and given out in pieces.
    private let kept = Mutex<[UInt8]>([])

    init(_ base: any ByteStream, largest: Int, seed: UInt64) {
        self.base = base
        self.largest = largest
        random = Mutex(Seeded(seed))
    }

    var loop: EventLoop { base.loop }
    var local: Endpoint { base.local }
    var peer: Endpoint { base.peer }

    private var size: Int { random.withLock { Int.random(in: 1...largest, using: &$0) } }

    func read(into buffer: ReadBuffer, before deadline: Deadline) async throws -> Int {
        let bytes: [UInt8] = try await read(upTo: size, before: deadline)
        buffer.append(bytes)
        return bytes.count
    }

    func read(upTo limit: Int, before deadline: Deadline) async throws -> [UInt8] {
        let size: Int = min(limit, size)
        if kept.withLock({ $0.isEmpty }) {
            let more: [UInt8] = try await base.read(upTo: 65_536, before: deadline)
            kept.withLock { $0 = more }
        }
        return kept.withLock { kept in
            let piece: [UInt8] = Array(kept.prefix(size))
            kept.removeFirst(piece.count)
            return piece
        }
    }

    func write(_ bytes: [UInt8], before deadline: Deadline) async throws {
        var start: Int = 0
        while start < bytes.count {
            let end: Int = min(bytes.count, start + size)
            try await base.write(Array(bytes[start..<end]), before: deadline)
            start = end
        }
    }

    func finishWriting() async { await base.finishWriting() }

    func isQuiet() async -> Bool {
        guard kept.withLock({ $0.isEmpty }) else { return false }
        return await base.isQuiet()
    }

    func waitForPeerClose() async throws { try await base.waitForPeerClose() }

    func close() { base.close() }
}

/// A connection that counts what goes through it.
final class CountingStream: ByteStream {
    let base: any ByteStream
    let writes = Mutex<[Int]>([])
    let reads = Mutex<Int>(0)

    init(_ base: any ByteStream) { self.base = base }

    var loop: EventLoop { base.loop }
    var local: Endpoint { base.local }
    var peer: Endpoint { base.peer }

    func read(into buffer: ReadBuffer, before deadline: Deadline) async throws -> Int {
        reads.withLock { $0 += 1 }
        return try await base.read(into: buffer, before: deadline)
    }

    func read(upTo limit: Int, before deadline: Deadline) async throws -> [UInt8] {
        reads.withLock { $0 += 1 }
        return try await base.read(upTo: limit, before: deadline)
    }

    func write(_ bytes: [UInt8], before deadline: Deadline) async throws {
        writes.withLock { $0.append(bytes.count) }
        try await base.write(bytes, before: deadline)
    }

    func finishWriting() async { await base.finishWriting() }
    func isQuiet() async -> Bool { await base.isQuiet() }
    func waitForPeerClose() async throws { try await base.waitForPeerClose() }
    func close() { base.close() }
}
