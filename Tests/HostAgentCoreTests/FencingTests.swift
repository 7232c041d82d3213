import HostAgentCore
import HostProtocol
import Testing

struct FencingTests {
    private func stamp(_ incarnation: String, _ epoch: UInt64, _ revision: UInt64) -> FrameStamp {
        FrameStamp(incarnation: incarnation, epoch: epoch, revision: revision)
    }

    /// Adopted `aa`, epoch 5, revision 50, one running container `a`.
    private func bench() -> Bench {
        var bench = Bench()
        bench.input(.began(milliseconds: 0))
        bench.input(.inventory([container("a", .running)]))
        bench.connect(stamp("aa", 5, 50))
        bench.sync(50, [spec("a")], epoch: 5)
        return bench
    }

    @Test func `frames from the past or from elsewhere change nothing, whatever they say`() {
        for (incarnation, epoch, revision) in [
            ("aa", 4, 900), ("aa", 5, 49), ("aa", 6, 49), ("bb", 9, 900), ("", 9, 900),
        ] {
            var bench: Bench = self.bench()
            let before: DesiredSet = bench.core.orders
            let notes: Int = bench.notes.count
            let sent: Int = bench.sent.count
            let old: FrameStamp = stamp(incarnation, UInt64(epoch), UInt64(revision))
            bench.receive(
                .sync(Sync(isFull: true, instances: [], tombstones: [tombstone("a", revision: 900)])),
                old
            )
            bench.receive(.ping, old)
            bench.receive(.logs(LogsRequest(stream: 1, uuid: "a", follow: false)), old)
            #expect(bench.core.orders == before)
            #expect(bench.operations.isEmpty)
            #expect(bench.sent.count == sent)
            #expect(bench.logs.isEmpty)
            #expect(bench.notes.count == notes + 3)
        }
    }

    @Test func `an epoch that was only seen in a ping still fences, also after a restart`() {
        var bench: Bench = self.bench()
        bench.receive(.ping, stamp("aa", 6, 50))
        bench.restart([container("a", .running)])
        bench.input(.streamOpened(Bench.facts))
        bench.receive(.welcome(Welcome(hostID: "1h1", hostNumber: 1, pingSeconds: 5)), stamp("aa", 5, 60))
        #expect(bench.closings.count == 1)
        bench.connect(stamp("aa", 6, 60))
        bench.sync(61, [], tombstones: [tombstone("a", revision: 61)], epoch: 5)
        #expect(bench.operations.isEmpty)
    }

    @Test func `nothing is taken before the welcome, and a stream is welcomed once`() {
        var bench: Bench = self.bench()
        bench.input(.streamClosed)
        bench.input(.streamOpened(Bench.facts))
        bench.sync(60, [], tombstones: [tombstone("a", revision: 60)], epoch: 5)
        #expect(bench.operations.isEmpty)
        bench.receive(.welcome(Welcome(hostID: "1h1", hostNumber: 1, pingSeconds: 5)), stamp("aa", 5, 60))
        bench.receive(.welcome(Welcome(hostID: "1h1", hostNumber: 1, pingSeconds: 5)), stamp("bb", 9, 60))
        #expect(bench.core.orders.incarnation == "aa")
    }

    @Test func `a host that has heard a later incarnation never goes back, also after a restart, and loses nothing`() {
        var bench: Bench = self.bench()
        bench.connect(stamp("bb", 1, 5))
        #expect(bench.core.orders.incarnation == "bb" && bench.core.orders.left == ["aa"])
        for _ in 0..<2 {
            bench.restart([container("a", .running)])
            bench.input(.streamOpened(Bench.facts))
            let closings: Int = bench.closings.count
            bench.receive(.welcome(Welcome(hostID: "1h1", hostNumber: 1, pingSeconds: 5)), stamp("aa", 9, 900))
            #expect(bench.closings.count == closings + 1)
            bench.receive(
                .sync(Sync(isFull: true, instances: [], tombstones: [tombstone("a", revision: 900)])),
                stamp("aa", 9, 900)
            )
            #expect(bench.core.orders.incarnation == "bb" && bench.operations.isEmpty)
        }
        bench.connect(stamp("cc", 1, 1))
        #expect(bench.core.orders.left == ["aa", "bb"])
        bench.connect(stamp("bb", 9, 9_000))
        #expect(bench.core.orders.incarnation == "cc")
    }

