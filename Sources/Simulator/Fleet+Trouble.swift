internal import Limits
internal import RaftCore

/// Accidents of hosts and streams, and what operators do.
extension Fleet {
    func causeTrouble() {
        for project in projects where happens(faults.movePerThousand) { forceMove(of: project) }
        if happens(faults.drainPerThousand) { toggleDrain() }
        if happens(faults.agentCrashPerThousand) { crashAgent(below(hosts.count)) }
        if let loss, loss.at <= now, !isLost, hosts[loss.host].core != nil { lose(loss.host) }
        if happens(faults.cutPerThousand) { cut(below(hosts.count)) }
        if happens(faults.replayPerThousand) { replay(to: below(hosts.count)) }
        if happens(faults.strayPerThousand) { stray(below(hosts.count)) }
        if happens(faults.deathPerThousand) { die(on: below(hosts.count)) }
    }

    private func happens(_ perThousand: Int) -> Bool { below(1_000) < perThousand }

    private func toggleDrain() {
        let members: [ClusterMember] = world.present
        let id: MemberID = members[below(members.count)].id
        world.count(.drain)
        if draining.remove(id) == nil { draining.insert(id) }
        let isDraining: Bool = draining.contains(id)
        world.trace.record(
            now,
            150,
            id.number,
            isDraining ? 1 : 0,
            isDraining ? "\(FleetServer.name(id)) is to give up what it owns" : "\(FleetServer.name(id)) may own again"
        )
    }

    /// It comes back long after everybody has given it up, whenever its last owner began to wait for it.
    private func lose(_ host: Int) {
        isLost = true
        world.count(.hostLost)
        let grace: Int = Limits.hostSilenceSeconds + Limits.hostDisconnectSeconds
        crashAgent(host, downFor: Self.ticks(milliseconds: grace * 1_000) + 2_500)
    }

    /// Nothing passes any more; each side hears of it at once, or finds out by the silence.
    private func cut(_ host: Int) {
        guard let id: UInt64 = hosts[host].stream else { return }
        report.cuts += 1
        world.count(.streamCut)
        streams[id]?.isDead = true
        let number: UInt64 = hosts[host].number
        world.trace.record(now, 152, number, "the stream of host \(number) breaks")
        if !chance(percent: faults.silentCutPercent) { at(now + 1, .closedAtHost(stream: id)) }
        if !chance(percent: faults.silentCutPercent) { at(now + 1, .closedAtServer(stream: id)) }
    }
}
