import HostAgentCore
import HostProtocol
import JSON
import Testing

struct ConvergeTests {
    /// A bench whose instance `a` runs under generation 1.
    private func running() -> Bench {
        var bench: Bench = .connected()
        bench.sync(1, [spec("a")])
        bench.finish(.pull, .done)
        bench.finish(.create, .container(container("a", .created)))
        bench.finish(.start(externalID: "c-a"), .container(container("a", .running)))
        return bench
    }

    @Test func `a wanted instance is pulled, created and started, and each step is told`() {
        let bench: Bench = running()
        #expect(bench.observations.map(\.condition) == [.pulling, .creating, .starting, .running])
        #expect(bench.last("a")?.startCount == 1)
        #expect(bench.last("a")?.externalID == "c-a")
        #expect(bench.operations.isEmpty)
    }

    @Test func `what runs as wanted is left alone and nothing is written`() {
        var bench: Bench = running()
        let writes: Int = bench.writes
        let sent: Int = bench.sent.count
        bench.sync(1, [spec("a")])
        bench.sync(2, [spec("a")])
        bench.input(.inventory([container("a", .running)]))
        #expect(bench.operations.isEmpty)
        #expect(bench.writes == writes)
        #expect(bench.sent.count == sent)
    }

    @Test func `a higher generation stops and starts what runs, once`() {
        var bench: Bench = running()
        bench.sync(2, [spec("a", generation: 2, revision: 2)])
        #expect(bench.last("a")?.condition == .stopping)
        #expect(bench.last("a")?.generation == 1)
        bench.finish(.stop(externalID: "c-a"), .container(container("a", .exited, exitCode: 143)))
        bench.finish(.start(externalID: "c-a"), .container(container("a", .running)))
        #expect(bench.last("a")?.generation == 2)
        #expect(bench.last("a")?.startCount == 2)
        #expect(bench.operations.isEmpty)
    }

    @Test func `what exited by itself is told and not started again under the same order`() {
        var bench: Bench = running()
        bench.input(.containerChanged(uuid: "a"))
        bench.finish(.inspect, .container(container("a", .exited, exitCode: 3)))
        #expect(bench.last("a")?.condition == .stopped)
        #expect(bench.last("a")?.exitCode == 3)
        #expect(bench.last("a")?.message == "exited with code 3")
        #expect(bench.operations.isEmpty)
        bench.sync(5, [spec("a", generation: 2, revision: 5)])
        #expect(bench.operations.map(\.kind) == [.start(externalID: "c-a")])
    }

    @Test func `what somebody else removed is told as gone and made again for a new order only`() {
        var bench: Bench = running()
        bench.input(.inventory([]))
        #expect(bench.last("a")?.condition == .gone)
        #expect(bench.operations.isEmpty)
        bench.sync(5, [spec("a", generation: 2, revision: 5)])
        #expect(bench.operations.map(\.kind) == [.pull])
    }

    @Test func `a stop order stops`() {
        var bench: Bench = running()
        bench.sync(2, [spec("a", .stopped, revision: 2)])
        bench.finish(.stop(externalID: "c-a"), .container(container("a", .exited, exitCode: 0)))
        #expect(bench.last("a")?.condition == .stopped)
        #expect(bench.operations.isEmpty)
    }

    @Test func `an instance that is to be stopped from the start is not made`() {
        var bench: Bench = .connected()
        bench.sync(1, [spec("a", .stopped)])
        #expect(bench.operations.isEmpty)
        #expect(bench.last("a")?.condition == .gone)
    }

    @Test func `a failed step is an error with its message and is tried again for a new order only`() {
        var bench: Bench = .connected()
        bench.sync(1, [spec("a")])
        bench.finish(.pull, .failed(OperationFailure("no such image")))
        bench.finish(.inspect, .container(nil))
        #expect(bench.last("a")?.condition == .error)
        #expect(bench.last("a")?.message == "no such image")
        #expect(bench.last("a")?.generation == 1)
        bench.input(.tick(milliseconds: 14_000))
        bench.sync(1, [spec("a")])
        #expect(bench.operations.isEmpty)
        bench.sync(2, [spec("a", generation: 2, revision: 2)])
        #expect(bench.operations.map(\.kind) == [.pull])
    }

    @Test func `a runtime out of reach is tried again by itself, with growing waits`() {
        var bench: Bench = .connected()
        bench.sync(1, [spec("a")])
        var now: Int64 = 0
        for wait in [1_000, 2_000, 4_000] as [Int64] {
            bench.finish(.pull, .failed(OperationFailure("the engine does not answer", isTransient: true)))
            bench.finish(.inspect, .container(nil))
            #expect(bench.last("a")?.condition == .pulling)
            #expect(bench.last("a")?.message == "the engine does not answer")
            bench.receive(.ping, FrameStamp(incarnation: "aa", epoch: 1, revision: 1))
            bench.input(.tick(milliseconds: now + wait - 1))
            #expect(bench.operations.isEmpty)
            now += wait
            bench.input(.tick(milliseconds: now))
        }
        bench.finish(.pull, .done)
        #expect(bench.operations.map(\.kind) == [.create])
    }

    @Test func `a start that fails for a reason that passes is made later, also of what ran before`() {
        var bench: Bench = running()
        bench.sync(2, [spec("a", generation: 2, revision: 2)])
        bench.finish(.stop(externalID: "c-a"), .container(container("a", .exited, exitCode: 0)))
        bench.finish(.start(externalID: "c-a"), .failed(OperationFailure("no engine", isTransient: true)))
        bench.finish(.inspect, .container(container("a", .exited, exitCode: 0)))
        #expect(bench.operations.isEmpty)
        #expect(bench.last("a")?.condition == .starting)
        bench.input(.tick(milliseconds: 1_000))
        #expect(bench.operations.map(\.kind) == [.start(externalID: "c-a")])
    }

