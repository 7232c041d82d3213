internal import Checkers
internal import RaftCore
internal import RaftLog
internal import Store

/// What reaches the disks, and what a crash leaves of it.
extension ClusterWorld {
    /// The member starts from its disk.
    func start(_ member: ClusterMember) {
        member.life += 1
        member.queue = []
        member.writing = []
        member.accepted = [:]
        member.waiting = []
        member.outgoing = nil
        member.isCheckpointing = false
        member.ownTicks = 0
        member.heardLeaderAt = nil
        let position: LogPosition = member.checkpoint.position
        var contents: LogContents = member.disk.contents()
        var log = EntryTail(base: contents.base, entries: contents.entries)
        if log.term(at: position.index) != position.term {
            // The crash came between a snapshot and the log that is begun anew behind it; anything else is a loss.
            guard let installing = member.installing, position.index >= installing.index else {
                return checker.fail(
                    """
                    member \(member.id) starts with a state of entry \(position), which its log from \(contents.base) \
                    to \(contents.last) does not explain
                    """
                )
            }
            try? member.disk.write(.reset(position, member.checkpoint.configuration))
            try? member.disk.flush()
            contents = member.disk.contents()
            log = EntryTail(base: contents.base, entries: contents.entries)
        }
        member.installing = nil
        var applied: LogIndex = position.index
        var view: StoreView = member.checkpoint.view
        member.chain = member.checkpoint.chain
        member.chainBefore = member.checkpoint.chainBefore
        if worldFlaws.contains(.appliesTwice), applied > log.base.index {
            applied -= 1
            view = view.moved(to: applied)
            member.chain = member.chainBefore
        }
        member.store = Store(startingFrom: view, watchMemory: 60)
        member.core = RaftCore(
            id: member.id,
            group: contents.group,
            ballot: contents.ballot,
            log: log,
            configuration: contents.baseConfiguration,
            applied: applied,
            settings: settings,
            random: SeededRandom(seed: random.next()),
            flaws: flaws
        )
        trace.record(now, 1, member.id.number, position.index, "\(member.id) starts from entry \(position)")
        fleet?.started(member)
    }

    // MARK: Writing

    func startDisk(_ member: ClusterMember) {
        guard member.isUp, member.writing.isEmpty, !member.queue.isEmpty else { return }
        member.writing = member.queue
        member.queue = []
        var ticks: Int = 1 + random.below(faults.diskTicks)
        if !isCalm, random.chance(percent: faults.slowDiskPercent) {
            count(.diskSlow)
            ticks *= 15
        }
        schedule(.disk(member.place, life: member.life), after: ticks + max(0, member.stalledUntil - now))
    }

    func finishDisk(_ member: ClusterMember, _ life: Int) {
        guard member.isUp, member.life == life else { return }
        // A process that stands still hears nothing of its disk.
        guard member.pausedUntil <= now else {
            return schedule(.disk(member.place, life: life), after: member.pausedUntil - now)
        }
        if member.failsFlush {
            member.failsFlush = false
            count(.flushError)
            // What a failed flush leaves is anybody's guess, and nobody asks again.
            return crash(member, losesPower: true)
        }
        let written: [DiskWrite] = member.writing
        member.writing = []
        for change in written { try? member.disk.write(change) }
        if !worldFlaws.contains(.skipsFlush) || random.chance(percent: 50) { try? member.disk.flush() }
        for change in written {
            switch change {
            case .ballot(let ballot): step(member, .ballotDurable(ballot))
            case .append(_, let write): step(member, .logDurable(write: write))
            case .reset(let position, _): if member.installing == position { member.installing = nil }
            case .truncate: break
            }
        }
        startDisk(member)
    }

    // MARK: Checkpoints

    func beginCheckpoint(_ member: ClusterMember, keep: LogIndex) {
        guard !member.isCheckpointing, let checkpoint = checkpoint(of: member) else { return }
        member.isCheckpointing = true
        schedule(
            .checkpoint(member.place, life: member.life, checkpoint, keep: keep),
            after: 1 + random.below(6) + max(0, member.stalledUntil - now)
        )
    }

