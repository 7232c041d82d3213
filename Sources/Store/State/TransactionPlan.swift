import Limits
import StoreFormat

/// What a transaction will make of a state, worked out before anything is touched.
///
/// So a refusal needs no undoing: either the whole plan is carried out or none of it. It holds no part
/// of the state's trees, so that they can be changed in place.
struct TransactionPlan {
    let revision: Revision
    let numbers: [UInt64]
    let nextNumber: UInt64
    /// The records that the writes touch, as they will be; nil for one that will not be there.
    fileprivate(set) var touched = TouchedRecords()
    fileprivate(set) var scopes: [(UInt64, ScopeOwner)] = []
    fileprivate(set) var policies: [[UInt8]] = []
    /// Forgotten after those were set.
    fileprivate(set) var forgottenPolicies: [[UInt8]] = []
    fileprivate(set) var pools: [[UInt8]: Pool] = [:]
    fileprivate(set) var openedSession: SessionID?
}

/// Records by their keys, in the order in which they were first set.
///
/// Most transactions touch one or two: those are searched for, and only many are kept in a table.
struct TouchedRecords {
    struct Entry {
        let key: RecordKey
        var record: StoredRecord?
    }

    private static let searched: Int = 8

    private(set) var entries: [Entry] = []
    private var places: [RecordKey: Int] = [:]

    /// Nil for a key that was not set.
    func entry(_ key: RecordKey) -> Entry? {
        place(of: key).map { entries[$0] }
    }

    mutating func set(_ key: RecordKey, _ record: StoredRecord?) {
        if let place: Int = place(of: key) {
            entries[place].record = record
            return
        }
        entries.append(Entry(key: key, record: record))
        guard entries.count > Self.searched else { return }
        if places.isEmpty {
            for (place, entry) in entries.enumerated() { places[entry.key] = place }
        } else {
            places[key] = entries.count - 1
        }
    }

    private func place(of key: RecordKey) -> Int? {
        entries.count > Self.searched ? places[key] : entries.firstIndex { $0.key == key }
    }
}

extension StoreView {
    /// - Throws: ``RefusedTransaction`` with the first reason why nothing will be done.
    func plan(
        _ transaction: Transaction,
        at revision: Revision,
        isValid: Bool
    ) throws(RefusedTransaction) -> TransactionPlan {
        do throws(InvalidTransaction) {
            if !isValid { try transaction.validate() }
        } catch {
            throw RefusedTransaction(.invalid(error.reason))
        }
        for condition in transaction.preconditions {
            if let refusal = refusal(of: condition) { throw RefusedTransaction(refusal) }
        }
        let (numbers, next): ([UInt64], UInt64) = try Planner.allocate(transaction, from: nextNumber)
        var planner = Planner(
            plan: TransactionPlan(revision: revision, numbers: numbers, nextNumber: next),
            view: self,
            time: transaction.time
        )
        for write in transaction.writes { try planner.add(write) }
        try planner.checkUniqueKeys()
        return planner.plan
    }
}

/// Adds one write after the other to a plan.
private struct Planner {
    var plan: TransactionPlan
    let view: StoreView
    let time: Int64

    /// The numbers that the transaction gets, and the counter after it.
    ///
    /// A put to a known number at or above the counter moves it past that number: founding chooses
    /// some of its numbers itself, and none may be given out twice.
    static func allocate(
        _ transaction: Transaction,
        from next: UInt64
    ) throws(RefusedTransaction) -> ([UInt64], UInt64) {
        let end: UInt64 = next + UInt64(transaction.created)
        guard transaction.created == 0 || end - 1 <= Limits.recordNumber else {
            throw RefusedTransaction(.invalid("no numbers are left: the last is \(Limits.recordNumber)"))
        }
        var counter: UInt64 = end
        for case .put(let write) in transaction.writes {
            if case .known(let number) = write.number, number >= counter { counter = number + 1 }
        }
        return (Array(next..<end), counter)
    }

    private func number(_ reference: NumberReference) -> UInt64 {
        switch reference {
        case .known(let number): number
        case .created(let index): plan.numbers[index]
        }
    }

    /// The record as the writes so far leave it.
    private func current(_ key: RecordKey) -> Record? {
        if let planned: TouchedRecords.Entry = plan.touched.entry(key) { return planned.record?.record }
        return view.get(key)
    }

