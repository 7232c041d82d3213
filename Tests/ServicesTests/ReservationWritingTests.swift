import JSON
import Model
import StoreFormat
import Testing

struct ReservationWritingTests {
    @Test
    func `claims of instances that are still to be created are spliced in, and unknown members stay`() throws {
        let reservation = HostReservation(fields: [
            "memory": 512, "instances": [3], "ports": ["0.0.0.0:90/tcp": 3], "later": ["a": "$0"],
        ])
        let write: Write = RecordWriting.put(
            reservation,
            of: 7,
            adding: [
                HostClaim(instance: .created(1), ports: ["0.0.0.0:80/tcp"]),
                HostClaim(instance: .created(0), ports: []), HostClaim(instance: .known(5), ports: ["0.0.0.0:95/udp"]),
            ],
            scope: .known(1)
        )
        guard case .put(let put) = write else {
            Issue.record("no put")
            return
        }
        let value: JSONValue = try JSONReader.parse(put.document.filled(with: [41, 42]))
        #expect(
            value == [
                "memory": 512, "later": ["a": "$0"], "instances": [3, 5, 41, 42],
                "ports": ["0.0.0.0:80/tcp": 42, "0.0.0.0:90/tcp": 3, "0.0.0.0:95/udp": 5],
            ]
        )
        #expect(put.document.holes.map(\.offset) == put.document.holes.map(\.offset).sorted())
        #expect(put.number == .known(7) && put.scope == .known(1) && put.table == .hostReservation)
    }

    @Test
    func `an instance without a host is found as unplaced until it has one or is removed`() {
        func terms(_ fields: JSONObject) -> [String] {
            guard case .put(let put) = RecordWriting.put(.instance, .known(1), fields, scope: .known(5)) else {
                return []
            }
            return put.terms.map { String(decoding: $0.bytes, as: UTF8.self) }
        }
        #expect(terms(["accountId": 5, "hostId": nil]).contains("unplaced=5"))
        #expect(!terms(["accountId": 5, "hostId": 2]).contains("unplaced=5"))
        #expect(!terms(["accountId": 5, "hostId": nil, "removed": 9]).contains("unplaced=5"))
    }
}
