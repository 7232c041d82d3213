internal import RaftCore
internal import Services
internal import Store
internal import StoreFormat

/// What a server proposed for a scope, and under which epoch it acts.
struct FleetAct {
    var server: String
    var scope: UInt64
    var epoch: UInt64
}

/// From a server into the log of the cluster, and back.
extension Fleet {
    /// Through the cluster, as the node's own proposals go: to the leader, and back when it is applied here.
    ///
    /// - Parameter acting: the scope for which it acts, and its epoch; nil where it decides who owns what.
    func propose(
        _ server: FleetServer,
        _ origin: Origin,
        acting: (scope: UInt64, epoch: UInt64)?,
        _ transaction: Transaction
    ) {
        var transaction: Transaction = transaction
        proposalCount += 1
        // A name of its own: what is carried out twice is seen by it.
        transaction.requestID = "\(server.name) #\(proposalCount) \(transaction.requestID)"
        if let acting {
            acts[transaction.requestID] = FleetAct(server: server.name, scope: acting.scope, epoch: acting.epoch)
            if flaws.contains(.keepsOldEpoch) {
                transaction.preconditions.removeAll { if case .epoch = $0 { true } else { false } }
            }
        }
        do {
            world.call(from: server.member, .server(origin), payload: try transaction.proposal())
        } catch {
            checker.fail("\(transaction.requestID) is no valid transaction: \(error)")
        }
    }

    func assignment(of scope: UInt64, to node: String, after epoch: UInt64, at server: FleetServer) -> Transaction {
        Transaction(
            time: time(at: server),
            actor: "system",
            requestID: "gives \(scope) to \(node)",
            preconditions: [.epoch(scope: scope, epoch)],
            writes: [.assignScope(scope: .known(scope), node: node)]
        )
    }

    /// By the member's own clock, which may be wrong.
    func time(at server: FleetServer) -> Int64 { world.time + server.member.wallOffset }

    /// The cluster answers a call of a server: it hears of it when it runs.
    func answered(_ place: Int, life: Int, _ origin: Origin, _ answer: ClusterAnswer) {
        at(now, .answer(server: place, life: life, origin, answer))
    }

    func answered(_ server: FleetServer, _ origin: Origin, _ answer: ClusterAnswer) {
        var outcome: TransactionOutcome?
        if case .decided(let decided) = answer { outcome = decided }
        switch origin {
        case .worker(let scope, let epoch): answered(server, workerOf: scope, epoch, outcome)
        case .session(let host, let stream):
            guard server.sessions[host]?.stream == stream else { return }
            server.sessions[host]?.waits = false
            answered(server, sessionOf: host, outcome)
        case .absence(let host): answered(server, absenceOf: host, outcome)
        case .office(let scope, let term): answered(server, officeAbout: scope, term, outcome)
        case .take(let scope):
            if outcome == nil {
                server.takes[scope]?.waits = false
                server.takes[scope]?.retryAt = now + 4
            } else {
                server.takes[scope] = nil
            }
        case .start:
            if case .read = answer { inherit(server) } else { server.asksAt = now + 2 }
        case .touch:
            if case .read = answer { server.answeredAt = now }
        }
    }

    // MARK: What is committed

    /// An entry was applied for the first time anywhere.
    func committed(_ transaction: Transaction, _ outcome: TransactionOutcome) {
        judge(transaction, outcome)
        guard case .committed(let revision, let numbers) = outcome else { return }
        world.trace.record(
            now,
            110,
            revision,
            UInt64(transaction.writes.count),
            "revision \(revision): \(transaction.requestID), \(transaction.writes.count) writes"
        )
        if let order: FleetOrder = orders.removeValue(forKey: transaction.requestID) { take(order, numbers) }
        for case .assignScope(.known(let scope), let node) in transaction.writes {
            let before: (node: String, epoch: UInt64)? = owners[scope]
            owners[scope] = (node, (before?.epoch ?? 0) + 1)
            guard scope != 0, let before, before.node != node else { continue }
            report.moves += 1
            report.streamsMoved = max(report.streamsMoved, openStreams(of: scope, at: before.node))
        }
    }

    private func judge(_ transaction: Transaction, _ outcome: TransactionOutcome) {
        guard let act: FleetAct = acts.removeValue(forKey: transaction.requestID) else { return }
        switch outcome {
        case .committed:
            report.acts += 1
            checker.committed(
                by: act.server,
                scope: act.scope,
                under: act.epoch,
                actual: owners[act.scope]?.epoch ?? 0
            )
        case .refused(.epochChanged): report.fenced += 1
        case .refused(.invalid(let reason)):
            checker.fail("\(transaction.requestID) proposed an invalid transaction: \(reason)")
        case .refused: break
        }
    }

    private func openStreams(of project: UInt64, at node: String) -> Int {
        let server: FleetServer? = world.members.lazy.compactMap(\.server).first { $0.name == node }
        return server?.sessions.values.count { session in
            session.project == project && session.isWelcomed && streams[session.stream]?.isOpenAtHost == true
        } ?? 0
    }
}
