import HostAgentCore
import HostProtocol
import JSON
import Testing

struct RestartTests {
    private func running(labels: JSONObject = [:]) -> Bench {
        var bench: Bench = .connected()
        bench.sync(1, [spec("a", labels: labels)])
        bench.finish(.pull, .done)
        bench.finish(.create, .container(container("a", .created)))
        bench.finish(.start(externalID: "c-a"), .container(container("a", .running)))
        return bench
    }

    @Test func `an agent that starts again leaves alone what runs`() {
        var bench: Bench = running()
        bench.restart([container("a", .running)])
        #expect(bench.operations.isEmpty)
    }

    @Test func `with no server in reach, what ran when the host went down is started, once`() {
        var bench: Bench = running()
        bench.restart([container("a", .exited, exitCode: 137)])
        #expect(bench.operations.map(\.kind) == [.start(externalID: "c-a")])
        bench.finish(.start(externalID: "c-a"), .container(container("a", .running)))
        bench.input(.inventory([container("a", .exited, exitCode: 1)]))
        #expect(bench.operations.isEmpty)
    }

    @Test func `what was seen to end before is not started when the agent starts`() {
        var bench: Bench = running()
        bench.input(.containerChanged(uuid: "a"))
        bench.finish(.inspect, .container(container("a", .exited, exitCode: 0)))
        bench.restart([container("a", .exited, exitCode: 0)])
        #expect(bench.operations.isEmpty)
    }

    @Test func `what is to run once is not started when the agent starts`() {
        var bench: Bench = running(labels: ["io.rancher.container.start_once": "true"])
        bench.restart([container("a", .exited, exitCode: 0)])
        #expect(bench.operations.isEmpty)
        bench.connect(FrameStamp(incarnation: "aa", epoch: 1, revision: 1))
        #expect(bench.last("a")?.condition == .stopped)
    }

    @Test func `an orphan that ran when the host went down is started, too`() {
        var bench: Bench = running()
        bench.sync(2, [])
        bench.restart([container("a", .exited)])
        #expect(bench.operations.map(\.kind) == [.start(externalID: "c-a")])
    }

    @Test func `what is about to be started again is not told as stopped`() {
        let before: Bench = running()
        var bench = Bench(orders: before.disk.orders, starts: before.disk.starts)
        bench.input(.began(milliseconds: 0))
        bench.connect(FrameStamp(incarnation: "aa", epoch: 1, revision: 1))
        bench.input(.containerChanged(uuid: "a"))
        bench.input(.inventory([container("a", .exited, exitCode: 1)]))
        #expect(bench.operations.map(\.kind) == [.inspect])
        #expect(bench.last("a")?.condition == .starting)
        bench.finish(.inspect, .container(container("a", .exited, exitCode: 1)))
        #expect(bench.operations.map(\.kind) == [.start(externalID: "c-a")])
    }

    @Test func `a start that failed and worked all the same is told as running, also under a new incarnation`() {
        var bench: Bench = running()
        bench.connect(FrameStamp(incarnation: "bb", epoch: 1, revision: 0))
        bench.restart([container("a", .exited)])
        bench.finish(.start(externalID: "c-a"), .failed(OperationFailure("the engine is busy", isTransient: true)))
        bench.finish(.inspect, .container(container("a", .running)))
        bench.connect(FrameStamp(incarnation: "bb", epoch: 1, revision: 0))
        bench.sync(5, [spec("a", revision: 5)], incarnation: "bb")
        #expect(bench.operations.isEmpty)
        #expect(bench.last("a")?.condition == .running)
    }

    @Test func `a crash between the ledger and the start starts it once`() {
        var bench: Bench = .connected()
        bench.sync(1, [spec("a")])
        bench.finish(.pull, .done)
        bench.finish(.create, .container(container("a", .created)))
        bench.restart([container("a", .created)])
        #expect(bench.operations.map(\.kind) == [.start(externalID: "c-a")])
    }

    @Test func `with its memory lost, an agent keeps what runs and waits for orders`() {
        var bench: Bench = .connected([container("a", .running), container("b", .exited)])
        bench.sync(9, [spec("a", generation: 4, revision: 9), spec("b", generation: 4, revision: 9)])
        #expect(bench.operations.isEmpty)
        #expect(bench.last("a")?.generation == 4)
        #expect(bench.last("b")?.condition == .stopped)
        bench.sync(10, [spec("a", generation: 4, revision: 9), spec("b", generation: 5, revision: 10)])
        #expect(bench.operations.map(\.kind) == [.start(externalID: "c-b")])
    }

    @Test func `a second container for one instance is kept and told about until the tombstone`() {
        var twin: RuntimeContainer = container("a", .exited)
        twin.externalID = "twin"
        var bench: Bench = .connected([twin, container("a", .running)])
        bench.sync(1, [spec("a")])
        #expect(bench.operations.isEmpty)
        #expect(bench.orphans?.map(\.externalID) == ["twin"])
        bench.sync(2, [], tombstones: [tombstone("a", revision: 2)])
        bench.finish(.stop(externalID: "c-a"), .container(container("a", .exited)))
        bench.finish(.remove(externalID: "c-a"), .container(nil))
        bench.finish(.remove(externalID: "twin"), .container(nil))
        #expect(bench.last("a")?.condition == .gone)
    }
}
