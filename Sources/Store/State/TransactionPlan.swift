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
    /// The records that the writes touch, as they will be, in the order they were first touched.
    fileprivate(set) var touched: [RecordKey] = []
    fileprivate(set) var records: [RecordKey: StoredRecord?] = [:]
    fileprivate(set) var scopes: [(UInt64, ScopeOwner)] = []
    fileprivate(set) var policies: [[UInt8]] = []
    /// Forgotten after those were set.
    fileprivate(set) var forgottenPolicies: [[UInt8]] = []
    fileprivate(set) var pools: [[UInt8]: Pool] = [:]
    fileprivate(set) var openedSession: SessionID?
}

extension StoreView {
    /// - Throws: ``RefusedTransaction`` with the first reason why nothing will be done.
    func plan(_ transaction: Transaction, at revision: Revision) throws(RefusedTransaction) -> TransactionPlan {
        do throws(InvalidTransaction) {
            try transaction.validate()
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
        if let planned = plan.records[key] { return planned?.record }
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
            touch(key, StoredRecord(record))
        case .delete(let table, let reference):
            let key = RecordKey(table, number(reference))
            if current(key) != nil { touch(key, nil) }
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

    private mutating func touch(_ key: RecordKey, _ record: StoredRecord?) {
        if plan.records.updateValue(record, forKey: key) == nil { plan.touched.append(key) }
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
        for key in plan.touched {
            guard case .some(.some(let stored)) = plan.records[key] else { continue }
            for unique in stored.record.uniqueKeys {
                if let other = claimed.updateValue(key, forKey: unique) {
                    throw RefusedTransaction(.uniqueKeyTaken(key: unique, holder: other))
                }
                // A holder that is touched itself either claims the key again (caught above) or lets it go.
                if let holder = view.holder(unique), holder != key, plan.records[holder] == nil {
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
