internal import RaftCore
internal import RaftLog
internal import Store
internal import StoreFormat

/// Between a core and the simulated world around it.
extension ClusterWorld {
    func step(_ member: ClusterMember, _ input: RaftCore.Input) {
        guard checker.violation == nil, let quiet: Int = member.core?.quietTicks,
            let effects: [Effect] = member.core?.step(input), !effects.isEmpty
        else { return }
        if case .tick = input, quiet > 0 {
            return checker.fail("\(member.id) said that nothing happens for \(quiet) ticks, and did: \(effects)")
        }
        for effect in effects { perform(effect, member) }
        startDisk(member)
    }

    private func perform(_ effect: Effect, _ member: ClusterMember) {
        switch effect {
        case .send(let message): send(message, member)
        case .persist, .append, .truncate, .reset:
            if let write = DiskWrite(effect) { member.queue.append(write) }
            if case .truncate = effect { checkConfiguration(member) }
        case .commit(let index): apply(through: index, member)
        case .accepted(let ids, let first, let term):
            for (offset, id) in ids.enumerated() {
                member.accepted[first + LogIndex(offset)] = ClusterMember.Waiter(call: Int(id), term: term)
            }
        case .rejected(let ids, _): for id in ids { handBack(Int(id), from: member) }
        case .readReady(let ids, let index): for id in ids { confirm(Int(id), index, member) }
        case .readRefused(let ids, _): for id in ids { answer(Int(id), .refused) }
        case .snapshotNeeded(let id): beginSnapshot(from: member, to: id)
        case .configurationChanged(let configuration):
            trace.record(now, 2, member.id.number, "\(member.id) now has \(configuration)")
        case .configurationRefused(let refusal):
            trace.record(now, 9, member.id.number, "\(member.id) refuses a change of members: \(refusal)")
        case .note(let observation): hear(observation, member)
        }
    }

    private func hear(_ observation: Observation, _ member: ClusterMember) {
        switch observation {
        case .becameLeader(let term):
            report.elections += 1
            trace.record(now, 3, member.id.number, term, "\(member.id) leads term \(term)")
            if let core = member.core { checker.becameLeader(core) }
            if !isCalm, random.chance(percent: faults.newLeaderCrashPercent) {
                schedule(.crash(member.place, life: member.life, losesPower: nil), after: 1 + random.below(10))
            }
            if !isCalm, random.chance(percent: faults.newLeaderMutePercent) {
                // At once, so that only its own log has the first entry; or later, when the others have some of it.
                let ticks: Int = random.chance(percent: 50) ? random.below(3) : random.below(25)
                schedule(.mute(member.place, ticks: 20 + random.below(40)), after: 1 + ticks)
            }
        case .foreignMessage: checker.fail("\(member.id) \(observation), but there is one group")
        case .removedSender: break
        case .memberLostLog: checker.fail("\(member.id) \(observation), but no disk may forget anything here")
        default: trace.record(now, 4, member.id.number, "\(member.id) \(observation)")
        }
    }

    // MARK: Apply

    private func apply(through index: LogIndex, _ member: ClusterMember) {
        guard let core = member.core, index > member.applied else { return }
        let term: Term = core.term
        for entry in core.log.slice(member.applied + 1, through: index) where checker.violation == nil {
            let waiter: ClusterMember.Waiter? = member.accepted.removeValue(forKey: entry.index)
            var outcome: TransactionOutcome?
            if entry.kind == .data {
                do {
                    outcome = try member.store.apply(index: entry.index, encoded: entry.payload)
                } catch {
                    checker.fail("member \(member.id): \(error)")
                }
            } else {
                member.store.advance(to: entry.index)
            }
            let isFirst: Bool = entry.index == checker.committedIndex + 1
            checker.applied(entry, outcome, by: member, in: term)
            if isFirst, entry.kind == .configuration { committed(entry) }
            if isFirst, let fleet, let decision = checker.last {
                fleet.committed(decision.transaction, decision.outcome)
            }
            guard let waiter else { continue }
            if waiter.term == entry.term, let outcome {
                decide(waiter.call, outcome, at: entry.index, by: member)
            } else {
                // Another entry has its place: it will never be applied.
                handBack(waiter.call, from: member)
            }
        }
        trace.record(now, 5, member.id.number, index, member.chain, "\(member.id) applied up to \(index)")
        moved(member)
    }

    /// Answers those who waited for this.
    func moved(_ member: ClusterMember) {
        guard !member.waiting.isEmpty else { return }
        let ready: [(call: Int, index: LogIndex)] = member.waiting.filter { $0.index <= member.applied }
        member.waiting.removeAll { $0.index <= member.applied }
        for waiter in ready { finishHere(waiter.call, member) }
    }

    /// The members change for good.
    private func committed(_ entry: LogEntry) {
        guard let configuration = Configuration(encoded: entry.payload), !configuration.isJoint else { return }
        report.configurations += 1
        for id in configuration.removed {
            guard let gone = member(id), gone.lingersUntil == .max else { continue }
            gone.lingersUntil = now + random.below(120)
            count(.removedLingers)
        }
    }

    // MARK: Network

