import Bytes
import Limits
import StoreFormat
import TestSupport
import Testing

struct DecoderTests {
    /// Whatever decodes must encode to the very same bytes.
    private static func check(_ bytes: [UInt8]) -> Bool {
        if let value = try? Transaction(decoding: bytes), value.encoded() != bytes { return false }
        if let value = try? Record(decoding: bytes), value.encoded() != bytes { return false }
        if let value = try? TransactionOutcome(decoding: bytes), value.encoded() != bytes { return false }
        return true
    }

    @Test func `random bytes never crash a decoder, and what decodes is canonical`() {
        var random = Seeded(1)
        var wrong: Int = 0
        for _ in 0..<20_000 {
            let count: Int = Int.random(in: 0..<64, using: &random)
            var bytes: [UInt8] = (0..<count).map { _ in UInt8.random(in: 0...255, using: &random) }
            if !bytes.isEmpty, Bool.random(using: &random) { bytes[0] = 1 }
            if !Self.check(bytes) { wrong += 1 }
        }
        #expect(wrong == 0)
    }

    @Test func `damaged bytes never crash a decoder, and what decodes is canonical`() {
        var random = Seeded(2)
        var wrong: Int = 0
        var decoded: Int = 0
        let samples: [[UInt8]] =
            Samples.transactions.map { $0.1.encoded() } + Samples.outcomes.map { $0.1.encoded() }
            + [Samples.record.encoded()]
        for round in 0..<20_000 {
            var bytes: [UInt8] = samples[round % samples.count]
            for _ in 0..<Int.random(in: 1...3, using: &random) where !bytes.isEmpty {
                let place: Int = Int.random(in: bytes.indices, using: &random)
                switch Int.random(in: 0..<4, using: &random) {
                case 0: bytes[place] = UInt8.random(in: 0...255, using: &random)
                case 1: bytes.remove(at: place)
                case 2: bytes.insert(UInt8.random(in: 0...255, using: &random), at: place)
                default: bytes.removeLast(bytes.count - place)
                }
            }
            if !Self.check(bytes) { wrong += 1 }
            if (try? Transaction(decoding: bytes)) != nil { decoded += 1 }
        }
        #expect(wrong == 0)
        #expect(decoded > 100, "some damage must get past the shape, or nothing was tried")
    }

    @Test func `every cut of a transaction is refused`() {
        let bytes: [UInt8] = Samples.full.encoded()
        for count in 0..<bytes.count {
            #expect(throws: DecodingFault.self) { try Transaction(decoding: Array(bytes[..<count])) }
        }
        #expect(throws: DecodingFault.trailing(count: 1)) { try Transaction(decoding: bytes + [0]) }
    }

