internal import Store
internal import StoreFormat

/// Accidents, and those who keep the environments owned.
extension HostWorld {
    func causeTrouble() {
        for project in projects where happens(faults.movePerThousand) { move(project) }
        if happens(faults.serverCrashPerThousand) { crash(below(servers.count)) }
        if happens(faults.serverStallPerThousand) {
            let server: Int = below(servers.count)
            servers[server].stalledUntil = now + 10 + below(faults.serverStallTicks)
            let name: String = servers[server].name
            trace.record(now, 50, UInt64(server)) { "\(name) stops for a while" }
        }
        if happens(faults.agentCrashPerThousand) { crashAgent(below(hosts.count)) }
        if happens(faults.cutPerThousand) { cut(below(hosts.count)) }
        if happens(faults.replayPerThousand) { replay(to: below(hosts.count)) }
        if happens(faults.strayPerThousand) { stray(below(hosts.count)) }
        if happens(faults.deathPerThousand) { die(on: below(hosts.count)) }
        if happens(faults.userPerThousand) { userActs() }
    }

    private func happens(_ perThousand: Int) -> Bool { below(1_000) < perThousand }

    // MARK: Ownership

    /// Gives an environment to another server, whatever its owner is doing.
    func move(_ project: UInt64) {
        let owner: ScopeOwner? = store.view.epoch(project)
        let others: [Int] = servers.indices.filter { servers[$0].name != owner?.node && servers[$0].downUntil <= now }
        guard !others.isEmpty else { return }
        let next: String = servers[others[below(others.count)]].name
        report.moves += 1
        report.streamsMoved = max(report.streamsMoved, openStreams(of: project, at: owner?.node))
        commit(
            Transaction(
                time: time,
                actor: "system",
                requestID: "move of \(project) to \(next)",
                preconditions: [.epoch(scope: project, owner?.epoch ?? 0)],
                writes: [.assignScope(scope: .known(project), node: next)]
            )
        )
    }

    private func openStreams(of project: UInt64, at node: String?) -> Int {
        guard let owner: Int = servers.firstIndex(where: { $0.name == node }) else { return 0 }
        return servers[owner].sessions.values.count { session in
            session.project == project && session.isWelcomed && streams[session.stream]?.isOpenAtHost == true
        }
    }

    /// After two seconds of silence of an owner the leader gives its environments away.
    func keepOwners() {
        for project in projects {
            let owner: ScopeOwner? = store.view.epoch(project)
            let server: HostWorldServer? = servers.first { $0.name == owner?.node }
            let answers: Bool =
                server.map { server in
                    guard server.downUntil <= now, server.stalledUntil <= now else { return false }
                    return server.held[project] == owner?.epoch || server.position < logEnd
                } ?? false
            if answers {
                silentSince[project] = nil
            } else if let since: Int = silentSince[project] {
                guard now - since >= 20 else { continue }
                silentSince[project] = nil
                move(project)
            } else {
                silentSince[project] = now
            }
        }
    }

    /// The process ends; it comes back with what it had applied, and owns nothing.
    private func crash(_ server: Int) {
        guard servers[server].downUntil <= now else { return }
        let name: String = servers[server].name
        trace.record(now, 51, UInt64(server)) { "\(name) crashes" }
        for session in servers[server].sessions.values.sorted(by: { $0.host < $1.host }) {
            streams[session.stream]?.isOpenAtServer = false
            at(now + 1 + below(faults.frameDelayTicks), .closedAtHost(stream: session.stream))
        }
        servers[server].life += 1
        servers[server].downUntil = now + 10 + below(200)
        servers[server].held = [:]
        servers[server].workers = [:]
        servers[server].sessions = [:]
        servers[server].absences = [:]
    }

    // MARK: Streams

    /// Nothing passes any more; each side hears of it at once, or finds out by the silence.
    private func cut(_ host: Int) {
        guard let id: UInt64 = hosts[host].stream else { return }
        report.cuts += 1
        streams[id]?.isDead = true
        let number: UInt64 = hosts[host].number
        trace.record(now, 52, number) { "the stream of host \(number) breaks" }
        if !chance(percent: faults.silentCutPercent) { at(now + 1, .closedAtHost(stream: id)) }
        if !chance(percent: faults.silentCutPercent) { at(now + 1, .closedAtServer(stream: id)) }
    }
}