    private func send(_ message: Message, _ member: ClusterMember) {
        report.messages += 1
        if case .preVoteReply(granted: true) = message.body {
            checkStickiness(member, towards: message.to, "a pre-vote")
        }
        guard !isCalm else { return schedule(.message(message), after: 1) }
        if random.chance(percent: faults.lossPercent) { return count(.messageLost) }
        schedule(.message(message), after: delay())
        if random.chance(percent: faults.duplicatePercent) {
            count(.messageDuplicated)
            schedule(.message(message), after: delay())
        }
    }

    func delay() -> Int {
        let ticks: Int = 1 + random.below(faults.delayTicks)
        guard !isCalm, random.chance(percent: faults.latePercent) else { return ticks }
        count(.messageLate)
        return ticks * 12
    }

    /// Whether something that is no message of the core gets from one member to another.
    func passes(_ from: Int, _ to: Int) -> Bool {
        if from == to { return true }
        guard network.isOpen(from, to, at: now) else { return false }
        return isCalm || !random.chance(percent: faults.lossPercent)
    }

    func deliver(_ event: Event) {
        switch event {
        case .message(let message): deliver(message)
        case .disk(let place, let life): finishDisk(members[place], life)
        case .checkpoint(let place, let life, let checkpoint, let keep):
            finishCheckpoint(members[place], life, checkpoint, keep)
        case .crash(let place, let life, let losesPower):
            guard !isCalm, members[place].life == life else { return }
            crash(members[place], losesPower: losesPower)
        case .mute(let place, let ticks):
            guard !isCalm else { return }
            count(.memberMute)
            for other in members where random.chance(percent: 90) {
                network.cut(place, other.place, until: now + ticks)
            }
        case .gone(let id, let hearer): hearOfDeath(of: id, members[hearer])
        case .snapshotRefused(let place, let life, let id):
            guard members[place].life == life else { return }
            step(members[place], .snapshotSent(to: id, succeeded: false))
        case .chunk(let from, let life, let to, let number, let chunks, let checkpoint):
            takeChunk(from, life, members[to], number, chunks, checkpoint)
        case .chunkTaken(let by, let from, let life, let received, let isInstalled):
            chunkTaken(by, members[from], life, received, isInstalled)
        case .call(let id): arrived(id)
        case .forwarded(let id, let to): arrivedAtLeader(id, members[to])
        case .decided(let id, let index, let outcome): decided(id, index, outcome)
        case .handedBack(let id): answer(id, .refused)
        case .answer(let id, let answer): answered(id, answer)
        case .callExpired(let id): if calls[id] != nil { answered(id, .unknown) }
        }
    }

    func hearOfDeath(of id: MemberID, _ member: ClusterMember) {
        if member.core?.leader == id { member.heardLeaderAt = nil }
        step(member, .peerGone(id))
    }

    private func deliver(_ message: Message) {
        guard let member = member(message.to), member.isUp,
            network.isOpen(Int(message.from.number) - 1, member.place, at: now)
        else { return }
        guard member.pausedUntil <= now else {
            return schedule(.message(message), after: member.pausedUntil - now)
        }
        tell(message)
        member.server?.heard[message.from] = now
        current = message
        defer { current = nil }
        switch message.body {
        case .append, .heartbeat:
            step(member, .received(message))
            // Whoever was removed is not heard, nor what was said in an old term.
            if let core = member.core, core.leader == message.from, core.term == message.term,
                !core.configuration.removed.contains(message.from)
            {
                member.heardLeaderAt = member.ownTicks
            }
        case .voteRequest(let request) where !request.isTransfer:
            let before: Ballot? = member.core?.ballot
            let protects: Bool = protectsLeader(member, towards: message.from)
            step(member, .received(message))
            let vote = Ballot(term: message.term, vote: message.from)
            if protects, before != vote, member.core?.ballot == vote {
                checker.fail("member \(member.id) gave \(message.from) a vote though it heard its leader just before")
            }
        default: step(member, .received(message))
        }
    }

    private func tell(_ message: Message) {
        let (from, to): (UInt64, UInt64) = (message.from.number, message.to.number)
        switch message.body {
        case .heartbeat where fleet != nil, .heartbeatReply where fleet != nil:
            trace.count(now, 6, from, to, message.term)
        default:
            let words: String = trace.hasWords ? "\(from) -> \(to) term \(message.term): \(message.body)" : ""
            trace.record(now, 6, from, to, message.term, words)
        }
    }

    /// Voters protect a leader that they have heard within the shortest election timeout.
    private func protectsLeader(_ member: ClusterMember, towards candidate: MemberID) -> Bool {
        guard let core = member.core, core.role == .follower, let leader = core.leader, leader != candidate,
            let heard = member.heardLeaderAt
        else { return false }
        return member.ownTicks - heard < settings.electionTicks
    }

    private func checkStickiness(_ member: ClusterMember, towards candidate: MemberID, _ what: String) {
        // A reply that was held back while the ballot was written belongs to an earlier moment.
        guard let current, current.from == candidate, case .preVoteRequest = current.body,
            protectsLeader(member, towards: candidate)
        else { return }
        checker.fail("member \(member.id) gave \(candidate) \(what) though it heard its leader just before")
    }
}