    /// The state as it is now.
    func checkpoint(of member: ClusterMember) -> ClusterMember.Checkpoint? {
        guard let core = member.core, let term = core.log.term(at: member.applied) else { return nil }
        return ClusterMember.Checkpoint(
            position: LogPosition(index: member.applied, term: term),
            view: member.store.view,
            configuration: core.configuration(at: member.applied),
            chain: member.chain,
            chainBefore: member.chainBefore
        )
    }

    /// It is on the disk, so the log may be cut behind it.
    func finishCheckpoint(
        _ member: ClusterMember,
        _ life: Int,
        _ checkpoint: ClusterMember.Checkpoint,
        _ keep: LogIndex
    ) {
        guard member.isUp, member.life == life else { return }
        member.isCheckpointing = false
        guard checkpoint.position.index >= member.checkpoint.position.index else { return }
        report.checkpoints += 1
        member.checkpoint = checkpoint
        let index: LogIndex = checkpoint.position.index
        trace.record(now, 10, member.id.number, index, "\(member.id) has a checkpoint at \(index)")
        // While the log is begun anew behind a snapshot nothing of it is cut.
        guard let core = member.core, member.installing == nil, index > keep, index - keep > core.log.base.index else {
            return
        }
        step(member, .compact(through: index - keep))
        try? member.disk.compact(through: index - keep)
    }

    // MARK: Crashes

    /// The process ends, or the machine loses power: then of what was not flushed some part is left.
    func crash(_ member: ClusterMember, losesPower: Bool? = nil, downFor ticks: Int? = nil) {
        guard member.isUp else { return }
        let losesPower: Bool = losesPower ?? random.chance(percent: 40)
        report.crashes += 1
        if member.core?.role == .leader { count(.leaderKill) }
        count(losesPower ? .powerLoss : .kill)
        if member.isCheckpointing { count(.crashInCheckpoint) }
        trace.record(
            now,
            8,
            member.id.number,
            losesPower ? 1 : 0,
            "\(member.id) \(losesPower ? "loses power" : "is killed")"
        )
        if !member.writing.isEmpty { count(.crashWhileWriting) }
        let reached: Int = member.writing.isEmpty ? 0 : random.below(member.writing.count + 1)
        for change in member.writing[..<reached] { try? member.disk.write(change) }
        if losesPower {
            loseUnflushed(member, reached)
        } else {
            // What was written is the system's, which lives on.
            try? member.disk.flush()
        }
        fleet?.ended(member)
        member.core = nil
        member.life += 1
        member.downUntil = now + (ticks ?? 5 + random.below(max(1, faults.downTicks)))
        for watcher in watchers.indices where watchers[watcher].member == member.place {
            detach(watcher, .ended(resumeFrom: nil))
        }
        // Whoever connects again is refused at once; it may also be cut off, and hear nothing.
        for other in members where other !== member && random.chance(percent: faults.gonePercent) {
            schedule(.gone(member.id, heardBy: other.place), after: 1 + random.below(4))
        }
    }

    private func loseUnflushed(_ member: ClusterMember, _ reached: Int) {
        let entries: Int = member.writing[..<reached].reduce(0) { sum, change in
            if case .append(let entries, _) = change { sum + entries.count } else { sum }
        }
        let kept: Int = random.below(entries + 1)
        if reached < member.writing.count || entries > kept { count(.writesLost) }
        if kept > 0, entries > kept { count(.tailTorn) }
        // Truncations and new beginnings count as one each.
        member.disk.crash(keeping: kept + random.below(2))
    }

    /// Ends a removed member for good.
    func stop(_ member: ClusterMember) {
        guard member.isUp else { return }
        trace.record(now, 11, member.id.number, "\(member.id) is gone for good")
        fleet?.ended(member)
        member.core = nil
        member.life += 1
        member.downUntil = .max
        for watcher in watchers.indices where watchers[watcher].member == member.place {
            detach(watcher, .ended(resumeFrom: nil))
        }
    }
}
