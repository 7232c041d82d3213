import EventLoop
import RaftCore
import RaftTransport
import Synchronization
import TestSupport
import Testing

@Suite(.timeLimit(.minutes(2))) struct CallTests {
    private func withEnds(
        _ handler: @escaping RaftTransport.CallHandler,
        _ body: (Network, Loops, End, End) async throws -> Void
    ) async throws {
        let loops: Loops = try .start(count: 2)
        let network = Network()
        let one = End(1, network, loops)
        let two = End(2, network, loops)
        two.transport.onCall = handler
        try one.start([1, 2])
        try two.start([1, 2])
        // Who is dialed before it listens is tried again a moment later, and calls fail meanwhile.
        #expect(await eventually { one.transport.status().first?.isConnected == true })
        try await body(network, loops, one, two)
        await one.stop()
        await two.stop()
        await loops.stop()
    }

    private func fault(_ work: () async throws(CallFault) -> [UInt8]) async -> CallFault? {
        do throws(CallFault) {
            _ = try await work()
            return nil
        } catch {
            return error
        }
    }

    @Test func `many calls run at once and each gets its own answer`() async throws {
        try await withEnds({ member, bytes in [UInt8(member.number)] + bytes.reversed() }) { _, _, one, two in
            let wrong: Int = await withTaskGroup(of: Bool.self) { tasks in
                for number in 0..<300 {
                    tasks.addTask {
                        let request: [UInt8] = [UInt8(number % 256), UInt8(number / 256), 9]
                        let answer = try? await one.transport.call(two.id, request, before: .after(seconds: 20))
                        return answer == [1] + request.reversed()
                    }
                }
                var wrong: Int = 0
                for await isRight in tasks where !isRight { wrong += 1 }
                return wrong
            }
            #expect(wrong == 0)
        }
    }

    @Test func `a broken connection leaves the outcome of what was sent unknown`() async throws {
        let arrived = Atomic<Int>(0)
        try await withEnds({ _, _ in
            arrived.wrappingAdd(1, ordering: .relaxed)
            try? await Task.sleep(for: .seconds(60))
            return []
        }) { _, _, one, two in
            async let first: CallFault? = fault { () throws(CallFault) in
                try await one.transport.call(two.id, [1], before: .after(seconds: 30))
            }
            #expect(await eventually { arrived.load(ordering: .relaxed) == 1 })
            await two.stop()
            #expect(await first == .unknown(.connectionLost))
            // Nobody is there any more: what never left says so.
            let second: CallFault? = await fault { () throws(CallFault) in
                try await one.transport.call(two.id, [2], before: .after(seconds: 30))
            }
            guard case .notSent = second else {
                Issue.record("\(String(describing: second))")
                return
            }
        }
    }

    @Test func `deadlines and cancellation end a call, and the work over there`() async throws {
        let ended = Atomic<Int>(0)
        let arrived = Atomic<Int>(0)
        try await withEnds({ _, _ in
            arrived.wrappingAdd(1, ordering: .relaxed)
            try? await Task.sleep(for: .seconds(60))
            ended.wrappingAdd(1, ordering: .relaxed)
            return []
        }) { _, _, one, two in
            let late: CallFault? = await fault { () throws(CallFault) in
                try await one.transport.call(two.id, [1], before: .after(milliseconds: 1_500))
            }
            #expect(late?.cause == .timedOut)
            let before: Int = arrived.load(ordering: .relaxed)
            let task = Task { [self] in
                await fault { () throws(CallFault) in
                    try await one.transport.call(two.id, [1], before: .after(seconds: 50))
                }
            }
            #expect(await eventually { arrived.load(ordering: .relaxed) > before })
            task.cancel()
            #expect(await task.value == .unknown(.cancelled))
            #expect(await eventually { ended.load(ordering: .relaxed) == arrived.load(ordering: .relaxed) })
        }
    }

    @Test func `a member of another group gets no answer`() async throws {
        let loops: Loops = try .start(count: 1)
        let network = Network()
        let one = End(1, network, loops, group: GroupIdentity(cluster: 8, incarnation: 8))
        let two = End(2, network, loops)
        two.transport.onCall = { _, _ in [1] }
        try one.start([1, 2])
        try two.start([1, 2])
        #expect(await eventually { one.transport.status().first?.isConnected == true })
        let refused: CallFault? = await fault { () throws(CallFault) in
            try await one.transport.call(two.id, [1], before: .after(seconds: 20))
        }
        #expect(refused == .notSent(.refused))
        #expect(two.dropped("foreign_group"))
        let absent: CallFault? = await fault { () throws(CallFault) in
            try await one.transport.call(MemberID(77), [1], before: .after(seconds: 20))
        }
        #expect(absent == .notSent(.noMember))
        let large: CallFault? = await fault { () throws(CallFault) in
            try await one.transport.call(two.id, [UInt8](repeating: 0, count: 4 << 20), before: .after(seconds: 20))
        }
        guard case .notSent(.tooLarge) = large else {
            Issue.record("\(String(describing: large))")
            return
        }
        await one.stop()
        await two.stop()
        await loops.stop()
    }
}
