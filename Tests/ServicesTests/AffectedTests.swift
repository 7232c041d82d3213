import JSON
import Model
import Services
import StoreFormat
import Testing

struct AffectedTests {
    private func record(_ table: Table, _ text: String) -> Record {
        Record(key: RecordKey(table, 7), revision: 2, created: 1, scope: 5, time: 0, document: Array(text.utf8))
    }

    @Test func `what nobody controls concerns nobody until it was removed`() {
        for table in [Table.volume, .credential, .projectMember] {
            #expect(!Controllers.mayConcern(record(table, #"{"name":"a","removed":null}"#)))
            #expect(!Controllers.mayConcern(record(table, #"{"name":"a"}"#)))
            #expect(!Controllers.mayConcern(record(table, #"{"driverOpts":{"removed":1},"removed":null}"#)))
            #expect(Controllers.mayConcern(record(table, #"{"driverOpts":{"removed":null},"removed":1}"#)))
            #expect(Controllers.mayConcern(record(table, "damaged")))
        }
    }

    @Test func `what has a controller always may concern it`() {
        for table in [Table.account, .host, .stack, .service, .instance, .instanceObserved, .hostReservation] {
            #expect(Controllers.mayConcern(record(table, #"{"removed":null}"#)))
        }
    }
}
