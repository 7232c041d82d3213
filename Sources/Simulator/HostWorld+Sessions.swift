internal import HostFrames
internal import HostProtocol
internal import Limits
internal import Model
internal import Store
internal import StoreFormat

/// The server's end of the streams, with the order of things of the node's own host sessions.
extension HostWorld {
    func arrived(_ bytes: [UInt8], atServerOf id: UInt64) {
        guard let stream: HostWorldStream = streams[id], stream.isOpenAtServer, !stream.isDead,
            servers[stream.server].life == stream.serverLife
        else { return }
        let frame: AgentFrame
        do {
            frame = try AgentFrame(decoding: bytes)
        } catch {
            return checker.fail("a server cannot read a host's frame: \(error)")
        }
        let host: UInt64 = hosts[stream.host].number
        let isCurrent: Bool = servers[stream.server].sessions[host]?.stream == id
        if isCurrent { servers[stream.server].sessions[host]?.lastHeard = now }
        switch frame.message {
        case .hello(let hello): onHello(hello, id, stream)
        case .report(let report):
            guard isCurrent else { return }
            let batch: Int = 100
            for start in stride(from: 0, to: report.observations.count, by: batch) {
                let end: Int = min(start + batch, report.observations.count)
                let some: [Observation] = Array(report.observations[start..<end])
                servers[stream.server].sessions[host]?.work.append(.observations(some))
            }
            if let orphans: [Orphan] = report.orphans {
                servers[stream.server].sessions[host]?.work.append(.orphans(orphans))
            }
        case .log, .logEnd, .credit, .exit, .pong, .unknown: break
        }
    }

    private func onHello(_ hello: Hello, _ id: UInt64, _ stream: HostWorldStream) {
        let server: Int = stream.server
        let host: HostWorldHost = hosts[stream.host]
        guard let epoch: UInt64 = servers[server].held[host.project] else { return closeFromServer(id) }
        if let old: UInt64 = servers[server].sessions[host.number]?.stream, old != id { closeFromServer(old) }
        servers[server].absences[host.number] = nil
        servers[server].sessions[host.number] = HostWorldSession(
            stream: id,
            host: host.number,
            project: host.project,
            epoch: epoch,
            work: [.facts(hello.facts)],
            lastHeard: now,
            nextPing: now + Limits.hostPingSeconds * 10
        )
    }

    func run(_ server: Int, sessionOf host: UInt64) {
        write(server, sessionOf: host)
        guard let session: HostWorldSession = servers[server].sessions[host], session.isWelcomed,
            session.nextPing <= now
        else { return }
        servers[server].sessions[host]?.nextPing = now + Limits.hostPingSeconds * 10
        let isSilent: Bool = now - session.lastHeard >= Limits.hostSilenceSeconds * 10
        guard !isSilent, servers[server].held[session.project] == session.epoch else {
            return end(server, sessionOf: host)
        }
        send(.ping, session, revision: servers[server].view.revision)
    }

    /// One piece of work after the other, each until it is written.
    private func write(_ server: Int, sessionOf host: UInt64) {
        while let session: HostWorldSession = servers[server].sessions[host], !session.waits,
            let work: HostWorldSession.Work = session.work.first
        {
            guard let transaction: Transaction = transaction(for: work, session, server) else {
                written(server, sessionOf: host)
                continue
            }
            guard session.attempts <= Limits.conflictRetries else { return end(server, sessionOf: host) }
            servers[server].sessions[host]?.attempts += 1
            let origin: Origin = .session(host: host, stream: session.stream)
            switch propose(server, origin, scope: session.project, epoch: session.epoch, transaction) {
            case .waits: servers[server].sessions[host]?.waits = true
            case .failed: return end(server, sessionOf: host)
            case .outcome(let outcome): answered(server, sessionOf: host, outcome)
            }
        }
    }

    private func transaction(
        for work: HostWorldSession.Work,
        _ session: HostWorldSession,
        _ server: Int
    ) -> Transaction? {
        let view: StoreView = servers[server].view
        switch work {
        case .facts(let facts):
            return HostReports.facts(
                facts,
                host: session.host,
                scope: session.project,
                epoch: session.epoch,
                time: time,
                in: view
            )
        case .observations(let observations):
            return HostReports.writes(
                observations,
                host: session.host,
                scope: session.project,
                epoch: session.epoch,
                time: time,
                in: view
            )
        case .orphans(let orphans):
            return HostReports.orphans(
                orphans,
                host: session.host,
                scope: session.project,
                epoch: session.epoch,
                time: time,
                in: view
            )
        }
    }