    @Test func `the hello says what is held`() {
        var bench: Bench = self.bench()
        bench.input(.streamOpened(Bench.facts))
        #expect(
            bench.sent.last
                == .hello(Hello(facts: Bench.facts, knownIncarnation: "aa", knownEpoch: 5, knownRevision: 50))
        )
    }

    @Test func `absence is never an order: what a full sync does not name is kept as an orphan`() {
        var bench: Bench = self.bench()
        bench.sync(60, [], epoch: 5)
        #expect(bench.operations.isEmpty)
        #expect(bench.orphans == [Orphan(externalID: "c-a", name: "n-a", uuid: "a")])
        #expect(bench.notes.contains(.orphaned(uuid: "a", name: "n-a")))
        // Named again, it is an instance again, and was never restarted.
        bench.sync(61, [spec("a", revision: 61)], epoch: 5)
        #expect(bench.operations.isEmpty)
        #expect(bench.orphans == [])
        #expect(bench.last("a")?.condition == .running)
    }

    @Test func `a container of ours that no server named is kept and told about`() {
        let bench: Bench = .connected([container("x", .exited)])
        #expect(bench.orphans == [Orphan(externalID: "c-x", name: "n-x", uuid: "x")])
        #expect(bench.operations.isEmpty)
    }

    @Test func `a tombstone stops, removes, is told as gone, and the instance never comes back`() {
        var bench: Bench = self.bench()
        bench.sync(60, full: false, since: 50, [], tombstones: [tombstone("a", revision: 60)], epoch: 5)
        #expect(bench.disk.orders.tombstones["a"] != nil)
        #expect(bench.last("a")?.condition == .stopping)
        bench.finish(.stop(externalID: "c-a"), .container(container("a", .exited)))
        bench.finish(.remove(externalID: "c-a"), .container(nil))
        #expect(bench.last("a")?.condition == .gone)
        bench.sync(61, full: false, since: 60, [spec("a", revision: 59)], epoch: 5)
        #expect(bench.operations.isEmpty)
        // Told again, since the server says it again.
        let told: Int = bench.observations.count
        bench.sync(62, full: false, since: 61, [], tombstones: [tombstone("a", revision: 60)], epoch: 5)
        #expect(bench.observations.count == told + 1)
        #expect(bench.last("a")?.condition == .gone)
    }

    @Test func `a tombstone older than the order that is held removes nothing`() {
        var bench: Bench = self.bench()
        bench.sync(70, [spec("a", revision: 70)], epoch: 5)
        bench.sync(71, full: false, since: 70, [], tombstones: [tombstone("a", revision: 60)], epoch: 5)
        #expect(bench.operations.isEmpty)
        #expect(bench.core.orders.tombstones.isEmpty)
    }

    @Test func `a tombstone for what never was is told as gone`() {
        var bench: Bench = self.bench()
        bench.sync(60, full: false, since: 50, [], tombstones: [tombstone("z", revision: 60)], epoch: 5)
        #expect(bench.operations.isEmpty)
        #expect(bench.last("z")?.condition == .gone)
    }

    @Test func `a removal that fails is tried again, by force, without a new order`() {
        var bench: Bench = self.bench()
        bench.sync(60, full: false, since: 50, [], tombstones: [tombstone("a", revision: 60)], epoch: 5)
        bench.finish(.stop(externalID: "c-a"), .failed(OperationFailure("it does not stop")))
        bench.finish(.inspect, .container(container("a", .running)))
        #expect(bench.operations.isEmpty)
        #expect(bench.last("a")?.message == "it does not stop")
        bench.input(.tick(milliseconds: 1_000))
        #expect(bench.operations.map(\.kind) == [.remove(externalID: "c-a")])
    }

    @Test func `another incarnation takes over by its welcome: running containers stay, old orders to remove are void`()
    {
        var bench: Bench = self.bench()
        bench.sync(60, full: false, since: 50, [spec("b", revision: 60)], epoch: 5)
        bench.input(.streamClosed)
        bench.connect(stamp("bb", 1, 3))
        #expect(bench.notes.contains(.adopted(incarnation: "bb", instead: "aa")))
        bench.operations = []
        // A restored backup: lower epoch, revision and generation, and it does not know b.
        bench.sync(3, [spec("a", generation: 1, revision: 2)], epoch: 1, incarnation: "bb")
        #expect(bench.operations.isEmpty)
        #expect(bench.last("a")?.condition == .running)
        // Its next order counts, though the generation was used before.
        bench.sync(4, full: false, since: 3, [spec("a", generation: 2, revision: 4)], epoch: 1, incarnation: "bb")
        #expect(bench.operations.map(\.kind) == [.stop(externalID: "c-a")])
    }

    @Test func `orders to remove of the old incarnation are not carried out under the new one`() {
        var bench: Bench = self.bench()
        bench.sync(60, full: false, since: 50, [], tombstones: [tombstone("a", revision: 60)], epoch: 5)
        bench.finish(.stop(externalID: "c-a"), .failed(OperationFailure("busy")))
        bench.finish(.inspect, .container(container("a", .running)))
        bench.connect(stamp("bb", 1, 3))
        bench.input(.tick(milliseconds: 10_000))
        #expect(bench.operations.isEmpty)
        #expect(bench.orphans?.map(\.uuid) == ["a"])
    }

    @Test func `a delta with a gap before it is not taken: the agent asks again on a new stream`() {
        var bench: Bench = self.bench()
        bench.sync(70, full: false, since: 60, [spec("b", revision: 70)], epoch: 5)
        #expect(bench.closings.count == 1)
        #expect(bench.core.orders.instances["b"] == nil)
        #expect(bench.core.stamp.revision == 50)
    }

    @Test func `the parts of a sync count together, and only in order`() {
        var bench: Bench = self.bench()
        let at: FrameStamp = stamp("aa", 5, 60)
        bench.receive(.sync(Sync(isFull: true, part: 0, isLast: false, instances: [spec("a", revision: 60)])), at)
        #expect(bench.core.stamp.revision == 50)
        bench.receive(.sync(Sync(isFull: true, part: 1, isLast: true, instances: [spec("b", revision: 60)])), at)
        #expect(bench.core.stamp.revision == 60)
        #expect(bench.core.orders.instances.count == 2)
        bench.receive(
            .sync(Sync(isFull: true, part: 1, isLast: true, instances: [])),
            stamp("aa", 5, 61)
        )
        #expect(bench.closings.count == 1)
        #expect(bench.core.stamp.revision == 60)
    }

    @Test func `a silent server is left`() {
        var bench: Bench = self.bench()
        bench.input(.tick(milliseconds: 15_000))
        #expect(bench.closings.isEmpty)
        bench.input(.tick(milliseconds: 15_001))
        #expect(bench.closings.count == 1)
    }

    @Test func `logs are opened for a container that is there, and closed with the stream`() {
        var bench: Bench = self.bench()
        let at: FrameStamp = stamp("aa", 5, 50)
        bench.receive(.logs(LogsRequest(stream: 1, uuid: "a", follow: true)), at)
        bench.receive(.logs(LogsRequest(stream: 2, uuid: "none", follow: true)), at)
        #expect(bench.logs.map(\.stream) == [1])
        #expect(
            bench.sent.last == .logEnd(LogEnd(stream: 2, error: "the host has no container of instance none"))
        )
        bench.receive(.logs(LogsRequest(stream: 3, uuid: "a", follow: true)), at)
        bench.receive(.cancel(stream: 3), at)
        #expect(bench.closedLogs == [3])
        bench.input(.streamClosed)
        #expect(bench.closedLogs == [3, 1])
    }
}
