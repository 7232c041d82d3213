import EventLoop
import TestSupport
import Testing

/// An actor whose thread is a loop.
actor Pinned {
    nonisolated let loop: EventLoop
    private var count: Int = 0

    init(_ loop: EventLoop) { self.loop = loop }

    nonisolated var unownedExecutor: UnownedSerialExecutor { loop.asUnownedSerialExecutor() }

    func visit() async -> (Bool, Int) {
        count += 1
        await Task.yield()
        return (loop.isCurrent, count)
    }
}

@Suite struct LoopTests {
    @Test func `a task that prefers a loop stays on its thread`() async throws {
        try await withLoops { (loops: Loops) async throws in
            let loop: EventLoop = loops.all[0]
            let stayed: [Bool] = await Task(executorPreference: loop) {
                var seen: [Bool] = [loop.isCurrent]
                try? await loop.sleep(milliseconds: 1)
                seen.append(loop.isCurrent)
                await Task.yield()
                seen.append(loop.isCurrent)
                async let child: Bool = loop.isCurrent
                seen.append(await child)
                return seen
            }.value
            #expect(stayed == [true, true, true, true])
            #expect(!loop.isCurrent)
        }
    }

    @Test func `an actor can be pinned to a loop`() async throws {
        try await withLoops(1) { (loops: Loops) async throws in
            let pinned = Pinned(loops.all[0])
            for round in 1...100 {
                let (current, count): (Bool, Int) = await pinned.visit()
                #expect(current && count == round)
            }
        }
    }

    @Test func `sleeps end in the order of their deadlines`() async throws {
        try await withLoops(1) { (loops: Loops) async throws in
            let loop: EventLoop = loops.all[0]
            let order: [Int] = try await loop.run {
                try await withThrowingTaskGroup(of: Int.self) { group in
                    for delay in [40, 1, 20, 10, 30] {
                        group.addTask {
                            try await loop.sleep(milliseconds: delay)
                            return delay
                        }
                    }
                    return try await group.reduce(into: []) { $0.append($1) }
                }
            }
            #expect(order == [1, 10, 20, 30, 40])
        }
    }

    @Test func `a cancelled sleep ends at once`() async throws {
        try await withLoops(1) { (loops: Loops) async throws in
            let loop: EventLoop = loops.all[0]
            let sleeper = Task(executorPreference: loop) { try await loop.sleep(milliseconds: 3_600_000) }
            let early = Task(executorPreference: loop) {
                withUnsafeCurrentTask { $0?.cancel() }
                try await loop.sleep(milliseconds: 3_600_000)
            }
            sleeper.cancel()
            #expect(await fault { try await sleeper.value } is CancellationError)
            #expect(await fault { try await early.value } is CancellationError)
        }
    }

    @Test func `work from many threads arrives whole and in each thread's order`() async throws {
        try await withLoops(1) { (loops: Loops) async throws in
            let loop: EventLoop = loops.all[0]
            let seen = Shared<[Int: [Int]]>([:])
            await withTaskGroup(of: Void.self) { group in
                for sender in 0..<8 {
                    group.addTask {
                        for number in 0..<500 {
                            loop.execute { seen.change { $0[sender, default: []].append(number) } }
                        }
                    }
                }
            }
            #expect(await eventually { seen.value.count == 8 && seen.value.values.allSatisfy { $0.count == 500 } })
            #expect(seen.value.values.allSatisfy { $0 == Array(0..<500) })
        }
    }

    @Test(arguments: [(0, 1_000), (1, 1_000), (499, 1_000), (500, 1_000), (501, 2_000), (999, 2_000), (1_000, 2_000)])
    func `the next multiple of a second is half of one to one and a half away`(now: UInt64, next: UInt64) {
        let deadline: Deadline = .multiple(of: 1_000, after: now * 1_000_000)
        #expect(deadline.nanoseconds == next * 1_000_000)
    }

    @Test func `whoever looks now and then wakes with the others`() async throws {
        try await withLoops(1) { (loops: Loops) async throws in
            let loop: EventLoop = loops.all[0]
            for _ in 0..<3 {
                let before: UInt64 = MonotonicClock.now
                try await loop.sleep(toMultipleOf: 20)
                let after: UInt64 = MonotonicClock.now
                #expect(after / 20_000_000 > before / 20_000_000)
                #expect(after - before >= 10_000_000)
            }
        }
    }

    @Test func `stopping ends what waits and loses no task`() async throws {
        let loops: Loops = try .start(count: 1)
        let loop: EventLoop = loops.all[0]
        let (left, right): (SocketStream, SocketStream) = try await connectedPair(loops)
        let reader = Task(executorPreference: loop) { try await left.read(upTo: 10, before: .never) }
        let sleeper = Task(executorPreference: loop) { try await loop.sleep(milliseconds: 3_600_000) }
        try await loop.sleep(milliseconds: 5)  // both tasks wait by now: they came first
        await loops.stop()
        #expect(await fault { _ = try await reader.value } != nil)
        #expect(await fault { _ = try await sleeper.value } != nil)
        #expect(await fault { try await right.write([1], before: soon) } != nil)
        #expect(await fault { try await loop.sleep(milliseconds: 1) } as? NetworkFault == .loopStopped)
        await loops.stop()
    }
}