    @Test func `an unknown version or kind is told apart from damage`() {
        var bytes: [UInt8] = Samples.transaction().encoded()
        bytes[0] = 2
        #expect(throws: DecodingFault.unknown(what: "transaction version", value: 2)) {
            try Transaction(decoding: bytes)
        }
        var writer: [UInt8] = Samples.transaction(writes: [.openSession(nonce: 9)]).encoded()
        let tag: Int = writer.count - 11  // kind, eight bytes of nonce, created, blobs
        #expect(writer[tag] == 7)
        writer[tag] = 99
        #expect(throws: DecodingFault.unknown(what: "write kind", value: 99)) { try Transaction(decoding: writer) }
    }

    @Test func `a number in more bytes than it needs is refused`() {
        let outcome = TransactionOutcome.committed(revision: 5, numbers: [])
        #expect(outcome.encoded() == [1, 1, 5, 0])
        #expect(throws: DecodingFault.self) { try TransactionOutcome(decoding: [1, 1, 0x85, 0, 0]) }
    }

    static let invalid: [(String, Transaction)] = {
        let good: RecordWrite = Samples.put
        func put(_ change: (inout RecordWrite) -> Void) -> Transaction {
            var write: RecordWrite = good
            change(&write)
            return Samples.transaction(writes: [.put(write)], created: 2)
        }
        func with(_ change: (inout Transaction) -> Void) -> Transaction {
            var value: Transaction = Samples.full
            change(&value)
            return value
        }
        let long: [UInt8] = Array(repeating: 65, count: Limits.storeKeyBytes + 1)
        return [
            ("a hole beyond the bytes", put { $0.document.holes = [.init(offset: 999, created: 0)] }),
            ("a hole before the start", put { $0.document.holes = [.init(offset: -1, created: 0)] }),
            (
                "holes out of order",
                put { $0.document.holes = [.init(offset: 5, created: 0), .init(offset: 4, created: 0)] }
            ),
            ("a hole for a number that is not created", put { $0.terms[0].holes = [.init(offset: 0, created: 2)] }),
            ("a key that is not created", put { $0.number = .created(2) }),
            ("a number too large", put { $0.number = .known(Limits.recordNumber + 1) }),
            ("a scope that is not created", put { $0.scope = .created(7) }),
            ("a term too long", put { $0.terms = [Template(bytes: long)] }),
            (
                "a term too long when it is filled in",
                put { $0.terms = [Template(bytes: Array(long.dropLast(2)), holes: [.init(offset: 0, created: 0)])] }
            ),
            (
                "a document too long",
                put { $0.document = Template(bytes: Array(repeating: 32, count: Limits.recordBytes + 1)) }
            ),
            (
                "too many unique keys",
                put { $0.uniqueKeys = Array(repeating: Template("x"), count: Limits.recordUniqueKeys + 1) }
            ),
            (
                "too many writes",
                Samples.transaction(
                    writes: Array(repeating: .touchPolicy(subject: Template("x")), count: Limits.transactionWrites + 1)
                )
            ),
            ("too many created numbers", with { $0.created = Limits.transactionWrites + 1 }),
            ("a negative count of created numbers", with { $0.created = -1 }),
            ("fewer created numbers than named", with { $0.created = 1 }),
            ("an audit record of a number not created", with { $0.audit?.createdResource = 2 }),
            ("a hash of the wrong length", with { $0.blobs[0].hash.removeLast() }),
            ("a ticket with sequence 0", with { $0.ticket?.sequence = 0 }),
            ("a ticket answered above itself", with { $0.ticket?.answeredBelow = 301 }),
            ("a ticket answered below 0", with { $0.ticket?.answeredBelow = 0 }),
            ("an actor too long", with { $0.actor = String(repeating: "a", count: Limits.transactionTextBytes + 1) }),
            ("a precondition's key too long", with { $0.preconditions = [.uniqueKeyFree(long)] }),
            ("two sessions opened", with { $0.writes.append(.openSession(nonce: 1)) }),
        ]
    }()

    @Test(arguments: invalid.indices)
    func `what breaks a rule is neither proposed nor decoded`(_ index: Int) {
        let (name, transaction): (String, Transaction) = Self.invalid[index]
        #expect(throws: InvalidTransaction.self, "\(name)") { try transaction.proposal() }
        // Negative counts cannot be written at all.
        guard transaction.created >= 0, !name.contains("before the start") else { return }
        #expect(throws: DecodingFault.self, "\(name)") { try Transaction(decoding: transaction.encoded()) }
    }

    @Test func `a transaction above the limit of bytes is neither proposed nor decoded`() {
        let document = Template(bytes: Array(repeating: 32, count: 200_000))
        let writes: [Write] = (1...6).map { number in
            .put(
                RecordWrite(
                    table: Table(rawValue: 1),
                    number: .known(number),
                    scope: .known(0),
                    document: document
                )
            )
        }
        let transaction: Transaction = Samples.transaction(writes: writes)
        #expect(throws: Never.self) { try transaction.validate() }
        #expect(throws: InvalidTransaction.self) { try transaction.proposal() }
        #expect(throws: DecodingFault.self) { try Transaction(decoding: transaction.encoded()) }
    }

    @Test func `a record's terms and unique keys are kept ascending and once`() throws {
        let record = Record(
            key: Samples.key,
            revision: 1,
            created: 1,
            scope: 0,
            time: 0,
            document: [],
            terms: [[2], [1], [2], [1, 0]],
            uniqueKeys: [[9], [9]]
        )
        #expect(record.terms == [[1], [1, 0], [2]])
        #expect(record.uniqueKeys == [[9]])
        #expect([[1], [1, 0], [2]].allSatisfy(record.has(term:)))
        #expect(!record.has(term: []) && !record.has(term: [3]) && !record.has(term: [1, 1]))
        let swapped: [UInt8] = Array(record.encoded().dropLast(12)) + [3, 2, 1, 0, 1, 1, 1, 2, 1, 1, 9]
        #expect(throws: DecodingFault.self) { try Record(decoding: swapped) }
    }
}
