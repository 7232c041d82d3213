internal import HostFrames
internal import Limits
internal import Services
internal import Store
internal import StoreFormat

/// What a member does with the scopes it owns: the real controllers under a driver of the same habits as the node's.
extension Fleet {
    func run(_ server: FleetServer) {
        guard server.member.pausedUntil <= now else { return }
        openInbox(of: server)
        guard server.isUp else { return }
        lead(server)
        if !chance(percent: faults.lagPercent) {
            follow(server)
            look(server)
            for host in server.sessions.keys.sorted() { sendChanges(server, sessionOf: host) }
        }
        for scope in server.workers.keys.sorted() { work(server, scope) }
        keepInTouch(server)
        for host in server.sessions.keys.sorted() { run(server, sessionOf: host) }
        tellAbsences(server)
    }

    func reader(_ server: FleetServer) -> FleetReader { FleetReader(view: server.view, documents: documents) }

    /// What has changed, and concerns something here.
    private func look(_ server: FleetServer) {
        do {
            guard let watch: Watch = server.watch else {
                server.watch = try server.member.store.watch(from: server.view.revision + 1)
                for scope in server.workers.keys.sorted() {
                    server.workers[scope]?.queue.add(Controllers.everything(in: scope, reader(server)))
                }
                return
            }
            while let event: WatchEvent = try watch.poll() {
                guard !server.workers.isEmpty else { continue }
                let reader: FleetReader = reader(server)
                for change in event.changes where change.after.map(Controllers.mayConcern) ?? true {
                    for item in Controllers.affected(by: change.key, in: reader) {
                        guard let scope: UInt64 = Controllers.scope(of: item, in: reader) else { continue }
                        server.workers[scope]?.queue.add([item])
                    }
                }
            }
        } catch {
            // Too slow, or a snapshot took the state's place: everything is looked at again.
            server.watch = nil
        }
    }

    // MARK: Workers

    private func work(_ server: FleetServer, _ scope: UInt64) {
        server.workers[scope]?.queue.wake(at: milliseconds)
        var budget: Int = 80
        while budget > 0, let worker: FleetWorker = server.workers[scope], !worker.waits, !worker.isOver {
            budget -= 1
            if let transaction: Transaction = worker.rest.first {
                server.workers[scope]?.rest.removeFirst()
                server.workers[scope]?.waits = true
                let origin: Origin = .worker(scope: scope, epoch: worker.epoch)
                propose(server, origin, acting: (scope, worker.epoch), transaction)
            } else {
                // The last one has come to its end.
                if let item: WorkItem = worker.current {
                    server.workers[scope]?.queue.end(item, .done, at: milliseconds)
                    server.workers[scope]?.current = nil
                }
                guard let item: WorkItem = server.workers[scope]?.queue.next() else { return }
                plan(server, scope, item, epoch: worker.epoch)
            }
        }
    }

    private func plan(_ server: FleetServer, _ scope: UInt64, _ item: WorkItem, epoch: UInt64) {
        let context = ControlContext(
            scope: scope,
            epoch: epoch,
            time: time(at: server),
            uuids: UUIDSource(seed: (high: nextNumber(), low: nextNumber())),
            requestID: "\(item)",
            purgeAgeMilliseconds: 1 << 40
        )
        let plan: Plan = Controllers.run(item, reader(server), context)
        if let time: Int64 = plan.wakeAt {
            server.workers[scope]?.queue.put(item, off: time - context.time, at: milliseconds)
        }
        server.workers[scope]?.current = item
        server.workers[scope]?.rest = plan.transactions
    }

    /// - Parameter outcome: nil when nobody knows what came of it, or it was not taken.
    func answered(_ server: FleetServer, workerOf scope: UInt64, _ epoch: UInt64, _ outcome: TransactionOutcome?) {
        isDone(scope, epoch, server)
        guard let worker: FleetWorker = server.workers[scope], worker.epoch == epoch else { return }
        server.workers[scope]?.waits = false
        guard let item: WorkItem = worker.current else { return }
        switch outcome {
        case .committed: return
        case .refused(.epochChanged): server.workers[scope]?.isOver = true
        case .refused: server.workers[scope]?.queue.end(item, .refused, at: milliseconds)
        case nil: server.workers[scope]?.queue.end(item, .unheard, at: milliseconds)
        }
        server.workers[scope]?.current = nil
        server.workers[scope]?.rest = []
    }

    // MARK: Hosts that are away

    func expect(_ host: UInt64, _ server: FleetServer) {
        let waits: Bool = server.absences[host]?.waits ?? false
        server.absences[host] = FleetAbsence(since: now, waits: waits)
    }

    /// It is back.
    func forgetAbsence(of host: UInt64, _ server: FleetServer) {
        if server.absences[host]?.waits == true {
            server.absences[host]?.isOver = true
        } else {
            server.absences[host] = nil
        }
    }

    /// `reconnecting` after a silence, `disconnected` after the grace; nothing is ever removed for it.
    private func tellAbsences(_ server: FleetServer) {
        let silence: Int = Self.ticks(milliseconds: Limits.hostSilenceSeconds * 1_000)
        let grace: Int = Self.ticks(milliseconds: Limits.hostDisconnectSeconds * 1_000)
        for (host, absence) in server.absences.sorted(by: { $0.key < $1.key })
        where !absence.waits && !absence.isOver && absence.retryAt <= now {
            let away: Int = now - absence.since
            if !absence.isTold, away >= silence {
                tell("reconnecting", of: host, from: server)
            } else if absence.isTold, !absence.isGivenUp, away >= silence + grace {
                tell("disconnected", of: host, from: server)
            }
        }
    }

    private func tell(_ state: String, of host: UInt64, from server: FleetServer) {
        guard let index: Int = hostIndex[host], let epoch: UInt64 = server.held[hosts[index].project] else { return }
        let scope: UInt64 = hosts[index].project
        let planned: Transaction? = HostReports.agentState(
            state,
            host: host,
            scope: scope,
            epoch: epoch,
            time: time(at: server),
            in: server.view
        )
        guard let planned else { return told(host, server) }
        server.absences[host]?.waits = true
        propose(server, .absence(host: host), acting: (scope, epoch), planned)
    }

    private func told(_ host: UInt64, _ server: FleetServer) {
        if server.absences[host]?.isTold == true {
            server.absences[host]?.isGivenUp = true
        } else {
            server.absences[host]?.isTold = true
        }
    }

    /// Said until it is written.
    func answered(_ server: FleetServer, absenceOf host: UInt64, _ outcome: TransactionOutcome?) {
        server.absences[host]?.waits = false
        if server.absences[host]?.isOver == true {
            server.absences[host] = nil
            return
        }
        switch outcome {
        case .committed: told(host, server)
        case .refused(.epochChanged): server.absences[host] = nil  // its new owner tells
        case .refused: break
        case nil: server.absences[host]?.retryAt = now + 20
        }
    }
}
