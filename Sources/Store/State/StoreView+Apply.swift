package import StoreFormat

/// One record as an entry found it and left it.
package struct RecordChange: Hashable, Sendable {
    package var key: RecordKey
    /// Nil: the entry created it.
    package var before: Record?
    /// Nil: the entry deleted it.
    package var after: Record?
}

/// What came of one entry.
struct Applied: Sendable {
    var outcome: TransactionOutcome
    /// Ascending by key; empty when nothing was written, or written anew.
    var changes: [RecordChange] = []
    /// Whether it ran now, rather than being answered from a session.
    var ran: Bool = true
    /// Whether it named an owner for a scope.
    var assignsScopes: Bool = false

    /// What history keeps of it; nil when nothing came of the entry.
    func history(of transaction: Transaction) -> HistoryEntry? {
        guard ran, case .committed(let revision, let numbers) = outcome else { return nil }
        guard !changes.isEmpty || transaction.audit != nil else { return nil }
        let audit: AuditRecord? = transaction.audit
        let resource: UInt64? = audit?.resourceID ?? audit?.createdResource.map { numbers[$0] }
        return HistoryEntry(
            revision: revision,
            time: transaction.time,
            actor: transaction.actor,
            requestID: transaction.requestID,
            audit: audit,
            resource: resource,
            changes: changes
        )
    }
}

extension StoreView {
    /// Moves the state on by one entry.
    ///
    /// Total and deterministic: the same entries in the same order give equal states and outcomes on
    /// every machine. No clock, no randomness, no order that depends on hashing.
    ///
    /// - Parameter isValid: the transaction was checked when it was decoded.
    mutating func apply(index: Revision, _ transaction: Transaction, isValid: Bool = false) -> Applied {
        precondition(index > revision, "entry \(index) was applied before: the state is at \(revision)")
        defer { revision = index }
        guard let ticket = transaction.ticket else { return run(transaction, at: index, isValid) }
        switch admit(ticket, at: index) {
        case .answered(let outcome): return Applied(outcome: outcome, ran: false)
        case .new:
            let applied: Applied = run(transaction, at: index, isValid)
            remember(applied.outcome, for: ticket)
            return applied
        }
    }

    private mutating func run(_ transaction: Transaction, at index: Revision, _ isValid: Bool) -> Applied {
        do {
            let plan: TransactionPlan = try plan(transaction, at: index, isValid: isValid)
            return Applied(
                outcome: .committed(revision: index, numbers: plan.numbers),
                changes: carryOut(plan),
                assignsScopes: !plan.scopes.isEmpty
            )
        } catch {
            return Applied(outcome: .refused(error.refusal))
        }
    }

    private mutating func carryOut(_ plan: TransactionPlan) -> [RecordChange] {
        nextNumber = plan.nextNumber
        for (scope, owner) in plan.scopes { scopes.set(scope, owner) }
        for subject in plan.policies { policies.set(ByteKey(subject), plan.revision) }
        for subject in plan.forgottenPolicies { policies.remove(ByteKey(subject)) }
        // The order of a dictionary is harmless here: each name is set once, in an ordered tree.
        for (name, pool) in plan.pools { pools.set(ByteKey(name), pool) }
        if let id = plan.openedSession { open(id, at: plan.revision) }

        var changes: [RecordChange] = []
        var touched: [TouchedRecords.Entry] = plan.touched.entries
        if touched.count > 1 { touched.sort { $0.key < $1.key } }
        changes.reserveCapacity(touched.count)
        for entry in touched {
            let key: RecordKey = entry.key
            let before: Record? = get(key)
            let after: StoredRecord? = entry.record
            // Created and deleted by the same transaction: nothing came of it.
            if before == nil && after == nil { continue }
            if let before { release(before, keeping: after?.record) }
            if let after { records.set(key, after) } else { records.remove(key) }
            noteChange(in: key.table, at: plan.revision)
            changes.append(RecordChange(key: key, before: before, after: after?.record))
        }
        // Claimed when all are released: a key may move from a record to another.
        for change in changes {
            if let after = change.after { claim(after, unlike: change.before) }
        }
        return changes
    }

    /// Takes the old record's entries out of the indexes, except those that the new one has as well.
    private mutating func release(_ old: Record, keeping new: Record?) {
        for term in old.terms where new?.has(term: term) != true {
            terms.remove(TermKey(table: old.key.table, term: term, number: old.key.number))
        }
        for unique in old.uniqueKeys where new?.uniqueKeys.contains(unique) != true {
            uniqueKeys.remove(ByteKey(unique))
        }
    }

    private mutating func claim(_ new: Record, unlike old: Record?) {
        for term in new.terms where old?.has(term: term) != true {
            terms.set(TermKey(table: new.key.table, term: term, number: new.key.number), Present())
        }
        for unique in new.uniqueKeys where old?.uniqueKeys.contains(unique) != true {
            uniqueKeys.set(ByteKey(unique), new.key)
        }
    }
}
