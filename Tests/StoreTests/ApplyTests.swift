import Bytes
import Limits
import StoreFormat
import Testing

@testable import Store

struct ApplyTests {
    /// A store with two records, an assigned scope, a touched policy and a pool; 1 to 5 were applied.
    private static func prepared() -> Store {
        let store = Store()
        _ = store.apply(
            index: 1,
            transaction([create(0, #"{"n":1}"#, terms: ["stack=9"], unique: ["name/a"])], created: 1)
        )
        _ = store.apply(index: 2, transaction([create(0, terms: ["stack=9"], unique: ["name/b"])], created: 1))
        _ = store.apply(index: 3, transaction([.assignScope(scope: .known(5), node: "a")]))
        _ = store.apply(index: 4, transaction([.touchPolicy(subject: Template("1a7"))]))
        _ = store.apply(index: 5, transaction([.definePool(name: Template("p"), capacity: 10)]))
        return store
    }

    private static let one = RecordKey(services, 1)
    private static let two = RecordKey(services, 2)

    static let refusals: [(Transaction, Refusal)] = [
        (transaction(if: [.revision(one, 2)]), .revisionChanged(one, expected: 2, actual: 1)),
        (
            transaction(if: [.revision(RecordKey(services, 9), 2)]),
            .revisionChanged(RecordKey(services, 9), expected: 2, actual: 0)
        ),
        (
            transaction(if: [.revision(RecordKey(services, 9), 0)]),
            .revisionChanged(RecordKey(services, 9), expected: 0, actual: 0)
        ),
        (transaction(if: [.absent(one)]), .present(one)),
        (transaction(if: [.uniqueKeyFree(bytes("name/a"))]), .uniqueKeyTaken(key: bytes("name/a"), holder: one)),
        (transaction([create(0, unique: ["name/a"])], created: 1), .uniqueKeyTaken(key: bytes("name/a"), holder: one)),
        (
            transaction([create(0, unique: ["name/c"]), create(1, unique: ["name/c"])], created: 2),
            .uniqueKeyTaken(key: bytes("name/c"), holder: RecordKey(services, 3))
        ),
        (transaction(if: [.epoch(scope: 5, 2)]), .epochChanged(scope: 5, expected: 2, actual: 1)),
        (transaction(if: [.epoch(scope: 6, 1)]), .epochChanged(scope: 6, expected: 1, actual: 0)),
        (
            transaction(if: [.policyUnchanged(subject: bytes("1a7"), since: 3)]),
            .policyChanged(subject: bytes("1a7"), since: 3, actual: 4)
        ),
        (
            transaction(if: [.poolHolds(name: bytes("p"), amount: 11)]),
            .poolExhausted(name: bytes("p"), wanted: 11, left: 10)
        ),
        (
            transaction(if: [.poolHolds(name: bytes("q"), amount: 0)]),
            .poolExhausted(name: bytes("q"), wanted: 0, left: 0)
        ),
        (
            transaction([
                .takeFromPool(name: Template("p"), amount: 6), .takeFromPool(name: Template("p"), amount: 5),
            ]),
            .poolExhausted(name: bytes("p"), wanted: 5, left: 4)
        ),
        (transaction(ticket: ticket(1)), .sessionExpired(sequence: 1)),
        (
            transaction([put(Limits.recordNumber + 1)]),
            .invalid("write 0: number 9007199254740993, 9007199254740992 is the largest")
        ),
    ]

    private static func ticket(_ sequence: UInt64) -> SessionTicket {
        SessionTicket(session: SessionID(opened: 1, nonce: 1), sequence: sequence, answeredBelow: 1)
    }

    @Test(arguments: refusals.indices)
    func `a refusal names its reason and changes nothing`(_ index: Int) {
        let store: Store = Self.prepared()
        var (refused, reason): (Transaction, Refusal) = Self.refusals[index]
        // Whatever else the transaction would do must not happen, before the reason or after it.
        refused.writes =
            [put(70, unique: ["name/x"]), .delete(services, .known(1)), .touchPolicy(subject: Template("1a1"))]
            .filter { _ in !refused.writes.contains(where: { if case .put = $0 { true } else { false } }) }
            + refused.writes + [.assignScope(scope: .known(5), node: "b"), .openSession(nonce: 4)]
        let before: StoreView = store.view
        #expect(store.apply(index: 6, refused) == .refused(reason))
        let after: StoreView = store.view
        #expect(after.revision == 6)
        #expect(after.nextNumber == before.nextNumber)
        #expect(Content(after) == Content(before))
    }

    static let accepted: [Transaction] = [
        transaction(if: [.revision(one, 1)]), transaction(if: [.absent(RecordKey(services, 9))]),
        transaction(if: [.absent(RecordKey(stacks, 1))]), transaction(if: [.uniqueKeyFree(bytes("name/c"))]),
        transaction(if: [.epoch(scope: 5, 1), .epoch(scope: 6, 0)]),
        transaction(if: [.policyUnchanged(subject: bytes("1a7"), since: 4)]),
        transaction(if: [.policyUnchanged(subject: bytes("1a8"), since: 0)]),
        transaction(if: [.poolHolds(name: bytes("p"), amount: 10)]),
        transaction([.takeFromPool(name: Template("p"), amount: 10)]),
        transaction([.delete(services, .known(77))]),
    ]

    @Test(arguments: accepted.indices)
    func `what holds is accepted`(_ index: Int) {
        #expect(Self.prepared().apply(index: 6, Self.accepted[index]) == .committed(revision: 6, numbers: []))
    }

    @Test func `numbers start at 1, are never reused, and known ones move the counter past them`() {
        let store = Store()
        #expect(store.apply(index: 1, transaction([put(1), put(5)])) == .committed(revision: 1, numbers: []))
        #expect(
            store.apply(index: 2, transaction([create(1)], created: 2)) == .committed(revision: 2, numbers: [6, 7])
        )
        _ = store.apply(index: 3, transaction([.delete(services, .known(7))]))
        #expect(store.apply(index: 4, transaction([put(3)], created: 1)) == .committed(revision: 4, numbers: [8]))
        #expect(store.view.nextNumber == 9)
        let last: UInt64 = Limits.recordNumber
        #expect(store.apply(index: 5, transaction([put(last - 1)])) == .committed(revision: 5, numbers: []))
        #expect(store.apply(index: 6, transaction(created: 2)).isInvalid)
        #expect(store.apply(index: 7, transaction(created: 1)) == .committed(revision: 7, numbers: [last]))
        #expect(store.apply(index: 8, transaction(created: 1)).isInvalid)
        #expect(store.apply(index: 9, transaction()) == .committed(revision: 9, numbers: []))
    }

    @Test func `a known number that would have been the next is not given out again`() {
        let store = Store()
        #expect(store.apply(index: 1, transaction([put(1)])) == .committed(revision: 1, numbers: []))
        #expect(
            store.apply(index: 2, transaction([create(0)], created: 1)) == .committed(revision: 2, numbers: [2])
        )
    }

    @Test func `created numbers are filled into keys, scopes, documents, terms, unique keys and names`() {
        let store = Store()
        _ = store.apply(index: 1, transaction([put(41)]))
        let writes: [Write] = [
            create(1, in: stacks, #"{"id":$1,"first":$0,"price":"#, terms: ["s=$0"], unique: ["u/$1/$0"]),
            .put(RecordWrite(table: services, number: .created(0), scope: .created(1), document: Template("$0"))),
            .assignScope(scope: .created(1), node: "n"), .touchPolicy(subject: template("1a$0")),
            .definePool(name: template("p$1"), capacity: 3), .takeFromPool(name: template("p$1"), amount: 2),
            .delete(services, .known(41)),
        ]
        #expect(store.apply(index: 2, transaction(writes, created: 2)) == .committed(revision: 2, numbers: [42, 43]))
        let view: StoreView = store.view
        #expect(view.get(RecordKey(stacks, 43))?.document == bytes(#"{"id":43,"first":42,"price":"#))
        #expect(view.numbers(stacks, bytes("s=42")) == [43])
        #expect(view.holder(bytes("u/43/42")) == RecordKey(stacks, 43))
        #expect(view.get(RecordKey(services, 42))?.scope == 43)
        #expect(view.get(RecordKey(services, 42))?.document == bytes("$0"), "text that looks like a hole is none")
        #expect(view.epoch(43) == ScopeOwner(node: "n", epoch: 1))
        #expect(view.policyRevision(bytes("1a42")) == 2)
        #expect(view.pool(bytes("p43")) == Pool(capacity: 3, used: 2))
        #expect(view.get(RecordKey(services, 41)) == nil)
    }

    @Test func `a record keeps the revision it was created at until it is deleted`() {
        let store = Store()
        _ = store.apply(index: 3, transaction([put(1)], time: 30))
        _ = store.apply(index: 8, transaction([put(1, scope: 6, "x")], time: 80))
        let record: Record? = store.view.get(RecordKey(services, 1))
        #expect(
            record
                == Record(
                    key: RecordKey(services, 1),
                    revision: 8,
                    created: 3,
                    scope: 6,
                    time: 80,
                    document: bytes("x")
                )
        )
        _ = store.apply(index: 9, transaction([.delete(services, .known(1)), put(1)]))
        #expect(store.view.get(RecordKey(services, 1))?.created == 9)
    }

    @Test func `terms follow a record through replacement and deletion`() {
        let store = Store()
        _ = store.apply(
            index: 1,
            transaction([put(1, terms: ["a", "b"]), put(2, terms: ["b"]), put(3, in: stacks, terms: ["b"])])
        )
        #expect(store.view.numbers(services, bytes("b")) == [1, 2])
        _ = store.apply(index: 2, transaction([put(1, terms: ["b", "c"])]))
        #expect(store.view.numbers(services, bytes("a")) == [])
        #expect(store.view.numbers(services, bytes("b")) == [1, 2])
        #expect(store.view.numbers(services, bytes("b"), after: 1) == [2])
        #expect(store.view.numbers(services, bytes("b"), limit: 1) == [1])
        #expect(store.view.numbers(services, bytes("c")) == [1])
        _ = store.apply(index: 3, transaction([.delete(services, .known(1))]))
        #expect(store.view.numbers(services, bytes("b")) == [2])
        #expect(store.view.numbers(services, bytes("c")) == [])
        #expect(store.view.records(stacks, bytes("b")).map(\.key.number) == [3])
    }

    @Test func `a unique key moves between records in one transaction, in either order`() {
        let store = Store()
        _ = store.apply(index: 1, transaction([put(1, unique: ["x"]), put(2, unique: ["y"])]))
        #expect(store.apply(index: 2, transaction([put(1, unique: ["y"])])).isRefused)
        _ = store.apply(index: 3, transaction([put(1, unique: ["y"]), put(2, unique: ["x"])]))
        #expect(store.view.holder(bytes("x")) == RecordKey(services, 2))
        #expect(store.view.holder(bytes("y")) == RecordKey(services, 1))
        _ = store.apply(index: 4, transaction([put(3, unique: ["x", "z"]), .delete(services, .known(2))]))
        #expect(store.view.holder(bytes("x")) == RecordKey(services, 3))
        _ = store.apply(index: 5, transaction([put(3, unique: ["z"])]))
        #expect(store.view.holder(bytes("x")) == nil)
    }

    @Test func `epochs grow by one with each assignment`() {
        let store = Store()
        _ = store.apply(index: 1, transaction([.assignScope(scope: .known(5), node: "a")]))
        _ = store.apply(
            index: 2,
            transaction([
                .assignScope(scope: .known(5), node: "b"), .assignScope(scope: .known(5), node: "c"),
            ])
        )
        #expect(store.view.epoch(5) == ScopeOwner(node: "c", epoch: 3))
        #expect(store.view.epoch(6) == nil)
    }

    @Test func `a pool gives what it holds, takes back no more than it gave, and may shrink below its use`() {
        let store = Store()
        let name = Template("p")
        _ = store.apply(index: 1, transaction([.takeFromPool(name: name, amount: -5)]))
        #expect(store.view.pool(bytes("p")) == nil, "giving back to no pool makes none")
        _ = store.apply(
            index: 2,
            transaction([.definePool(name: name, capacity: 10), .takeFromPool(name: name, amount: 7)])
        )
        _ = store.apply(index: 3, transaction([.definePool(name: name, capacity: 4)]))
        #expect(store.view.pool(bytes("p")) == Pool(capacity: 4, used: 7))
        #expect(store.view.pool(bytes("p"))?.left == 0)
        #expect(store.apply(index: 4, transaction([.takeFromPool(name: name, amount: 1)])).isRefused)
        _ = store.apply(index: 5, transaction([.takeFromPool(name: name, amount: .min)]))
        #expect(store.view.pool(bytes("p")) == Pool(capacity: 4, used: 0))
    }

    @Test func `an entry that cannot be read stops the member`() throws {
        let store = Store()
        var encoded: [UInt8] = transaction([put(1)]).encoded()
        #expect(try store.apply(index: 1, encoded: encoded) == .committed(revision: 1, numbers: []))
        encoded[0] = 9
        let expected = UnreadableEntry(index: 2, fault: .unknown(what: "transaction version", value: 9))
        #expect(throws: expected) { try store.apply(index: 2, encoded: encoded) }
        #expect(store.appliedIndex == 1)
        #expect(expected.description.contains("entry 2"))
    }

    @Test func `entries of Raft itself count as applied`() {
        let store = Store()
        store.advance(to: 4)
        #expect(store.appliedIndex == 4)
        #expect(store.apply(index: 5, transaction()) == .committed(revision: 5, numbers: []))
    }

    @Test func `a listing is ascending, within one table, from a number on, up to a limit`() {
        let store = Store()
        for number in (1...100).reversed() {
            _ = store.apply(
                index: UInt64(101 - number),
                transaction([put(UInt64(number)), put(UInt64(number), in: stacks)])
            )
        }
        let view: StoreView = store.view
        #expect(view.records(in: services).map(\.key.number) == Array(1...100))
        #expect(view.records(in: services, after: 40, limit: 3).map(\.key.number) == [41, 42, 43])
        #expect(view.records(in: stacks, after: 99).map(\.key) == [RecordKey(stacks, 100)])
        #expect(view.records(in: stacks, after: .max).isEmpty && view.records(in: stacks, limit: 0).isEmpty)
    }
}

extension TransactionOutcome {
    var isRefused: Bool { if case .refused = self { true } else { false } }
    var isInvalid: Bool { if case .refused(.invalid) = self { true } else { false } }
}

/// Everything a view holds, sessions left out, in comparable form.
struct Content: Equatable {
    var records: [Record] = []
    var terms: [String] = []
    var unique: [String] = []
    var scopes: [String] = []
    var policies: [String] = []
    var pools: [String] = []

    init(_ view: StoreView) {
        view.records.forEach { _, stored in
            records.append(stored.record); return true
        }
        view.terms.forEach { key, _ in
            terms.append("\(key)"); return true
        }
        view.uniqueKeys.forEach { key, holder in
            unique.append("\(key) \(holder)"); return true
        }
        view.scopes.forEach { scope, owner in
            scopes.append("\(scope) \(owner)"); return true
        }
        view.policies.forEach { subject, revision in
            policies.append("\(subject) \(revision)"); return true
        }
        view.pools.forEach { name, pool in
            pools.append("\(name) \(pool)"); return true
        }
    }
}
