internal import Services
internal import Store
internal import StoreFormat

/// What a proposer hears at once.
enum ProposalAnswer {
    case outcome(TransactionOutcome)
    /// Not applied, or applied and nobody knows.
    case failed
    /// The answer comes later.
    case waits
}

/// The one log: what is proposed, what comes of it, and how far each server has applied it.
extension HostWorld {
    var logEnd: Int { logBase + log.count }

    /// The state as nobody but the checkers sees it.
    var head: HostWorldReader { HostWorldReader(view: store.view, documents: documents) }

    /// Applies a transaction as the next entry, in the form in which it stands in the log.
    @discardableResult
    func commit(_ transaction: Transaction) -> TransactionOutcome {
        let before: StoreView = store.view
        let index: Revision = before.revision + 1
        let outcome: TransactionOutcome
        do {
            outcome = try store.apply(index: index, encoded: try transaction.proposal())
        } catch {
            checker.fail("\(transaction.requestID) proposed what cannot be applied: \(error)")
            return .refused(.invalid("\(error)"))
        }
        let after: StoreView = store.view
        var keys: Set<RecordKey> = []
        var assigned: [UInt64] = []
        if case .committed(_, let numbers) = outcome {
            report.transactions += 1
            func number(_ reference: NumberReference) -> UInt64 {
                switch reference {
                case .known(let number): number
                case .created(let position): numbers[position]
                }
            }
            for write in transaction.writes {
                switch write {
                case .put(let put): keys.insert(RecordKey(put.table, number(put.number)))
                case .delete(let table, let reference): keys.insert(RecordKey(table, number(reference)))
                case .assignScope(let scope, _): assigned.append(number(scope))
                default: break
                }
            }
        }
        let changes: [Change] = keys.sorted().map { key in
            Change(key: key, before: before.get(key), after: after.get(key))
        }
        log.append(Entry(view: after, changes: changes, assigned: assigned))
        let isCommitted: Bool = !changes.isEmpty || !assigned.isEmpty
        trace.record(now, 10, index, UInt64(changes.count), isCommitted ? 1 : 0) {
            let keys: String = changes.map { "\($0.key)" }.joined(separator: " ")
            return isCommitted
                ? "revision \(index): \(transaction.requestID) changed \(keys)"
                : "revision \(index): \(transaction.requestID) was refused: \(outcome)"
        }
        return outcome
    }

    func propose(
        _ server: Int,
        _ origin: Origin,
        scope: UInt64,
        epoch: UInt64,
        _ transaction: Transaction
    ) -> ProposalAnswer {
        var transaction: Transaction = transaction
        if flaws.contains(.keepsOldEpoch) {
            transaction.preconditions.removeAll { if case .epoch = $0 { true } else { false } }
        }
        var proposal = Proposal(
            server: server,
            life: servers[server].life,
            origin: origin,
            scope: scope,
            epoch: epoch,
            transaction: transaction
        )
        if chance(percent: faults.proposalLossPercent) { return .failed }
        if chance(percent: faults.proposalUnknownPercent) {
            proposal.life = .max
            at(now + 1 + below(faults.proposalDelayTicks), .apply(proposal))
            return .failed
        }
        if chance(percent: faults.proposalDelayPercent) {
            at(now + 1 + below(faults.proposalDelayTicks), .apply(proposal))
            return .waits
        }
        let outcome: TransactionOutcome = commit(proposal)
        catchUp(server)
        return .outcome(outcome)
    }

    func apply(_ proposal: Proposal) {
        let outcome: TransactionOutcome = commit(proposal)
        at(now, .answer(server: proposal.server, life: proposal.life, proposal.origin, outcome))
    }

    private func commit(_ proposal: Proposal) -> TransactionOutcome {
        let actual: UInt64 = store.view.epoch(proposal.scope)?.epoch ?? 0
        let outcome: TransactionOutcome = commit(proposal.transaction)
        switch outcome {
        case .committed:
            checker.committed(
                by: servers[proposal.server].name,
                scope: proposal.scope,
                under: proposal.epoch,
                actual: actual
            )
        case .refused(.epochChanged): report.fenced += 1
        case .refused(.invalid(let reason)):
            checker.fail("\(proposal.transaction.requestID) proposed an invalid transaction: \(reason)")
        case .refused: break
        }
        return outcome
    }

    // MARK: Applying

    func catchUp(_ server: Int) {
        guard servers[server].position < logEnd else { return }
        var touched: Set<RecordKey> = []
        while servers[server].position < logEnd {
            let entry: Entry = log[servers[server].position - logBase]
            servers[server].position += 1
            servers[server].view = entry.view
            for scope in entry.assigned { learnOwner(of: scope, at: server) }
            sendChanges(of: entry, from: server)
            touched.formUnion(entry.changes.map(\.key))
        }
        add(touched, to: server)
    }

    /// Lets go of what every server has applied.
    func forgetLog() {
        let applied: Int = servers.map(\.position).min() ?? logBase
        guard applied - logBase > 200 else { return }
        log.removeFirst(applied - logBase)
        logBase = applied
    }
}
