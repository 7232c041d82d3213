import HostAgentCore
import HostProtocol
import JSON
import Testing

/// The texts here are the format: an agent reads what an older one wrote.
struct PersistedFormatTests {
    private static let desired: String =
        #"{"version":1,"incarnation":"9f","epoch":7,"revision":42,"instances":[{"uuid":"a","number":1,"name":"n-a","goal":"running","generation":2,"revision":40,"launch":{"imageUuid":"docker:busybox","labels":{}}}],"unlisted":[{"uuid":"b","number":1,"name":"n-b","goal":"stopped","generation":1,"revision":30,"launch":{"imageUuid":"docker:busybox","labels":{}}}],"tombstones":[{"uuid":"c","number":1,"generation":1,"revision":41}],"done":[{"uuid":"d","number":1,"generation":1,"revision":39}]}"#

    private static let starts: String =
        #"{"version":1,"starts":{"a":{"generation":2,"count":5,"exited":true},"b":{"generation":0,"count":1,"exited":false}}}"#

    @Test func `the desired set is written as agreed and read back`() throws {
        var set = DesiredSet()
        set.incarnation = "9f"
        set.epoch = 7
        set.revision = 42
        set.instances = [
            "a": .init(spec: spec("a", generation: 2, revision: 40), isListed: true),
            "b": .init(spec: spec("b", .stopped, revision: 30), isListed: false),
        ]
        set.tombstones = ["c": tombstone("c", revision: 41)]
        set.done = ["d": tombstone("d", revision: 39)]
        #expect(String(decoding: JSONWriter.bytes(set.json), as: UTF8.self) == Self.desired)
        #expect(try DesiredSet(JSONReader.parse(Self.desired)) == set)
    }

    @Test func `the start ledger is written as agreed and read back`() throws {
        let ledger = StartLedger(entries: [
            "a": .init(generation: 2, count: 5, hasExited: true), "b": .init(generation: 0, count: 1, hasExited: false),
        ])
        #expect(String(decoding: JSONWriter.bytes(ledger.json), as: UTF8.self) == Self.starts)
        #expect(try StartLedger(JSONReader.parse(Self.starts)) == ledger)
    }

    @Test func `another version or a damaged member is refused by name`() {
        #expect(throws: FrameError("desired set: version 2 is not known, this build reads 1")) {
            try DesiredSet(["version": 2])
        }
        #expect(throws: FrameError("desired set.epoch: expected a number from 0 on")) {
            try DesiredSet(["version": 1, "epoch": "x"])
        }
        #expect(throws: FrameError("start ledger.starts.a: expected an object")) {
            try StartLedger(["version": 1, "starts": ["a": 7]])
        }
    }
}
