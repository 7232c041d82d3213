internal import HostAgentCore
internal import HostProtocol
internal import JSON
internal import RaftCore
internal import Store
internal import StoreFormat

/// The hosts' ends: the real agent, its disk and its stream.
extension Fleet {
    func tick(_ host: Int) {
        guard hosts[host].core != nil else {
            if hosts[host].downUntil <= now { startAgent(host) }
            return
        }
        if hosts[host].stream == nil, hosts[host].connectAt <= now { connect(host) }
        if (now + host) % 10 == 0 { input(host, .tick(milliseconds: milliseconds)) }
    }

    /// The agent starts with what is on its disk.
    private func startAgent(_ host: Int) {
        hosts[host].life += 1
        do {
            hosts[host].core = AgentCore(
                orders: try DesiredSet(hosts[host].orders.json),
                starts: try StartLedger(hosts[host].starts.json)
            )
        } catch {
            return checker.fail("an agent cannot read its own disk: \(error)")
        }
        let number: UInt64 = hosts[host].number
        world.trace.record(now, 130, number, "the agent of host \(number) starts")
        hosts[host].connectAt = now + 1 + below(10)
        input(host, .began(milliseconds: milliseconds))
    }

    func crashAgent(_ host: Int, downFor ticks: Int? = nil) {
        guard hosts[host].core != nil else { return }
        report.agentCrashes += 1
        world.count(.agentCrash)
        let number: UInt64 = hosts[host].number
        world.trace.record(now, 131, number, "the agent of host \(number) crashes")
        hosts[host].core = nil
        hosts[host].life += 1
        hosts[host].downUntil = now + (ticks ?? 5 + below(faults.agentDownTicks))
        // What was under way happens or not.
        for (_, operation) in hosts[host].operations.sorted(by: { $0.key < $1.key }) where chance(percent: 50) {
            _ = perform(operation, on: host)
        }
        hosts[host].operations = [:]
        hosts[host].servedBy = [:]
        guard let id: UInt64 = hosts[host].stream else { return }
        hosts[host].stream = nil
        streams[id]?.isOpenAtHost = false
        if chance(percent: 50) { at(now + 2, .closedAtServer(stream: id)) }
        forgetStream(id)
    }

    // MARK: The stream

    /// Through any gateway, to whom that one takes for the owner.
    private func connect(_ host: Int) {
        hosts[host].connectAt = now + 5 + below(25)
        let open: [ClusterMember] = world.present
        let gateway: ClusterMember = open[below(open.count)]
        guard gateway.pausedUntil <= now, gateway.isUp,
            let owner: String = gateway.store.view.epoch(hosts[host].project)?.node,
            let server: FleetServer = world.members.lazy.compactMap(\.server).first(where: { $0.name == owner }),
            world.passes(gateway.place, server.member.place), world.passes(server.member.place, gateway.place)
        else { return }
        streamCount += 1
        streams[streamCount] = FleetStream(
            host: host,
            hostLife: hosts[host].life,
            gateway: gateway.place,
            server: server.member.place,
            serverLife: server.life
        )
        hosts[host].stream = streamCount
        let number: UInt64 = hosts[host].number
        world.trace.record(
            now,
            132,
            number,
            gateway.id.number,
            server.member.id.number,
            "host \(number) connects to \(owner) through \(FleetServer.name(gateway.id))"
        )
        input(host, .streamOpened(hosts[host].facts))
    }

    func arrived(_ bytes: [UInt8], atHostOf id: UInt64) {
        guard let stream: FleetStream = streams[id], stream.isOpenAtHost, hosts[stream.host].stream == id,
            isWhole(id, stream)
        else { return }
        receive(bytes, at: stream.host)
    }

    private func receive(_ bytes: [UInt8], at host: Int) {
        guard let core: AgentCore = hosts[host].core else { return }
        do {
            let frame: ServerFrame = try ServerFrame(decoding: bytes)
            input(host, .received(FlawedAgent.hears(frame, core, flaws)))
        } catch {
            checker.fail("an agent cannot read a server's frame: \(error)")
        }
    }

    /// The stream ended, as the host sees it.
    func closeAtHost(_ id: UInt64) {
        guard let stream: FleetStream = streams[id], stream.isOpenAtHost else { return }
        streams[id]?.isOpenAtHost = false
        forgetStream(id)
        guard hosts[stream.host].stream == id, hosts[stream.host].life == stream.hostLife else { return }
        hosts[stream.host].stream = nil
        hosts[stream.host].connectAt = now + 5 + below(25)
        input(stream.host, .streamClosed)
    }

    /// The agent closes it.
    private func abandon(_ host: Int, _ reason: String) {
        guard let id: UInt64 = hosts[host].stream else { return }
        hosts[host].stream = nil
        hosts[host].connectAt = now + 5 + below(25)
        streams[id]?.isOpenAtHost = false
        forgetStream(id)
        let number: UInt64 = hosts[host].number
        world.trace.record(now, 133, number, "host \(number) closes its stream: \(reason)")
        if streams[id]?.isDead == false { at((streams[id]?.upAt ?? now) + 1, .closedAtServer(stream: id)) }
    }

