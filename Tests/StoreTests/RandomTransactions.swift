import StoreFormat
import TestSupport

@testable import Store

/// Transactions over few names, so that they collide, succeed and fail about equally often.
struct RandomTransactions {
    var random: Seeded
    private var sessions: [SessionID] = []

    init(seed: UInt64) { random = Seeded(seed) }

    /// `model` tells which revisions would hold.
    mutating func next(index: Revision, _ model: NaiveStore) -> Transaction {
        let created: Int = roll(3)
        var value: Transaction = transaction(
            (0..<roll(5)).map { _ in write(created: created) },
            if: (0..<roll(2)).map { _ in precondition(model) },
            created: created,
            time: Int64(roll(1_000_000))
        )
        if chance(30), !sessions.isEmpty {
            let sequence = UInt64(1 + roll(20))
            value.ticket = SessionTicket(
                session: sessions[roll(sessions.count)],
                sequence: sequence,
                answeredBelow: chance(20) ? UInt64(1 + roll(Int(sequence))) : 1
            )
        }
        if chance(2) {
            let nonce: UInt64 = random.next()
            value.writes.append(.openSession(nonce: nonce))
            sessions.append(SessionID(opened: index, nonce: nonce))
        }
        return value
    }

    private mutating func roll(_ count: Int) -> Int { Int.random(in: 0..<max(1, count), using: &random) }
    private mutating func chance(_ percent: Int) -> Bool { roll(100) < percent }
    private mutating func table() -> Table { chance(50) ? services : stacks }
    private mutating func key() -> RecordKey { RecordKey(table(), UInt64(1 + roll(40))) }
    private mutating func name(_ kind: String) -> String { "\(kind)\(roll(8))" }

    private mutating func reference(_ created: Int) -> NumberReference {
        created > 0 && chance(50) ? .created(roll(created)) : .known(UInt64(1 + roll(40)))
    }

    private mutating func text(_ kind: String, _ created: Int) -> Template {
        created > 0 && chance(30) ? template("\(kind)$\(roll(created))") : Template(name(kind))
    }

    private mutating func write(created: Int) -> Write {
        switch roll(20) {
        case 0..<12:
            return .put(
                RecordWrite(
                    table: table(),
                    number: reference(created),
                    scope: reference(created),
                    document: text("doc", created),
                    terms: (0..<roll(4)).map { _ in text("t", created) },
                    uniqueKeys: (0..<(chance(40) ? 1 + roll(2) : 0)).map { _ in text("u", created) }
                )
            )
        case 12..<16: return .delete(table(), reference(created))
        case 16: return .assignScope(scope: reference(created), node: name("node"))
        case 17:
            let subject: Template = text("s", created)
            // Some are forgotten again; which ones costs no random number.
            return subject.bytes.last.map { $0 % 4 == 0 } ?? false
                ? .forgetPolicy(subject: subject) : .touchPolicy(subject: subject)
        case 18: return .definePool(name: text("p", created), capacity: UInt64(roll(50)))
        default: return .takeFromPool(name: text("p", created), amount: Int64(roll(30) - 12))
        }
    }

    private mutating func precondition(_ model: NaiveStore) -> Precondition {
        let key: RecordKey = key()
        switch roll(6) {
        case 0: return .revision(key, chance(80) ? model.records[key]?.revision ?? 1 : 1)
        case 1: return .absent(key)
        case 2: return .uniqueKeyFree(bytes(name("u")))
        case 3:
            let scope = UInt64(1 + roll(40))
            return .epoch(scope: scope, model.scopes[scope]?.epoch ?? (chance(80) ? 0 : 1))
        case 4: return .policyUnchanged(subject: bytes(name("s")), since: chance(50) ? 1 << 40 : 1)
        default: return .poolHolds(name: bytes(name("p")), amount: UInt64(roll(10)))
        }
    }
}
