internal import RaftCore
internal import RaftLog

/// Between a core and the simulated world around it.
extension RaftWorld {
    func step(_ position: Int, _ input: RaftCore.Input) {
        guard checker.violation == nil, let quiet: Int = nodes[position].core?.quietTicks,
            let effects = nodes[position].core?.step(input)
        else { return }
        if case .tick = input, quiet > 0, !effects.isEmpty {
            return checker.fail(
                "\(nodes[position].id) said that nothing happens for \(quiet) ticks, and did: \(effects)"
            )
        }
        for effect in effects { perform(effect, position) }
        startDisk(position)
    }

    private func perform(_ effect: Effect, _ position: Int) {
        let id: MemberID = nodes[position].id
        switch effect {
        case .send(let message): send(message)
        case .persist, .append, .truncate, .reset:
            if let write = DiskWrite(effect) { nodes[position].queue.append(write) }
        case .commit(let index): apply(through: index, position)
        case .readReady(let ids, let index): answered(ids, at: index, by: id)
        case .snapshotNeeded(let member): sendSnapshot(from: position, to: member)
        case .configurationChanged(let configuration):
            trace.record(now, 2, id.number) { "\(id) now has \(configuration)" }
        case .note(let observation): hear(observation, position)
        case .accepted, .rejected, .readRefused, .configurationRefused: break
        }
    }

    private func hear(_ observation: Observation, _ position: Int) {
        let id: MemberID = nodes[position].id
        switch observation {
        case .becameLeader(let term):
            report.elections += 1
            trace.record(now, 3, id.number, term) { "\(id) leads term \(term)" }
            if let core = nodes[position].core { checker.becameLeader(core) }
            if !isCalm, random.chance(percent: faults.newLeaderCrashPercent) {
                schedule(.crash(id, life: nodes[position].life), after: 1 + random.below(10))
            }
            if !isCalm, random.chance(percent: faults.newLeaderMutePercent) {
                // At once, so that only its own log has the first entry; or later, when the others have some of it.
                let ticks: Int = random.chance(percent: 50) ? random.below(3) : random.below(25)
                schedule(.mute(id, ticks: 20 + random.below(40)), after: 1 + ticks)
            }
        case .foreignMessage, .removedSender: break
        case .memberLostLog: checker.fail("\(id) \(observation), but no disk forgets anything here")
        default: trace.record(now, 4, id.number) { "\(id) \(observation)" }
        }
    }

    private func apply(through index: LogIndex, _ position: Int) {
        guard let core = nodes[position].core, index > nodes[position].applied else { return }
        let id: MemberID = nodes[position].id
        for entry in core.log.slice(nodes[position].applied + 1, through: index) {
            nodes[position].state = RaftChecker.state(after: entry, from: nodes[position].state)
            checker.applied(entry, by: id, in: core.term, state: nodes[position].state)
            if entry.kind == .configuration, id == core.leader { report.configurations += 1 }
        }
        nodes[position].applied = index
        let state: UInt64 = nodes[position].state
        trace.record(now, 5, id.number, index, state) { "\(id) applied up to \(index)" }
    }

    // MARK: Network

    private func send(_ message: Message) {
        report.messages += 1
        guard isCalm || !random.chance(percent: faults.lossPercent) else { return }
        schedule(.message(message), after: delay())
        if !isCalm, random.chance(percent: faults.duplicatePercent) { schedule(.message(message), after: delay()) }
    }

    private func delay() -> Int {
        let ticks: Int = 1 + random.below(faults.delayTicks)
        return faults.stragglers && !isCalm && random.chance(percent: 2) ? ticks * 10 : ticks
    }

    func schedule(_ event: Event, after ticks: Int) {
        events[now + max(1, ticks), default: []].append(event)
    }

    func deliver(_ event: Event) {
        switch event {
        case .message(let message): deliver(message)
        case .disk(let id, let life): finishDisk(id, life)
        case .crash(let id, let life):
            guard !isCalm, let position = position(of: id), nodes[position].life == life else { return }
            crash(position)
        case .mute(let id, let ticks):
            guard !isCalm else { return }
            for node in nodes where random.chance(percent: 90) { network.cut(id, node.id, until: now + ticks) }
        case .gone(let member, let hearer):
            guard let position = position(of: hearer) else { return }
            step(position, .peerGone(member))
        case .snapshot(let from, let to, let snapshot, let state, let configuration):
            install(from, to, snapshot, state, configuration)
        case .snapshotSent(let from, let to, let life, let succeeded):
            guard let position = position(of: from), nodes[position].life == life else { return }
            step(position, .snapshotSent(to: to, succeeded: succeeded))
        }
    }

    private func deliver(_ message: Message) {
        guard let position = position(of: message.to), network.isOpen(message.from, message.to, at: now) else { return }
        guard nodes[position].pausedUntil <= now else {
            return schedule(.message(message), after: nodes[position].pausedUntil - now)
        }
        trace.record(now, 6, message.from.number, message.to.number, message.term) {
            "\(message.from) -> \(message.to) term \(message.term): \(message.body)"
        }
        step(position, .received(message))
    }

    // MARK: Disk

    private func startDisk(_ position: Int) {
        guard nodes[position].isUp, nodes[position].writing.isEmpty, !nodes[position].queue.isEmpty else { return }
        nodes[position].writing = nodes[position].queue
        nodes[position].queue = []
        let slow: Int = !isCalm && random.chance(percent: 2) ? 20 : 1
        schedule(
            .disk(nodes[position].id, life: nodes[position].life),
            after: (1 + random.below(faults.diskTicks)) * slow
        )
    }

    private func finishDisk(_ id: MemberID, _ life: UInt64) {
        guard let position = position(of: id), nodes[position].isUp, nodes[position].life == life else { return }
        let written: [DiskWrite] = nodes[position].writing
        nodes[position].writing = []
        for change in written { try? nodes[position].disk.write(change) }
        try? nodes[position].disk.flush()
        for change in written {
            switch change {
            case .ballot(let ballot): step(position, .ballotDurable(ballot))
            case .append(_, let write): step(position, .logDurable(write: write))
            case .truncate, .reset: break
            }
        }
        startDisk(position)
    }

    // MARK: Snapshots

    private func sendSnapshot(from position: Int, to member: MemberID) {
        let sender: RaftNode = nodes[position]
        let isLost: Bool = !isCalm && random.chance(percent: 30)
        let ticks: Int = 5 + random.below(10)
        schedule(
            .snapshotSent(from: sender.id, to: member, life: sender.life, succeeded: !isLost),
            after: ticks + 2
        )
        guard !isLost else { return }
        let checkpoint: RaftNode.Checkpoint = sender.checkpoint
        schedule(
            .snapshot(
                from: sender.id,
                to: member,
                checkpoint.position,
                state: checkpoint.state,
                checkpoint.configuration
            ),
            after: ticks
        )
    }

    private func install(
        _ from: MemberID,
        _ to: MemberID,
        _ snapshot: LogPosition,
        _ state: UInt64,
        _ configuration: Configuration
    ) {
        guard let position = position(of: to), network.isOpen(from, to, at: now),
            nodes[position].core?.wantsSnapshot(snapshot) == true
        else { return }
        report.snapshots += 1
        trace.record(now, 7, to.number, snapshot.index) { "\(to) installs snapshot \(snapshot)" }
        nodes[position].checkpoint = RaftNode.Checkpoint(
            position: snapshot,
            state: state,
            configuration: configuration
        )
        nodes[position].applied = snapshot.index
        nodes[position].state = state
        step(position, .snapshotInstalled(snapshot, configuration))
    }
}
