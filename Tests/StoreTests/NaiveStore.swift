import Limits
import StoreFormat

@testable import Store

/// The rules of apply once more, in the plainest form: dictionaries, searched whole, copied whole.
struct NaiveStore {
    struct NaiveSession: Equatable {
        var below: UInt64 = 1
        var used: Revision
        var replies: [UInt64: TransactionOutcome] = [:]
    }

    var next: UInt64 = 1
    var records: [RecordKey: Record] = [:]
    var scopes: [UInt64: ScopeOwner] = [:]
    var policies: [[UInt8]: Revision] = [:]
    var pools: [[UInt8]: Pool] = [:]
    var sessions: [SessionID: NaiveSession] = [:]

    mutating func apply(_ index: Revision, _ value: Transaction) -> TransactionOutcome {
        guard let ticket = value.ticket else { return run(index, value) }
        guard var session = sessions[ticket.session] else {
            return .refused(.sessionExpired(sequence: ticket.sequence))
        }
        session.used = index
        session.below = max(session.below, ticket.answeredBelow)
        session.replies = session.replies.filter { $0.key >= session.below }
        sessions[ticket.session] = session
        if let reply = session.replies[ticket.sequence] { return reply }
        if ticket.sequence < session.below { return .refused(.sessionExpired(sequence: ticket.sequence)) }
        let outcome: TransactionOutcome = run(index, value)
        sessions[ticket.session]?.replies[ticket.sequence] = outcome
        return outcome
    }

    private mutating func run(_ index: Revision, _ value: Transaction) -> TransactionOutcome {
        var copy: NaiveStore = self
        if let refusal = copy.change(index, value) { return .refused(refusal) }
        let numbers: [UInt64] = (0..<value.created).map { next + UInt64($0) }
        self = copy
        return .committed(revision: index, numbers: numbers)
    }

    private func holder(_ key: [UInt8]) -> RecordKey? {
        records.values.first { $0.uniqueKeys.contains(key) }?.key
    }

    private mutating func change(_ index: Revision, _ value: Transaction) -> Refusal? {
        for condition in value.preconditions {
            switch condition {
            case .revision(let key, let expected):
                let actual: Revision = records[key]?.revision ?? 0
                if actual != expected { return .revisionChanged(key, expected: expected, actual: actual) }
            case .absent(let key): if records[key] != nil { return .present(key) }
            case .uniqueKeyFree(let key):
                if let holder = holder(key) { return .uniqueKeyTaken(key: key, holder: holder) }
            case .epoch(let scope, let expected):
                let actual: UInt64 = scopes[scope]?.epoch ?? 0
                if actual != expected { return .epochChanged(scope: scope, expected: expected, actual: actual) }
            case .policyUnchanged(let subject, let since):
                let actual: Revision = policies[subject] ?? 0
                if actual > since { return .policyChanged(subject: subject, since: since, actual: actual) }
            case .poolHolds(let name, let amount):
                let left: UInt64 = pools[name]?.left ?? 0
                if pools[name] == nil || left < amount { return .poolExhausted(name: name, wanted: amount, left: left) }
            }
        }
        let numbers: [UInt64] = (0..<value.created).map { next + UInt64($0) }
        next += UInt64(value.created)
        func number(_ reference: NumberReference) -> UInt64 {
            switch reference {
            case .known(let number): number
            case .created(let index): numbers[index]
            }
        }
        var before: [RecordKey: Record] = records
        var touched: [RecordKey] = []
        var forgotten: [[UInt8]] = []
        for write in value.writes {
            switch write {
            case .put(let put):
                let key = RecordKey(put.table, number(put.number))
                if !touched.contains(key) { touched.append(key) }
                records[key] = Record(
                    key: key,
                    revision: index,
                    created: records[key]?.created ?? index,
                    scope: number(put.scope),
                    time: value.time,
                    document: put.document.filled(with: numbers),
                    terms: put.terms.map { $0.filled(with: numbers) },
                    uniqueKeys: put.uniqueKeys.map { $0.filled(with: numbers) }
                )
                if case .known(let known) = put.number { next = max(next, known + 1) }
            case .delete(let table, let reference):
                let key = RecordKey(table, number(reference))
                if records[key] != nil, !touched.contains(key) { touched.append(key) }
                records[key] = nil
            case .assignScope(let scope, let node):
                scopes[number(scope)] = ScopeOwner(node: node, epoch: (scopes[number(scope)]?.epoch ?? 0) + 1)
            case .touchPolicy(let subject): policies[subject.filled(with: numbers)] = index
            case .forgetPolicy(let subject): forgotten.append(subject.filled(with: numbers))
            case .definePool(let name, let capacity):
                let name: [UInt8] = name.filled(with: numbers)
                pools[name] = Pool(capacity: capacity, used: pools[name]?.used ?? 0)
            case .takeFromPool(let name, let amount):
                let name: [UInt8] = name.filled(with: numbers)
                if amount > 0 {
                    let left: UInt64 = pools[name]?.left ?? 0
                    if left < UInt64(amount) { return .poolExhausted(name: name, wanted: UInt64(amount), left: left) }
                    pools[name]?.used += UInt64(amount)
                } else if let used = pools[name]?.used {
                    pools[name]?.used = used > amount.magnitude ? used - amount.magnitude : 0
                }
            case .openSession(let nonce):
                while sessions.count >= Limits.sessions,
                    let oldest = sessions.min(by: {
                        ($0.value.used, $0.key) < ($1.value.used, $1.key)
                    })
                { sessions[oldest.key] = nil }
                sessions[SessionID(opened: index, nonce: nonce)] = NaiveSession(used: index)
            }
        }
        for subject in forgotten { policies[subject] = nil }
        // Claims of the touched records in order, against the touched before them, then the untouched.
        for key in touched { before[key] = nil }
        var claimed: [[UInt8]: RecordKey] = [:]
        for key in touched {
            for unique in records[key]?.uniqueKeys ?? [] {
                let other: RecordKey? =
                    claimed[unique] ?? before.values.first { $0.uniqueKeys.contains(unique) }?.key
                if let other { return .uniqueKeyTaken(key: unique, holder: other) }
                claimed[unique] = key
            }
        }
        return nil
    }

