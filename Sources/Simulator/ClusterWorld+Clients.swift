internal import Checkers
internal import RaftCore
internal import Store
internal import StoreFormat

/// Clients: one request at a time, repeated under its number until somebody says what came of it.
extension ClusterWorld {
    private static let table = Table(rawValue: 7)
    private static let allocatedTable = Table(rawValue: 8)
    static let tables: [Table] = [table, allocatedTable] + Fleet.tables
    private static let keys: Int = 6
    /// How long one attempt is waited for, and a request altogether.
    private static let attemptTicks: Int = 35
    private static let requestTicks: Int = 160

    static func key(_ number: Int) -> RecordKey { RecordKey(table, UInt64(number + 1)) }

    func run(client number: Int) {
        if let call = clients[number].call {
            guard clients[number].callUntil <= now else { return }
            calls[call] = nil
            return finishAttempt(number, .unknown)
        }
        guard clients[number].idleUntil <= now else { return }
        if clients[number].task == nil {
            guard !isClosing else { return }
            clients[number].task = newTask(number)
        }
        attempt(number)
    }

    func answered(_ id: Int, _ answer: ClusterAnswer) {
        guard let call = calls.removeValue(forKey: id) else { return }
        switch call.asker {
        case .client(let client): if clients[client].call == id { finishAttempt(client, answer) }
        case .server(let origin): fleet?.answered(call.gateway, life: call.gatewayLife, origin, answer)
        }
    }

    private func attempt(_ number: Int) {
        guard var task = clients[number].task else { return }
        let open: [ClusterMember] = present
        let gateway: ClusterMember = open[random.below(open.count)]
        if task.attempts > 0 { count(.retry) }
        task.attempts += 1
        if task.attempts == 1 || worldFlaws.contains(.renumbersRetries) { prepare(&task, number, gateway) }
        clients[number].task = task
        let id: Int = nextCall
        nextCall += 1
        var isRead: Bool = false
        var key: Int = 0
        if case .read(let asked) = task.kind {
            isRead = true
            key = asked
        }
        calls[id] = ClusterCall(
            asker: .client(number),
            isRead: isRead,
            key: key,
            payload: task.payload,
            gateway: gateway.place,
            gatewayLife: gateway.life
        )
        clients[number].call = id
        clients[number].callUntil = now + Self.attemptTicks
        schedule(.call(id), after: 1)
    }

    // MARK: Requests

    private func newTask(_ number: Int) -> ClusterClient.Task {
        clients[number].tasks += 1
        clock += 1
        let name: String = "\(clients[number].name).\(clients[number].tasks)"
        func task(_ kind: ClusterClient.Task.Kind, isRepeatable: Bool = true) -> ClusterClient.Task {
            ClusterClient.Task(kind: kind, name: name, since: now, invoked: clock, isRepeatable: isRepeatable)
        }
        guard clients[number].session != nil else {
            return task(.openSession(nonce: random.next()), isRepeatable: false)
        }
        let key: Int = random.below(Self.keys)
        // Without a number it cannot be repeated.
        let isRepeatable: Bool = !random.chance(percent: 15)
        func change(_ request: ClientOperation.Request) -> ClusterClient.Task {
            task(.change([(key, request)]), isRepeatable: isRepeatable)
        }
        if let fleet, random.chance(percent: fleet.faults.userPercent) { return task(.order) }
        let seen: UInt64? = clients[number].seen[key]
        switch random.below(100) {
        case ..<38: return task(.read(key: key))
        case ..<66: return seen.map { change(.replace(name, revision: $0)) } ?? change(.create(name))
        case ..<74: return change(.create(name))
        case ..<82: return change(.write(name))
        case ..<88: return seen.map { change(.delete(revision: $0)) } ?? change(.delete(revision: nil))
        case ..<90: return change(.delete(revision: nil))
        case ..<95:
            let other: Int = (key + 1 + random.below(Self.keys - 1)) % Self.keys
            return task(.change([(key, .write(name)), (other, .write(name))]), isRepeatable: isRepeatable)
        default: return task(.allocate, isRepeatable: isRepeatable)
        }
    }

    /// Makes the transaction, and gives it its number in the session.
    private func prepare(_ task: inout ClusterClient.Task, _ number: Int, _ gateway: ClusterMember) {
        var ticket: SessionTicket?
        if task.isRepeatable, let session = clients[number].session {
            clients[number].sequence += 1
            let sequence: UInt64 = clients[number].sequence
            // One request at a time: those before have their answer, or nobody waits for it.
            ticket = SessionTicket(session: session, sequence: sequence, answeredBelow: sequence)
        }
        var conditions: [Precondition] = []
        var writes: [Write] = []
        var created: Int = 0
        switch task.kind {
        case .read: return
        case .openSession(let nonce):
            ticket = nil
            writes = [.openSession(nonce: nonce)]
        case .order:
            if let order: FleetOrder = fleet?.order(task.name, at: gateway.store.view) {
                created = order.service == nil ? 1 : 0
                conditions = order.preconditions
                writes = [order.write]
                fleet?.orders[task.name] = order
            } else {
                task.kind = .allocate
                created = 1
                writes = [Self.allocation(task.name)]
            }
        case .allocate:
            created = 1
            writes = [Self.allocation(task.name)]
        case .change(let parts):
            for (key, request) in parts {
                let record: RecordKey = Self.key(key)
                switch request {
                case .read: break
                case .create: conditions.append(.absent(record))
                case .replace(_, let revision): conditions.append(.revision(record, revision))
                case .delete(let revision): if let revision { conditions.append(.revision(record, revision)) }
                case .write: break
                }
                if case .delete = request {
                    writes.append(.delete(record.table, .known(record.number)))
                } else {
                    writes.append(
                        .put(
                            RecordWrite(
                                table: record.table,
                                number: .known(record.number),
                                scope: .known(random.chance(percent: 50) ? 5 : 6),
                                document: Template(task.name),
                                terms: [Template(random.chance(percent: 50) ? "even" : "odd")]
                            )
                        )
                    )
                }
            }
        }
        let transaction = Transaction(
            ticket: ticket,
            time: time + gateway.wallOffset,
            actor: "system",
            requestID: task.name,
            preconditions: conditions,
            writes: writes,
            created: created
        )
        do {
            task.payload = try transaction.proposal()
        } catch {
            checker.fail("request \(task.name) is no valid transaction: \(error)")
        }
    }

