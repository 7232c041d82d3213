internal import HostFrames
internal import HostProtocol
internal import Limits
internal import Model
internal import Store
internal import StoreFormat

/// The server's end of the streams, with the order of things of the node's own host sessions.
extension Fleet {
    func arrived(_ bytes: [UInt8], atServerOf id: UInt64) {
        guard let stream: FleetStream = streams[id], stream.isOpenAtServer, isWhole(id, stream),
            let server: FleetServer = world.members[stream.server].server, server.life == stream.serverLife
        else { return }
        let frame: AgentFrame
        do {
            frame = try AgentFrame(decoding: bytes)
        } catch {
            return checker.fail("a server cannot read a host's frame: \(error)")
        }
        let host: UInt64 = hosts[stream.host].number
        let isCurrent: Bool = server.sessions[host]?.stream == id
        if isCurrent { server.sessions[host]?.lastHeard = now }
        switch frame.message {
        case .hello(let hello): onHello(hello, id, stream, server)
        case .report(let report):
            guard isCurrent else { return }
            let batch: Int = 100
            for start in stride(from: 0, to: report.observations.count, by: batch) {
                let end: Int = min(start + batch, report.observations.count)
                let some: [Observation] = Array(report.observations[start..<end])
                server.sessions[host]?.work.append(.observations(some))
            }
            if let orphans: [Orphan] = report.orphans { server.sessions[host]?.work.append(.orphans(orphans)) }
        case .log, .logEnd, .credit, .exit, .pong, .unknown: break
        }
    }

    /// What goes from gateway to owner needs the way between them: where it is cut, so is the stream.
    func isWhole(_ id: UInt64, _ stream: FleetStream) -> Bool {
        guard !stream.isDead else { return false }
        guard world.network.isOpen(stream.gateway, stream.server, at: now),
            world.network.isOpen(stream.server, stream.gateway, at: now)
        else {
            world.count(.streamCutInside)
            streams[id]?.isDead = true
            return false
        }
        return true
    }

    private func onHello(_ hello: Hello, _ id: UInt64, _ stream: FleetStream, _ server: FleetServer) {
        let host: FleetHost = hosts[stream.host]
        guard let epoch: UInt64 = server.held[host.project] else { return closeFromServer(id) }
        if let old: UInt64 = server.sessions[host.number]?.stream, old != id { closeFromServer(old) }
        forgetAbsence(of: host.number, server)
        server.sessions[host.number] = FleetSession(
            stream: id,
            host: host.number,
            project: host.project,
            epoch: epoch,
            facts: hello.facts,
            work: [.facts(hello.facts)],
            lastHeard: now,
            nextPing: now + Self.ticks(milliseconds: Limits.hostPingSeconds * 1_000)
        )
    }

    /// A member that is cut off, or was removed and never heard of it, does not see that it has lost a scope.
    func keepInTouch(_ server: FleetServer) {
        guard server.touchesAt <= now else { return }
        server.touchesAt = now + Self.ticks(milliseconds: Limits.hostPingSeconds * 1_000)
        if server.sessions.isEmpty {
            server.answeredAt = now
        } else {
            world.call(from: server.member, .server(.touch), payload: nil)
        }
    }

    func run(_ server: FleetServer, sessionOf host: UInt64) {
        write(server, sessionOf: host)
        guard let session: FleetSession = server.sessions[host], session.isWelcomed, session.nextPing <= now else {
            return
        }
        server.sessions[host]?.nextPing = now + Self.ticks(milliseconds: Limits.hostPingSeconds * 1_000)
        let silence: Int = Self.ticks(milliseconds: Limits.hostSilenceSeconds * 1_000)
        let isCutOff: Bool = now - server.answeredAt >= Self.ticks(milliseconds: Limits.hostCutOffSeconds * 1_000)
        guard now - session.lastHeard < silence, server.held[session.project] == session.epoch,
            !isCutOff || flaws.contains(.keepsHosts)
        else {
            return end(server, sessionOf: host)
        }
        if !HostReports.isShownActive(host, in: server.view) {
            server.sessions[host]?.work.append(.facts(session.facts))
        }
        send(.ping, session, revision: server.member.applied)
    }

    /// One piece of work after the other, each until it is written.
    private func write(_ server: FleetServer, sessionOf host: UInt64) {
        while let session: FleetSession = server.sessions[host], !session.waits, session.retryAt <= now,
            let work: FleetSession.Work = session.work.first
        {
            // What is just being said of its absence must be decided before the host's own facts are planned.
            guard server.absences[host] == nil else { return }
            guard let transaction: Transaction = transaction(for: work, session, server) else {
                written(server, sessionOf: host)
                continue
            }
            guard session.attempts <= Limits.conflictRetries else { return end(server, sessionOf: host) }
            server.sessions[host]?.attempts += 1
            server.sessions[host]?.waits = true
            let origin: Origin = .session(host: host, stream: session.stream)
            propose(server, origin, acting: (session.project, session.epoch), transaction)
        }
    }

    private func transaction(
        for work: FleetSession.Work,
        _ session: FleetSession,
        _ server: FleetServer
    ) -> Transaction? {
        let (host, scope, epoch): (UInt64, UInt64, UInt64) = (session.host, session.project, session.epoch)
        let (view, time): (StoreView, Int64) = (server.view, time(at: server))
        switch work {
        case .facts(let facts):
            return HostReports.facts(facts, host: host, scope: scope, epoch: epoch, time: time, in: view)
        case .observations(let some):
            return HostReports.writes(some, host: host, scope: scope, epoch: epoch, time: time, in: view)
        case .orphans(let orphans):
            return HostReports.orphans(orphans, host: host, scope: scope, epoch: epoch, time: time, in: view)
        }
    }