    @Test func `a start again that fails for the moment is tried again, and counts once it is running`() {
        var bench: Bench = .connected([container("a", .exited, exitCode: 1)])
        bench.sync(1, [spec("a", generation: 2)])
        bench.sync(2, [spec("a", generation: 3, revision: 2)])
        bench.finish(.start(externalID: "c-a"), .failed(OperationFailure("the engine is busy", isTransient: true)))
        bench.finish(.inspect, .container(container("a", .exited, exitCode: 1)))
        #expect(bench.operations.isEmpty)
        #expect(bench.last("a")?.condition == .starting)
        bench.input(.tick(milliseconds: 1_000))
        bench.finish(.start(externalID: "c-a"), .container(container("a", .running)))
        #expect(bench.last("a")?.condition == .running)
        #expect(bench.last("a")?.generation == 3)
        // What ends by itself later is not started without an order.
        bench.input(.containerChanged(uuid: "a"))
        bench.finish(.inspect, .container(container("a", .exited, exitCode: 0)))
        #expect(bench.operations.isEmpty)
        #expect(bench.last("a")?.condition == .stopped)
    }

    @Test func `what ran once for a start that seemed to fail is told as stopped, and not run twice`() {
        let once: JSONObject = ["io.rancher.container.start_once": "true"]
        var bench: Bench = .connected([container("a", .created)])
        bench.sync(1, [spec("a", labels: once)])
        bench.finish(.start(externalID: "c-a"), .failed(OperationFailure("the engine is busy", isTransient: true)))
        bench.finish(.inspect, .container(container("a", .exited, exitCode: 0)))
        bench.input(.tick(milliseconds: 1_000))
        #expect(bench.operations.isEmpty)
        #expect(bench.last("a")?.condition == .stopped)
        #expect(bench.last("a")?.exitCode == 0)
    }

    @Test func `a stop is tried again whatever the runtime says`() {
        var bench: Bench = .connected([container("a", .running)])
        bench.sync(1, [spec("a", .stopped)])
        bench.finish(.stop(externalID: "c-a"), .failed(OperationFailure("no")))
        bench.finish(.inspect, .container(container("a", .running)))
        #expect(bench.last("a")?.condition == .stopping)
        bench.input(.tick(milliseconds: 1_000))
        bench.finish(.stop(externalID: "c-a"), .container(container("a", .exited, exitCode: 0)))
        #expect(bench.last("a")?.condition == .stopped)
    }

    @Test func `an order that changes while an operation runs is carried out after it`() {
        var bench: Bench = .connected()
        bench.sync(1, [spec("a")])
        bench.sync(2, [], tombstones: [tombstone("a", revision: 2)])
        #expect(bench.operations.map(\.kind) == [.pull])
        bench.finish(.pull, .done)
        #expect(bench.operations.isEmpty)
        #expect(bench.last("a")?.condition == .gone)
    }

    @Test func `no more operations run at once than the bounds say`() {
        var bench: Bench = .connected()
        bench.sync(1, (0..<100).map { spec("i\($0)") })
        #expect(bench.operations.count == 4)
        var most: Int = 0
        for _ in 0..<2_000 {
            guard let operation: Operation = bench.operations.first else { break }
            most = max(most, bench.operations.count)
            bench.operations.removeFirst()
            switch operation.kind {
            case .pull: bench.input(.finished(operation, .done))
            case .create: bench.input(.finished(operation, .container(container(operation.uuid, .created))))
            default: bench.input(.finished(operation, .container(container(operation.uuid, .running))))
            }
        }
        #expect(bench.operations.isEmpty)
        #expect(most <= 20)
        #expect((0..<100).allSatisfy { bench.last("i\($0)")?.condition == .running })
    }

    @Test func `an inventory taken before an operation ended does not undo what came of it`() {
        var bench: Bench = .connected()
        bench.sync(1, [spec("a")])
        bench.finish(.pull, .done)
        bench.input(.eventsInterrupted)
        bench.finish(.create, .container(container("a", .created)))
        bench.input(.inventory([]))
        #expect(bench.operations.map(\.kind) == [.start(externalID: "c-a")])
    }

    @Test func `a removal waits until somebody has looked for a container whose making failed`() {
        var bench: Bench = .connected()
        bench.sync(1, [spec("a")])
        bench.finish(.pull, .done)
        bench.finish(.create, .failed(OperationFailure("no answer", isTransient: true)))
        bench.finish(.inspect, .failed(OperationFailure("no answer", isTransient: true)))
        bench.sync(2, [], tombstones: [tombstone("a", revision: 2)])
        #expect(!bench.notes.contains(.removed(uuid: "a")))
        // It was made all the same.
        bench.input(.tick(milliseconds: 5_000))
        bench.input(.inventory([container("a", .created)]))
        bench.finish(.remove(externalID: "c-a"), .container(nil))
        #expect(bench.notes.contains(.removed(uuid: "a")))
    }

    @Test func `a removal is done when a look finds nothing of what could not be made`() {
        var bench: Bench = .connected()
        bench.sync(1, [spec("a")])
        bench.finish(.pull, .done)
        bench.finish(.create, .failed(OperationFailure("no answer", isTransient: true)))
        bench.finish(.inspect, .failed(OperationFailure("no answer", isTransient: true)))
        bench.sync(2, [], tombstones: [tombstone("a", revision: 2)])
        bench.input(.tick(milliseconds: 5_000))
        bench.input(.inventory([]))
        #expect(bench.notes.contains(.removed(uuid: "a")))
        #expect(bench.operations.isEmpty)
    }
}