    /// What a view must hold.
    func differences(from view: StoreView) -> [String] {
        var wrong: [String] = []
        if view.nextNumber != next { wrong.append("next number \(view.nextNumber), not \(next)") }
        var terms: Set<String> = []
        var unique: [[UInt8]: RecordKey] = [:]
        for record in records.values {
            if view.get(record.key) != record { wrong.append("record \(record.key)") }
            for term in record.terms {
                terms.insert("\(TermKey(table: record.key.table, term: term, number: record.key.number))")
            }
            for key in record.uniqueKeys { unique[key] = record.key }
        }
        if view.recordCount != records.count { wrong.append("\(view.recordCount) records, not \(records.count)") }
        var found: Set<String> = []
        view.terms.forEach { key, _ in
            found.insert("\(key)"); return true
        }
        if found != terms || view.terms.count != terms.count { wrong.append("terms") }
        if view.uniqueKeys.count != unique.count || unique.contains(where: { view.holder($0.key) != $0.value }) {
            wrong.append("unique keys")
        }
        if view.scopes.count != scopes.count || scopes.contains(where: { view.epoch($0.key) != $0.value }) {
            wrong.append("scopes")
        }
        if view.policies.count != policies.count
            || policies.contains(where: { view.policyRevision($0.key) != $0.value })
        {
            wrong.append("policies")
        }
        if view.pools.count != pools.count || pools.contains(where: { view.pool($0.key) != $0.value }) {
            wrong.append("pools")
        }
        let expected: [SessionID: Session] = sessions.mapValues {
            Session(answeredBelow: $0.below, lastUsed: $0.used, replies: $0.replies.count)
        }
        if view.sessions.count != expected.count || expected.contains(where: { view.session($0.key) != $0.value }) {
            wrong.append("sessions")
        }
        for (id, session) in sessions {
            for (sequence, reply) in session.replies
            where view.replies[ReplyKey(session: id, sequence: sequence)] != reply { wrong.append("reply \(sequence)") }
        }
        return wrong
    }
}