    /// - Parameter outcome: nil when nobody knows what came of it, or it was not taken.
    func answered(_ server: FleetServer, sessionOf host: UInt64, _ outcome: TransactionOutcome?) {
        switch outcome {
        case .committed:
            report.reports += 1
            written(server, sessionOf: host)
        case .refused(.epochChanged): end(server, sessionOf: host)
        case .refused: break  // somebody was faster: planned again
        case nil:
            // Planned anew on what is there then, it may be said twice: a change of the leader must not cost the stream.
            let since: Int = server.sessions[host]?.failsSince ?? now
            guard now - since < Self.ticks(milliseconds: Limits.hostSilenceSeconds * 1_000) else {
                return end(server, sessionOf: host)
            }
            server.sessions[host]?.failsSince = since
            server.sessions[host]?.attempts -= 1
            server.sessions[host]?.retryAt = now + Self.ticks(milliseconds: Limits.hostReportPauseMilliseconds)
        }
    }

    private func written(_ server: FleetServer, sessionOf host: UInt64) {
        server.sessions[host]?.attempts = 0
        server.sessions[host]?.failsSince = nil
        let work: FleetSession.Work? = server.sessions[host]?.work.removeFirst()
        // Said once more, they welcome nobody.
        if case .facts? = work, server.sessions[host]?.isWelcomed == false { welcome(server, host) }
    }

    private func welcome(_ server: FleetServer, _ host: UInt64) {
        guard var session: FleetSession = server.sessions[host] else { return }
        let view: StoreView = server.view
        do {
            session.watch = try server.member.store.watch(
                from: view.revision + 1,
                filter: WatchFilter(tables: [.instance], term: RecordWriting.term("hostId", host))
            )
        } catch {
            return end(server, sessionOf: host)
        }
        session.held = view.revision
        server.sessions[host] = session
        let welcome = Welcome(hostID: "1h\(host)", hostNumber: host, pingSeconds: UInt64(Limits.hostPingSeconds))
        send(.welcome(welcome), session, revision: session.held)
        for part in HostOrders.all(of: host, in: view).parts() {
            send(.sync(part), session, revision: session.held)
        }
    }

    /// What has changed for a host that is connected here.
    func sendChanges(_ server: FleetServer, sessionOf host: UInt64) {
        guard let session: FleetSession = server.sessions[host], let watch: Watch = session.watch else { return }
        do {
            while let event: WatchEvent = try watch.poll() {
                let since: Revision = server.sessions[host]?.held ?? session.held
                let sync: Sync = HostOrders.delta(event.changes.compactMap(\.after), since: since)
                guard !sync.instances.isEmpty || !sync.tombstones.isEmpty else { continue }
                for part in sync.parts() { send(.sync(part), session, revision: event.revision) }
                server.sessions[host]?.held = event.revision
            }
        } catch {
            end(server, sessionOf: host)
        }
    }

    private func send(_ message: ServerMessage, _ session: FleetSession, revision: Revision) {
        let stamp = FrameStamp(incarnation: incarnation, epoch: session.epoch, revision: revision)
        let bytes: [UInt8] = ServerFrame(stamp, message).encoded
        guard let stream: FleetStream = streams[session.stream] else { return }
        remember((stamp, message.type == "welcome", bytes), sentTo: stream.host)
        let arrival: Int = max(stream.downAt, now + 1 + below(faults.frameDelayTicks))
        streams[session.stream]?.downAt = arrival
        at(arrival, .toHost(stream: session.stream, bytes))
        if chance(percent: faults.duplicatePercent) {
            at(arrival + below(30), .toHost(stream: session.stream, bytes))
        }
    }

    // MARK: Endings

    /// The scope has gone: its host is told to look for the new owner.
    func move(_ server: FleetServer, sessionOf host: UInt64) {
        guard let session: FleetSession = server.sessions[host] else { return }
        if session.isWelcomed {
            let message: ServerMessage = .moved(withinMilliseconds: Limits.hostMoveMilliseconds)
            send(message, session, revision: server.member.applied)
        }
        closeFromServer(session.stream)
    }

    /// The server has done with it: its host hears of that, unless the network is gone.
    func end(_ server: FleetServer, sessionOf host: UInt64) {
        guard let session: FleetSession = server.sessions[host] else { return }
        closeFromServer(session.stream)
    }

    private func closeFromServer(_ id: UInt64) {
        guard let stream: FleetStream = streams[id], stream.isOpenAtServer else { return }
        if !stream.isDead {
            at(max(stream.downAt, now + 1 + below(faults.frameDelayTicks)), .closedAtHost(stream: id))
        }
        closeAtServer(id)
    }

    func closeAtServer(_ id: UInt64) {
        guard let stream: FleetStream = streams[id], stream.isOpenAtServer else { return }
        streams[id]?.isOpenAtServer = false
        forgetStream(id)
        let host: FleetHost = hosts[stream.host]
        guard let server: FleetServer = world.members[stream.server].server, server.life == stream.serverLife,
            server.sessions[host.number]?.stream == id
        else { return }
        server.sessions[host.number] = nil
        if server.held[host.project] != nil { expect(host.number, server) }
    }

    /// Once both ends are gone nobody needs it.
    func forgetStream(_ id: UInt64) {
        guard let stream: FleetStream = streams[id], !stream.isOpenAtHost, !stream.isOpenAtServer else { return }
        streams[id] = nil
    }
}