    mutating func add(_ write: Write) throws(RefusedTransaction) {
        switch write {
        case .put(let put):
            let key = RecordKey(put.table, number(put.number))
            let record = Record(
                key: key,
                revision: plan.revision,
                created: current(key)?.created ?? plan.revision,
                scope: number(put.scope),
                time: time,
                document: put.document.filled(with: plan.numbers),
                terms: put.terms.map { $0.filled(with: plan.numbers) },
                uniqueKeys: put.uniqueKeys.map { $0.filled(with: plan.numbers) }
            )
            plan.touched.set(key, StoredRecord(record))
        case .delete(let table, let reference):
            let key = RecordKey(table, number(reference))
            if current(key) != nil { plan.touched.set(key, nil) }
        case .assignScope(let reference, let node):
            let scope: UInt64 = number(reference)
            let earlier: ScopeOwner? = plan.scopes.last { $0.0 == scope }?.1 ?? view.epoch(scope)
            plan.scopes.append((scope, ScopeOwner(node: node, epoch: (earlier?.epoch ?? 0) + 1)))
        case .touchPolicy(let subject):
            plan.policies.append(subject.filled(with: plan.numbers))
        case .forgetPolicy(let subject):
            plan.forgottenPolicies.append(subject.filled(with: plan.numbers))
        case .definePool(let template, let capacity):
            let name: [UInt8] = template.filled(with: plan.numbers)
            let used: UInt64 = (plan.pools[name] ?? view.pool(name))?.used ?? 0
            plan.pools[name] = Pool(capacity: capacity, used: used)
        case .takeFromPool(let template, let amount):
            try take(amount, from: template.filled(with: plan.numbers))
        case .openSession(let nonce):
            plan.openedSession = SessionID(opened: plan.revision, nonce: nonce)
        }
    }

    private mutating func take(_ amount: Int64, from name: [UInt8]) throws(RefusedTransaction) {
        let known: Pool? = plan.pools[name] ?? view.pool(name)
        if amount > 0 {
            guard var pool = known, pool.left >= amount.magnitude else {
                throw RefusedTransaction(.poolExhausted(name: name, wanted: amount.magnitude, left: known?.left ?? 0))
            }
            pool.used += amount.magnitude
            plan.pools[name] = pool
        } else if var pool = known {
            // Giving back must never fail: what is given back is being taken apart already.
            pool.used -= min(pool.used, amount.magnitude)
            plan.pools[name] = pool
        }
    }

    /// Refuses when two records would hold one unique key after all the writes.
    ///
    /// Looked at when all writes are planned, so a key may move between records in either order.
    func checkUniqueKeys() throws(RefusedTransaction) {
        var claimed: [[UInt8]: RecordKey] = [:]
        let isAlone: Bool = plan.touched.entries.count == 1
        for entry in plan.touched.entries {
            guard let stored: StoredRecord = entry.record else { continue }
            let key: RecordKey = entry.key
            for unique in stored.record.uniqueKeys {
                // The keys of one record are different ones.
                if !isAlone, let other = claimed.updateValue(key, forKey: unique) {
                    throw RefusedTransaction(.uniqueKeyTaken(key: unique, holder: other))
                }
                // A holder that is touched itself either claims the key again (caught above) or lets it go.
                if let holder = view.holder(unique), holder != key, plan.touched.entry(holder) == nil {
                    throw RefusedTransaction(.uniqueKeyTaken(key: unique, holder: holder))
                }
            }
        }
    }
}

/// Carries a refusal out of the planning of a transaction.
struct RefusedTransaction: Error {
    var refusal: Refusal

    init(_ refusal: Refusal) { self.refusal = refusal }
}

extension StoreView {
    fileprivate func refusal(of condition: Precondition) -> Refusal? {
        switch condition {
        case .revision(let key, let expected):
            let actual: Revision = records[key]?.record.revision ?? 0
            return actual == expected && actual != 0
                ? nil : .revisionChanged(key, expected: expected, actual: actual)
        case .absent(let key):
            return records[key] == nil ? nil : .present(key)
        case .uniqueKeyFree(let key):
            return holder(key).map { .uniqueKeyTaken(key: key, holder: $0) }
        case .epoch(let scope, let expected):
            let actual: UInt64 = epoch(scope)?.epoch ?? 0
            return actual == expected ? nil : .epochChanged(scope: scope, expected: expected, actual: actual)
        case .policyUnchanged(let subject, let since):
            let actual: Revision = policyRevision(subject)
            return actual <= since ? nil : .policyChanged(subject: subject, since: since, actual: actual)
        case .poolHolds(let name, let amount):
            guard let pool = pool(name) else { return .poolExhausted(name: name, wanted: amount, left: 0) }
            return pool.left >= amount ? nil : .poolExhausted(name: name, wanted: amount, left: pool.left)
        }
    }
}