    func answered(_ server: Int, sessionOf host: UInt64, _ outcome: TransactionOutcome) {
        switch outcome {
        case .committed:
            report.reports += 1
            written(server, sessionOf: host)
        case .refused(.epochChanged): end(server, sessionOf: host)
        case .refused: break  // somebody was faster: planned again
        }
    }

    private func written(_ server: Int, sessionOf host: UInt64) {
        servers[server].sessions[host]?.attempts = 0
        let work: HostWorldSession.Work? = servers[server].sessions[host]?.work.removeFirst()
        if case .facts? = work { welcome(server, host) }
    }

    private func welcome(_ server: Int, _ host: UInt64) {
        guard var session: HostWorldSession = servers[server].sessions[host] else { return }
        session.isWelcomed = true
        session.held = servers[server].view.revision
        servers[server].sessions[host] = session
        let welcome = Welcome(hostID: "1h\(host)", hostNumber: host, pingSeconds: UInt64(Limits.hostPingSeconds))
        send(.welcome(welcome), session, revision: session.held)
        for part in HostOrders.all(of: host, in: servers[server].view).parts() {
            send(.sync(part), session, revision: session.held)
        }
    }

    /// What one entry changed for the hosts that are connected here.
    func sendChanges(of entry: Entry, from server: Int) {
        guard !servers[server].sessions.isEmpty else { return }
        var concerned: Set<UInt64> = []
        for change in entry.changes where change.key.table == .instance {
            for record in [change.before, change.after] {
                let fields = record.flatMap { documents.fields(of: $0) }
                if let host: UInt64 = fields.flatMap({ InstanceRecord(fields: $0).hostID }) { concerned.insert(host) }
            }
        }
        for host in concerned.sorted() {
            guard let session: HostWorldSession = servers[server].sessions[host], session.isWelcomed else { continue }
            let filter = WatchFilter(tables: [.instance], term: RecordWriting.term("hostId", host))
            let changed: [Record] = entry.changes.filter { change in
                change.before.map(filter.matches) == true || change.after.map(filter.matches) == true
            }.compactMap(\.after)
            let sync: Sync = HostOrders.delta(changed, since: session.held)
            guard !sync.instances.isEmpty || !sync.tombstones.isEmpty else { continue }
            for part in sync.parts() { send(.sync(part), session, revision: entry.view.revision) }
            servers[server].sessions[host]?.held = entry.view.revision
        }
    }

    private func send(_ message: ServerMessage, _ session: HostWorldSession, revision: Revision) {
        let stamp = FrameStamp(incarnation: Self.incarnation, epoch: session.epoch, revision: revision)
        let bytes: [UInt8] = ServerFrame(stamp, message).encoded
        guard let stream: HostWorldStream = streams[session.stream] else { return }
        remember((stamp, message.type == "welcome", bytes), sentTo: stream.host)
        let arrival: Int = max(stream.downAt, now + 1 + below(faults.frameDelayTicks))
        streams[session.stream]?.downAt = arrival
        at(arrival, .toHost(stream: session.stream, bytes))
        if chance(percent: faults.duplicatePercent) {
            at(arrival + below(30), .toHost(stream: session.stream, bytes))
        }
    }

    // MARK: Endings

    /// The server has done with it: its host hears of that, unless the network is gone.
    func end(_ server: Int, sessionOf host: UInt64) {
        guard let session: HostWorldSession = servers[server].sessions[host] else { return }
        closeFromServer(session.stream)
    }

    private func closeFromServer(_ id: UInt64) {
        guard let stream: HostWorldStream = streams[id], stream.isOpenAtServer else { return }
        if !stream.isDead {
            at(max(stream.downAt, now + 1 + below(faults.frameDelayTicks)), .closedAtHost(stream: id))
        }
        closeAtServer(id)
    }

    func closeAtServer(_ id: UInt64) {
        guard let stream: HostWorldStream = streams[id], stream.isOpenAtServer else { return }
        streams[id]?.isOpenAtServer = false
        let host: HostWorldHost = hosts[stream.host]
        guard servers[stream.server].life == stream.serverLife,
            servers[stream.server].sessions[host.number]?.stream == id
        else { return }
        servers[stream.server].sessions[host.number] = nil
        if servers[stream.server].held[host.project] != nil {
            servers[stream.server].absences[host.number] = HostWorldAbsence(since: now)
        }
    }
}
