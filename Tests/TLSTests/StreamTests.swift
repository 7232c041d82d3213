import COpenSSL
import EventLoop
import Glibc
import Limits
import Synchronization
import TestSupport
import Testing

@testable import TLS

@Suite(.timeLimit(.minutes(2))) struct StreamTests {
    /// Random bytes that repeat with a length that fits no buffer: bytes in the wrong place are not those expected.
    static let block: [UInt8] = {
        var random = Seeded(1)
        return random.bytes(1_000_003)
    }()

    static func bytes(_ seed: Int, from start: Int, count: Int) -> ArraySlice<UInt8> {
        let place: Int = (start + seed * 77_777) % block.count
        return block[place..<min(place + count, block.count)]
    }

    /// Sends `count` bytes of a seed in pieces of random sizes.
    static func send(_ stream: TLSStream, seed: Int, count: Int, largest: Int) async throws {
        var sizes = Seeded(UInt64(seed))
        var sent: Int = 0
        while sent < count {
            let size: Int = min(count - sent, Int.random(in: 1...largest, using: &sizes))
            let piece: ArraySlice<UInt8> = bytes(seed, from: sent, count: size)
            try await stream.write(Array(piece), before: soon)
            sent += piece.count
        }
    }

    /// Reads until `count` bytes have come and expects them to be those of the seed.
    static func check(_ stream: TLSStream, seed: Int, count: Int) async throws {
        let buffer = ReadBuffer()
        var got: Int = 0
        var isEqual: Bool = true
        while got < count, isEqual {
            guard try await stream.read(into: buffer, before: soon) > 0 else { break }
            while !buffer.isEmpty, isEqual {
                let wanted: ArraySlice<UInt8> = bytes(seed, from: got, count: min(buffer.count, count - got))
                if wanted.isEmpty { break }
                let piece: [UInt8] = buffer.take(upTo: wanted.count)
                isEqual = piece.withUnsafeBytes { piece in
                    wanted.withUnsafeBytes { wanted in
                        guard let left = piece.baseAddress, let right = wanted.baseAddress else { return false }
                        return memcmp(left, right, piece.count) == 0
                    }
                }
                got += piece.count
            }
        }
        #expect(isEqual && got == count && buffer.isEmpty, "\(got) of \(count) bytes of \(seed)")
    }

    private func bothWays(
        count: Int,
        largest: Int,
        wrap: (any ByteStream) -> any ByteStream = { $0 }
    ) async throws {
        try await withLoops { loops in
            let (accepted, connected): (TLSStream, TLSStream) = try await tlsPair(loops, wrap: wrap)
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask(executorPreference: accepted.loop) {
                    try await Self.send(accepted, seed: 1, count: count, largest: largest)
                }
                group.addTask(executorPreference: connected.loop) {
                    try await Self.send(connected, seed: 2, count: count, largest: largest)
                }
                group.addTask(executorPreference: accepted.loop) {
                    try await Self.check(accepted, seed: 2, count: count)
                }
                // The fourth from a thread that is no loop's.
                group.addTask { try await Self.check(connected, seed: 1, count: count) }
                try await group.waitForAll()
            }
        }
    }

    @Test func `50 MB both ways at once arrive as they were sent`() async throws {
        try await bothWays(count: 50_000_000, largest: 300_000)
    }

    @Test(arguments: [1, 7, 100, 5_000, 20_000])
    func `the network may cut as it likes`(largest: Int) async throws {
        let seed = Mutex<UInt64>(0)
        // One write of the stream is many of the connection: few enough for its deadline on a busy machine, too.
        try await bothWays(count: largest * 400 + 3_000, largest: min(3_000, largest * 200)) { base in
            let seed: UInt64 = seed.withLock { seed in
                seed += 1
                return seed
            }
            return ChoppyStream(base, largest: largest, seed: seed)
        }
    }

    @Test func `keys may change at any time while both sides talk`() async throws {
        try await withLoops { loops in
            let (accepted, connected): (TLSStream, TLSStream) = try await tlsPair(loops)
            let count: Int = 4_000_000
            try await withThrowingTaskGroup(of: Void.self) { group in
                for (stream, seed): (TLSStream, Int) in [(accepted, 1), (connected, 2)] {
                    group.addTask {
                        var sent: Int = 0
                        for round in 0..<1_000 where sent < count {
                            let piece: ArraySlice<UInt8> = Self.bytes(seed, from: sent, count: min(8_000, count - sent))
                            try await stream.write(Array(piece), before: soon)
                            sent += piece.count
                            // No other use of the session: this side's reader may run, so the stream's own lock is needed.
                            if round % 5 == 0 { stream.changeKeys() }
                        }
                    }
                }
                group.addTask { try await Self.check(accepted, seed: 2, count: count) }
                group.addTask { try await Self.check(connected, seed: 1, count: count) }
                try await group.waitForAll()
            }
        }
    }

    @Test func `a peer that changes its keys without end is cut off`() async throws {
        try await withLoops { loops in
            let (accepted, connected): (TLSStream, TLSStream) = try await tlsPair(loops)
            let reading = Task { await fault { _ = try await readAll(accepted) } }
            let writing = Task {
                await fault {
                    for _ in 0..<20_000 {
                        connected.changeKeys()
                        try await connected.write([1], before: soon)
                    }
                }
            }
            #expect((await reading.value as? TLSFault)?.reason == .protocolError)
            accepted.close()
            connected.close()
            _ = await writing.value
        }
    }

    @Test func `64 KiB are written in one go and read in few`() async throws {
        try await withLoops { loops in
            let counters = Mutex<[CountingStream]>([])
            let (accepted, connected): (TLSStream, TLSStream) = try await tlsPair(loops) { base in
                let counter = CountingStream(base)
                counters.withLock { $0.append(counter) }
                return counter
            }
            let server: CountingStream = counters.withLock { $0[0] }
            let client: CountingStream = counters.withLock { $0[1] }
            client.writes.withLock { $0 = [] }
            let bytes: [UInt8] = Array(repeating: 7, count: 64 * 1024)
            try await connected.write(bytes, before: soon)
            #expect(client.writes.withLock { $0 } == [64 * 1024 + 4 * 22])
            let before: Int = server.reads.withLock { $0 }
            #expect(try await readAll(accepted, bytes.count) == bytes)
            #expect(server.reads.withLock { $0 } - before < 40)
        }
    }

    // MARK: The end

    @Test func `a clean end is an end; the other direction goes on`() async throws {
        try await withLoops { loops in
            let (accepted, connected): (TLSStream, TLSStream) = try await tlsPair(loops)
            try await connected.write([1, 2], before: soon)
            await connected.finishWriting()
            await connected.finishWriting()
            #expect(try await readAll(accepted) == [1, 2])
            #expect(try await accepted.read(upTo: 5, before: soon).isEmpty)
            try await accepted.waitForPeerClose()
            try await accepted.write([3], before: soon)
            #expect(try await connected.read(upTo: 5, before: soon) == [3])
            let error: (any Error)? = await fault { try await connected.write([4], before: soon) }
            #expect(error as? NetworkFault == .closed)
            await accepted.finishWriting()
            #expect(try await connected.read(upTo: 5, before: soon).isEmpty)
        }
    }

    @Test func `a connection that was cut is no end`() async throws {
        try await withLoops { loops in
            let (accepted, connected): (TLSStream, TLSStream) = try await tlsPair(loops)
            try await connected.write([1, 2], before: soon)
            await connected.base.finishWriting()
            #expect(try await readAll(accepted, 2) == [1, 2])
            for _ in 0..<2 {
                let error: (any Error)? = await fault { _ = try await accepted.read(upTo: 1, before: soon) }
                guard case .system("read from", _, ECONNRESET) = error as? NetworkFault else {
                    Issue.record("\(String(describing: error))")
                    return
                }
            }
            accepted.close()
        }
    }

    @Test func `altered bytes are an error on this side, and an alert on the other`() async throws {
        try await withLoops { loops in
            let (accepted, connected): (TLSStream, TLSStream) = try await tlsPair(loops)
            try await connected.base.write(
                [0x17, 0x03, 0x03, 0x00, 0x20] + Array(repeating: 1, count: 32),
                before: soon
            )
            let error: (any Error)? = await fault { _ = try await accepted.read(upTo: 1, before: soon) }
            #expect((error as? TLSFault)?.reason == .protocolError)
            accepted.close()
            let told: (any Error)? = await fault { _ = try await connected.read(upTo: 1, before: soon) }
            #expect((told as? TLSFault)?.reason == .refusedByPeer, "\(String(describing: told))")
        }
    }

    @Test func `closing ends what waits, and is clean for the peer`() async throws {
        try await withLoops { loops in
            let (accepted, connected): (TLSStream, TLSStream) = try await tlsPair(loops)
            let reading = Task { await fault { _ = try await accepted.read(upTo: 1, before: soon) } }
            let waiting = Task { await fault { try await connected.waitForPeerClose() } }
            try await loops.all[0].sleep(milliseconds: 5)
            accepted.close()
            accepted.close()
            #expect(await reading.value as? NetworkFault == .closed)
            #expect(await waiting.value == nil)
            #expect(try await connected.read(upTo: 1, before: soon).isEmpty)
            for operation in 0..<3 {
                let error: (any Error)? = await fault {
                    if operation == 0 { _ = try await accepted.read(upTo: 1, before: soon) }
                    if operation == 1 { _ = try await accepted.read(into: ReadBuffer(), before: soon) }
                    if operation == 2 { try await accepted.write([1], before: soon) }
                }
                #expect(error as? NetworkFault == .closed)
            }
        }
    }

    // MARK: Waiting

    @Test func `a quiet connection is quiet until something has come`() async throws {
        try await withLoops { loops in
            let (accepted, connected): (TLSStream, TLSStream) = try await tlsPair(loops)
            #expect(await accepted.isQuiet())
            #expect(await connected.isQuiet())
            try await accepted.write([1, 2], before: soon)
            #expect(await eventually { await !connected.isQuiet() })
            #expect(try await connected.read(upTo: 1, before: soon) == [1])
            #expect(await !connected.isQuiet())
            #expect(try await connected.read(upTo: 1, before: soon) == [2])
            #expect(await connected.isQuiet())
            accepted.close()
            #expect(await eventually { await !connected.isQuiet() })
        }
    }

    @Test func `what comes before the peer's close stays to be read`() async throws {
        try await withLoops { loops in
            let (accepted, connected): (TLSStream, TLSStream) = try await tlsPair(loops)
            try await connected.write([1, 2, 3], before: soon)
            connected.close()
            try await accepted.waitForPeerClose()
            #expect(try await readAll(accepted) == [1, 2, 3])
        }
    }

    @Test func `a deadline or a cancellation ends a read, and nothing is lost`() async throws {
        try await withLoops { loops in
            let (accepted, connected): (TLSStream, TLSStream) = try await tlsPair(loops)
            for _ in 0..<3 {
                let late: (any Error)? = await fault {
                    _ = try await accepted.read(upTo: 1, before: .after(milliseconds: 1))
                }
                guard case .timedOut = late as? NetworkFault else {
                    Issue.record("\(String(describing: late))")
                    return
                }
                let reading = Task { await fault { _ = try await accepted.read(upTo: 1, before: soon) } }
                try await loops.all[0].sleep(milliseconds: 2)
                reading.cancel()
                #expect(await reading.value is CancellationError)
            }
            try await connected.write([1, 2, 3], before: soon)
            #expect(try await readAll(accepted, 3) == [1, 2, 3])
        }
    }

    @Test func `a write that broke off is the last one`() async throws {
        try await withLoops { loops in
            let (accepted, connected): (TLSStream, TLSStream) = try await tlsPair(loops)
            let flood: [UInt8] = Array(repeating: 1, count: 64 * 1024 * 1024)
            let late: (any Error)? = await fault { try await connected.write(flood, before: .after(milliseconds: 20)) }
            guard case .timedOut = late as? NetworkFault else {
                Issue.record("\(String(describing: late))")
                return
            }
            let error: (any Error)? = await fault { try await connected.write([1], before: soon) }
            #expect(error as? NetworkFault == .closed)
            // Reading is not concerned.
            try await accepted.write([5], before: soon)
            #expect(try await connected.read(upTo: 1, before: soon) == [5])
            connected.close()
            // What did arrive is followed by a cut, not by an end.
            let cut: (any Error)? = await fault {
                while try await !accepted.read(upTo: 65_536, before: soon).isEmpty {}
            }
            #expect(cut is NetworkFault)
        }
    }

    @Test func `streams that nobody holds are gone, even after a cancelled read`() async throws {
        try await withLoops { loops in
            final class Watch: Sendable {
                let streams = Mutex<[WeakStream]>([])
            }
            struct WeakStream: Sendable { weak let stream: TLSStream? }
            let watch = Watch()
            for _ in 0..<20 {
                let (accepted, connected): (TLSStream, TLSStream) = try await tlsPair(loops)
                watch.streams.withLock { $0 += [WeakStream(stream: accepted), WeakStream(stream: connected)] }
                let reading = Task { _ = try? await accepted.read(upTo: 1, before: soon) }
                try await loops.all[0].sleep(milliseconds: 1)
                reading.cancel()
                await reading.value
                accepted.close()
            }
            #expect(await eventually { watch.streams.withLock { $0.allSatisfy { $0.stream == nil } } })
        }
    }
}
