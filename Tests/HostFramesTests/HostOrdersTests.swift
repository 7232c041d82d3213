import HostFrames
import HostProtocol
import JSON
import Model
import StoreFormat
import Testing

struct HostOrdersTests {
    @Test func `an instance is kept, then ordered away, then not named any more`() {
        var state = Records()
        state.put(instance(goal: "running"), revision: 7)
        let kept: Sync = HostOrders.all(of: 3, in: state)
        #expect(kept.isFull)
        #expect(kept.instances.map(\.uuid) == ["u-1"])
        #expect(kept.instances.map(\.revision) == [7])
        #expect(kept.instances.map(\.generation) == [2])
        #expect(kept.instances.first?.launch == ["imageUuid": "docker:busybox"])
        #expect(kept.tombstones.isEmpty)

        state.put(instance(goal: "removed"), revision: 9)
        let leaving: Sync = HostOrders.all(of: 3, in: state)
        #expect(leaving.instances.isEmpty)
        #expect(leaving.tombstones == [Tombstone(uuid: "u-1", number: 40, generation: 2, revision: 9)])

        state.put(instance(goal: "removed", removed: 5), revision: 11)
        #expect(HostOrders.all(of: 3, in: state) == Sync(isFull: true, instances: []))
    }

    @Test func `a delta names what changed and what it builds on`() {
        var state = Records()
        state.put(instance(goal: "stopped"), revision: 8)
        let delta: Sync = HostOrders.delta(Array(state.records.values), since: 6)
        #expect(!delta.isFull)
        #expect(delta.since == 6)
        #expect(delta.instances.map(\.goal) == [.stopped])
    }

    @Test func `a host speaks only for instances that are placed on it, and each thing is written once`() {
        var state = Records()
        state.put(instance(goal: "running"), revision: 7)
        let seen = Observation(uuid: "u-1", number: 40, generation: 2, condition: .running, startCount: 1)
        func writes(_ host: UInt64, _ observation: Observation) -> Transaction? {
            HostReports.writes([observation], host: host, scope: 5, epoch: 4, time: 100, in: state)
        }
        #expect(writes(9, seen) == nil)
        var foreign: Observation = seen
        foreign.uuid = "u-2"
        #expect(writes(3, foreign) == nil)

        let transaction: Transaction? = writes(3, seen)
        let key = RecordKey(.instanceObserved, 40)
        #expect(transaction?.preconditions == [.epoch(scope: 5, 4), .absent(key)])
        guard case .put(let put)? = transaction?.writes.first else {
            Issue.record("nothing is written")
            return
        }
        state.records[key] = Record(
            key: key,
            revision: 12,
            created: 12,
            scope: 5,
            time: 0,
            document: put.document.bytes
        )
        #expect(writes(3, seen) == nil)
        var stopped: Observation = seen
        stopped.condition = .stopped
        #expect(writes(3, stopped)?.preconditions == [.epoch(scope: 5, 4), .revision(key, 12)])
    }

    private func instance(goal: String, removed: Int? = nil) -> JSONObject {
        [
            "uuid": "u-1", "name": "web-1", "hostId": 3, "accountId": 5, "goal": .string(goal), "generation": 2,
            "imageUuid": "docker:busybox", "removed": removed.map { JSONValue($0) } ?? .null,
        ]
    }
}

/// Records of instance 40 in a dictionary.
private struct Records: RecordReading {
    var records: [RecordKey: Record] = [:]

    mutating func put(_ fields: JSONObject, revision: Revision) {
        let key = RecordKey(.instance, 40)
        records[key] = Record(
            key: key,
            revision: revision,
            created: 1,
            scope: 5,
            time: 0,
            document: JSONWriter.bytes(.object(fields)),
            terms: [RecordWriting.term("hostId", 3)]
        )
    }

    func get(_ key: RecordKey) -> Record? { records[key] }

    func numbers(_ table: Table, term: [UInt8]) -> [UInt64] {
        records.values.filter { $0.key.table == table && $0.has(term: term) }.map(\.key.number).sorted()
    }
}
