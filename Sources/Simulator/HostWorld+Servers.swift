internal import HostFrames
internal import Limits
internal import Services
internal import Store
internal import StoreFormat

/// What a server does with the scopes it owns: the real controllers under a driver of the same habits as the node's.
extension HostWorld {
    func run(_ server: Int) {
        guard servers[server].downUntil <= now, servers[server].stalledUntil <= now else { return }
        openInbox(of: server)
        if !chance(percent: faults.lagPercent) { catchUp(server) }
        for scope in servers[server].workers.keys.sorted() { work(server, scope) }
        for host in servers[server].sessions.keys.sorted() { run(server, sessionOf: host) }
        tellAbsences(server)
    }

    /// What the node makes of an assignment that it has just applied.
    func learnOwner(of scope: UInt64, at server: Int) {
        let owner: ScopeOwner? = servers[server].view.epoch(scope)
        if let owner, owner.node == servers[server].name {
            servers[server].held[scope] = owner.epoch
            var worker = HostWorldWorker(epoch: owner.epoch)
            let reader = HostWorldReader(view: servers[server].view, documents: documents)
            worker.items = Set(Controllers.everything(in: scope, reader))
            servers[server].workers[scope] = worker
            // A new owner gives every host the full grace.
            for host in hosts where host.project == scope {
                servers[server].absences[host.number] = HostWorldAbsence(since: now)
            }
            let name: String = servers[server].name
            trace.record(now, 20, UInt64(server), scope, owner.epoch) { "\(name) owns \(scope), epoch \(owner.epoch)" }
        } else if servers[server].held[scope] != nil, !flaws.contains(.keepsOldEpoch) {
            servers[server].held[scope] = nil
            servers[server].workers[scope] = nil
            for host in hosts where host.project == scope { servers[server].absences[host.number] = nil }
            let name: String = servers[server].name
            trace.record(now, 21, UInt64(server), scope) { "\(name) sees that it lost \(scope)" }
        }
    }

    func add(_ keys: Set<RecordKey>, to server: Int) {
        guard !servers[server].workers.isEmpty else { return }
        let reader = HostWorldReader(view: servers[server].view, documents: documents)
        for key in keys {
            for item in Controllers.affected(by: key, in: reader) {
                guard let scope: UInt64 = Controllers.scope(of: item, in: reader) else { continue }
                servers[server].workers[scope]?.items.insert(item)
            }
        }
    }

    // MARK: Workers

    private func work(_ server: Int, _ scope: UInt64) {
        for (item, due) in servers[server].workers[scope]?.wakes ?? [:] where due <= time {
            servers[server].workers[scope]?.wakes[item] = nil
            servers[server].workers[scope]?.items.insert(item)
        }
        var budget: Int = 80
        while budget > 0, let worker: HostWorldWorker = servers[server].workers[scope], !worker.waits, !worker.isOver {
            budget -= 1
            if let transaction: Transaction = worker.rest.first {
                servers[server].workers[scope]?.rest.removeFirst()
                servers[server].workers[scope]?.waits = true
                let origin: Origin = .worker(scope: scope, epoch: worker.epoch)
                switch propose(server, origin, scope: scope, epoch: worker.epoch, transaction) {
                case .waits: return
                // The answer may have come with news of the scope: then another worker stands in this one's place.
                case .outcome(let outcome): answered(server, origin, outcome)
                case .failed:
                    guard servers[server].workers[scope]?.epoch == worker.epoch else { return }
                    giveUp(server, workerOf: scope)
                }
            } else if let item: WorkItem = worker.items.min() {
                plan(server, scope, item, epoch: worker.epoch)
            } else {
                return
            }
        }
    }

    private func plan(_ server: Int, _ scope: UInt64, _ item: WorkItem, epoch: UInt64) {
        let context = ControlContext(
            scope: scope,
            epoch: epoch,
            time: time,
            uuids: UUIDSource(seed: (high: nextNumber(), low: nextNumber())),
            requestID: "\(servers[server].name) \(item)",
            purgeAgeMilliseconds: 1 << 40
        )
        let plan: Plan = Controllers.run(
            item,
            HostWorldReader(view: servers[server].view, documents: documents),
            context
        )
        servers[server].workers[scope]?.items.remove(item)
        servers[server].workers[scope]?.wakes[item] = plan.wakeAt
        servers[server].workers[scope]?.current = item
        servers[server].workers[scope]?.rest = plan.transactions
    }

    private func answered(_ server: Int, workerOf scope: UInt64, _ outcome: TransactionOutcome) {
        servers[server].workers[scope]?.waits = false
        guard case .refused(let refusal) = outcome else { return }
        servers[server].workers[scope]?.rest = []
        if case .epochChanged = refusal {
            servers[server].workers[scope]?.isOver = true
        } else if let item: WorkItem = servers[server].workers[scope]?.current {
            servers[server].workers[scope]?.items.insert(item)
        }
    }

    /// Nobody knows what came of it: later again.
    private func giveUp(_ server: Int, workerOf scope: UInt64) {
        servers[server].workers[scope]?.waits = false
        servers[server].workers[scope]?.rest = []
        guard let item: WorkItem = servers[server].workers[scope]?.current else { return }
        servers[server].workers[scope]?.wakes[item] = time + 1_000
    }

    func answered(_ server: Int, _ origin: Origin, _ outcome: TransactionOutcome) {
        switch origin {
        case .worker(let scope, let epoch):
            guard servers[server].workers[scope]?.epoch == epoch else { return }
            answered(server, workerOf: scope, outcome)
        case .session(let host, let stream):
            guard servers[server].sessions[host]?.stream == stream else { return }
            servers[server].sessions[host]?.waits = false
            answered(server, sessionOf: host, outcome)
        case .absence: break
        }
    }

    // MARK: Hosts that are away

    /// `reconnecting` after a silence, `disconnected` after the grace; nothing is ever removed for it.
    private func tellAbsences(_ server: Int) {
        let silence: Int = Limits.hostSilenceSeconds * 10
        for (number, absence) in servers[server].absences.sorted(by: { $0.key < $1.key }) {
            let away: Int = now - absence.since
            if !absence.isTold, away >= silence {
                let isTold: Bool = tell("reconnecting", of: number, from: server)
                servers[server].absences[number]?.isTold = isTold
            } else if absence.isTold, !absence.isGivenUp, away >= silence + Limits.hostDisconnectSeconds * 10 {
                let isTold: Bool = tell("disconnected", of: number, from: server)
                servers[server].absences[number]?.isGivenUp = isTold
            }
        }
    }

    private func tell(_ state: String, of host: UInt64, from server: Int) -> Bool {
        guard let index: Int = hostIndex[host] else { return true }
        let scope: UInt64 = hosts[index].project
        guard let epoch: UInt64 = servers[server].held[scope] else { return true }
        let planned: Transaction? = HostReports.agentState(
            state,
            host: host,
            scope: scope,
            epoch: epoch,
            time: time,
            in: servers[server].view
        )
        guard let planned else { return true }
        switch propose(server, .absence, scope: scope, epoch: epoch, planned) {
        case .outcome(.committed): return true
        // One that is under way may still fail; then a later change of the host says so.
        case .waits: return true
        case .failed, .outcome(.refused): return false
        }
    }
}
