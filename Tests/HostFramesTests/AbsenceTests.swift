import HostFrames
import HostProtocol
import JSON
import Model
import StoreFormat
import Testing

/// Since when a host is away, as its record tells it to whoever owns the environment next.
struct AbsenceTests {
    private struct Host: RecordReading {
        var observed: Record?
        var revision: Revision = 1

        func get(_ key: RecordKey) -> Record? {
            if key == RecordKey(.hostObserved, 3) { return observed }
            return key == RecordKey(.host, 3) ? record(.host, ["state": "active"]) : nil
        }

        func numbers(_ table: Table, term: [UInt8]) -> [UInt64] { [] }

        func record(_ table: Table, _ fields: JSONObject) -> Record {
            Record(
                key: RecordKey(table, 3),
                revision: revision,
                created: 1,
                scope: 5,
                time: 0,
                document: JSONWriter.bytes(.object(fields))
            )
        }

        mutating func take(_ transaction: Transaction?) throws {
            guard case .put(let write)? = transaction?.writes.first else { return }
            revision += 1
            observed = record(.hostObserved, try #require(JSONReader.parse(write.document.bytes).object))
        }

        mutating func tell(_ state: String, at time: Int64) throws -> HostObservation {
            try take(HostReports.agentState(state, host: 3, scope: 5, epoch: 1, time: time, in: self))
            return try HostObservation(document: #require(observed).document)
        }
    }

    @Test func `the first who finds it silent says when, and nobody moves that until it is back`() throws {
        var host = Host()
        #expect(try host.tell("active", at: 100).awaySince == nil)
        #expect(try host.tell("reconnecting", at: 200).awaySince == 200)
        #expect(try host.tell("disconnected", at: 300).awaySince == 200)
        #expect(try host.tell("reconnecting", at: 400).awaySince == 200)
        let facts = HostFacts(
            hostUUID: "u",
            agentVersion: "1",
            runtime: "simulated",
            hostname: "h",
            address: "10.0.0.3"
        )
        try host.take(HostReports.facts(facts, host: 3, scope: 5, epoch: 1, time: 500, in: host))
        let back = try HostObservation(document: #require(host.observed).document)
        #expect(back.agentState == "active" && back.awaySince == nil)
        #expect(try host.tell("reconnecting", at: 600).awaySince == 600)
    }
}