    private static func allocation(_ name: String) -> Write {
        .put(
            RecordWrite(
                table: allocatedTable,
                number: .created(0),
                scope: .known(5),
                document: Template(name),
                uniqueKeys: [Template("name/\(name)")]
            )
        )
    }

    // MARK: Answers

    private func finishAttempt(_ number: Int, _ answer: ClusterAnswer) {
        clients[number].call = nil
        guard var task = clients[number].task else { return }
        switch answer {
        case .read(let record): return read(number, task, record)
        case .decided(let outcome): return decided(number, task, outcome)
        case .unknown: task.mayHaveRun = true
        case .refused: break
        }
        let isLate: Bool = now - task.since > Self.requestTicks
        var isRead: Bool = false
        if case .read = task.kind { isRead = true }
        if !isLate, isRead || task.isRepeatable || !task.mayHaveRun {
            clients[number].task = task
            clients[number].idleUntil = now + 1 + random.below(6)
        } else if case .change(let parts) = task.kind, task.mayHaveRun {
            for (key, request) in parts { record(number, task, key, request, .unknown) }
            finish(number)
        } else {
            finish(number)
        }
    }

    /// Nobody will answer it any more.
    func abandon(_ number: Int) {
        guard let task = clients[number].task else { return }
        clients[number].call = nil
        if case .change(let parts) = task.kind, task.attempts > 0 {
            for (key, request) in parts { record(number, task, key, request, .unknown) }
        }
        finish(number)
    }

    private func finish(_ number: Int) {
        clients[number].task = nil
        clients[number].idleUntil = now + random.below(isCalm ? 2 : 4)
    }

    private func read(_ number: Int, _ task: ClusterClient.Task, _ found: Record?) {
        guard case .read(let key) = task.kind else { return }
        report.reads += 1
        clients[number].seen[key] = found?.revision
        let outcome: ClientOperation.Outcome =
            found.map { .found(String(decoding: $0.document, as: UTF8.self), revision: $0.revision) } ?? .absent
        record(number, task, key, .read, outcome)
        finish(number)
    }

    private func decided(_ number: Int, _ task: ClusterClient.Task, _ outcome: TransactionOutcome) {
        if task.isRepeatable, case .committed = outcome, let session = clients[number].session,
            session.high <= pastRevision
        {
            return checker.fail("request \(task.name) was taken under a session of another incarnation")
        }
        switch (task.kind, outcome) {
        case (.read, _): break
        case (.openSession(let nonce), .committed(let revision, _)):
            clients[number].session = SessionID(opened: revision, nonce: nonce)
            clients[number].sequence = 0
        case (.openSession, .refused(let refusal)): checker.fail("no session can be opened: \(refusal)")
        case (_, .refused(.sessionExpired)):
            // Whether it ran is unknown, and it will not run any more under this number.
            clients[number].session = nil
            if case .change(let parts) = task.kind {
                for (key, request) in parts { record(number, task, key, request, .unknown) }
            }
        case (_, .refused(.invalid(let reason))): checker.fail("request \(task.name) was invalid: \(reason)")
        case (.allocate, .committed(let revision, _)), (.order, .committed(let revision, _)):
            report.writes += 1
            report.acknowledged += 1
            checker.acknowledged(task.name, at: revision, by: clients[number].name)
        case (.order, .refused): report.acknowledged += 1
        case (.allocate, .refused(let refusal)):
            checker.fail("request \(task.name), which only makes something new, was refused: \(refusal)")
        case (.change(let parts), .committed(let revision, _)):
            report.writes += 1
            checker.acknowledged(task.name, at: revision, by: clients[number].name)
            for (key, request) in parts {
                if case .delete = request {
                    clients[number].seen[key] = nil
                } else {
                    clients[number].seen[key] = revision
                }
                record(number, task, key, request, .done(revision: revision))
            }
        case (.change(let parts), .refused(let refusal)):
            report.writes += 1
            guard let (key, request) = parts.first else { break }
            var actual: UInt64?
            if case .revisionChanged(_, _, let found) = refusal { actual = found }
            clients[number].seen[key] = actual.flatMap { $0 == 0 ? nil : $0 }
            record(number, task, key, request, .refused(actual: actual))
        }
        finish(number)
    }

    private func record(
        _ number: Int,
        _ task: ClusterClient.Task,
        _ key: Int,
        _ request: ClientOperation.Request,
        _ outcome: ClientOperation.Outcome
    ) {
        clock += 1
        if outcome == .unknown { report.unknown += 1 } else { report.acknowledged += 1 }
        let operation = ClientOperation(
            client: clients[number].name,
            key: "\(Self.key(key))",
            request: request,
            outcome: outcome,
            invoked: task.invoked,
            returned: clock
        )
        trace.record(now, 20, UInt64(number), UInt64(key), UInt64(clock), "key \(operation.key): \(operation)")
        checker.recorded(operation)
    }
}