    // MARK: The core

    func input(_ host: Int, _ input: AgentCore.Input) {
        guard let actions: [AgentCore.Action] = hosts[host].core?.step(input) else { return }
        let life: UInt64 = hosts[host].life
        let doesCrash: Bool = !actions.isEmpty && below(1_000) < faults.stepCrashPerThousand
        for action in doesCrash ? actions.prefix(below(actions.count)) : actions[...] {
            carryOut(action, host)
        }
        if doesCrash, hosts[host].life == life { crashAgent(host) }
    }

    private func carryOut(_ action: AgentCore.Action, _ host: Int) {
        switch action {
        case .note(let note): take(note, host)
        case .persistOrders(let orders): hosts[host].orders = orders
        case .persistStarts(let starts): hosts[host].starts = starts
        case .takeInventory:
            at(now + 1 + below(10), .inventory(host: host, life: hosts[host].life))
        case .run(let operation): begin(operation, host)
        case .send(let frame):
            guard let id: UInt64 = hosts[host].stream, let stream: FleetStream = streams[id] else { return }
            let arrival: Int = max(stream.upAt, now + 1 + below(faults.frameDelayTicks))
            streams[id]?.upAt = arrival
            at(arrival, .toServer(stream: id, frame.encoded))
        case .heard: break
        case .closeStream(let reason): abandon(host, reason)
        case .openLogs, .openExec, .feed, .closeLogs: break
        }
    }

    private func take(_ note: AgentNote, _ host: Int) {
        let number: UInt64 = hosts[host].number
        switch note {
        case .duplicate(let uuid, let id): checker.fail("host \(number) found a second container \(id) of \(uuid)")
        case .refusedFrame(let type, let stamp, let reason):
            if isReplaying { report.replaysRefused += 1 }
            world.trace.record(now, 134, number, "host \(number) refuses a \(type) (\(stamp)): \(reason)")
        case .orphaned(let uuid, _):
            world.trace.record(now, 135, number, "host \(number): \(uuid) is not listed any more")
        case .removed(let uuid): world.trace.record(now, 136, number, "host \(number): \(uuid) is gone, as ordered")
        case .revived(let uuid, _): world.trace.record(now, 137, number, "host \(number) revives \(uuid)")
        case .ignoredOrder(let uuid, let reason):
            world.trace.record(now, 138, number, "host \(number) ignores an order about \(uuid): \(reason)")
        case .adopted, .failed, .inventoryFailed, .unknownFrame: break
        }
    }

    // MARK: Frames of the past

    /// Keeps the newest few frames and some of the older ones.
    func remember(_ frame: (stamp: FrameStamp, isWelcome: Bool, bytes: [UInt8]), sentTo host: Int) {
        if hosts[host].archive.count >= 40 { hosts[host].archive.remove(at: below(40)) }
        hosts[host].archive.append(frame)
    }

    /// A frame that was sent to the host at some time arrives once more, on the stream that is open now.
    func replay(to host: Int) {
        guard hosts[host].stream != nil, let before: DesiredSet = hosts[host].core?.orders,
            !hosts[host].archive.isEmpty
        else { return }
        let (stamp, isWelcome, bytes) = hosts[host].archive[below(hosts[host].archive.count)]
        let isForeign: Bool = stamp.incarnation != before.incarnation
        // To welcome a host into another incarnation takes the server's own keys.
        guard !isForeign || !isWelcome else { return }
        let life: UInt64 = hosts[host].life
        report.replays += 1
        world.count(.frameReplayed)
        isReplaying = true
        receive(bytes, at: host)
        isReplaying = false
        guard hosts[host].life == life, let after: DesiredSet = hosts[host].core?.orders else { return }
        let isOld: Bool =
            isForeign || stamp.epoch < before.epoch || stamp.revision < before.revision
        guard isOld, before != after else { return }
        let number: UInt64 = hosts[host].number
        checker.fail(
            """
            a frame of the past (\(stamp)) changed what host \(number) holds, which had heard of epoch \(before.epoch) \
            and revision \(before.revision)
            """
        )
    }

    /// The host meets a cluster that was founded anew and knows nothing of it, and somebody brings it back.
    ///
    /// All must stay. By itself a host never goes back to an incarnation that it has left.
    func stray(_ host: Int) {
        guard hosts[host].core != nil else { return }
        abandon(host, "it meets a server of another incarnation")
        hosts[host].connectAt = now + 5 + below(25)
        world.count(.stray)
        strays += 1
        input(host, .streamOpened(hosts[host].facts))
        let stamp = FrameStamp(incarnation: "0dd\(strays)", epoch: 1, revision: 1)
        let welcome = Welcome(hostID: "1h1", hostNumber: 1, pingSeconds: 5)
        receive(ServerFrame(stamp, .welcome(welcome)).encoded, at: host)
        receive(ServerFrame(stamp, .sync(Sync(isFull: true, instances: []))).encoded, at: host)
        input(host, .streamClosed)
        // A host never goes back by itself to an incarnation that it has left: a person lets it, and starts its agent anew.
        crashAgent(host)
        hosts[host].orders.left.removeAll { $0 == incarnation }
    }
}
