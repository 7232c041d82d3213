internal import RaftCore
internal import RaftLog
internal import Store

/// Snapshots, chunk by chunk, and what a crash makes of their installation.
extension ClusterWorld {
    private static let patience: Int = 60
    private static let repeatTicks: Int = 10

    // MARK: Sending

    func beginSnapshot(from member: ClusterMember, to id: MemberID) {
        guard member.outgoing == nil, let to = self.member(id), let checkpoint = checkpoint(of: member) else {
            // One is served at a time: the core asks again.
            return schedule(.snapshotRefused(member.place, life: member.life, to: id), after: 10)
        }
        trace.record(
            now,
            12,
            member.id.number,
            id.number,
            checkpoint.position.index,
            "\(member.id) sends \(id) a snapshot of entry \(checkpoint.position)"
        )
        member.outgoing = ClusterMember.Outgoing(
            to: to.place,
            checkpoint: checkpoint,
            chunks: 2 + random.below(3),
            progressAt: now
        )
        sendChunk(member)
    }

    private func sendChunk(_ member: ClusterMember) {
        guard let outgoing = member.outgoing, passes(member.place, outgoing.to) else { return }
        schedule(
            .chunk(
                from: member.place,
                life: member.life,
                to: outgoing.to,
                number: outgoing.acknowledged,
                of: outgoing.chunks,
                outgoing.checkpoint
            ),
            after: delay()
        )
    }

    /// A chunk that was lost is sent again; a transfer that does not move is given up.
    func driveSnapshot(_ member: ClusterMember) {
        guard let outgoing = member.outgoing else { return }
        guard member.core?.role == .leader else { return member.outgoing = nil }
        let silence: Int = now - outgoing.progressAt
        if silence > Self.patience {
            member.outgoing = nil
            count(.transferBroken)
            let id: MemberID = members[outgoing.to].id
            trace.record(now, 13, member.id.number, id.number, "\(member.id) gives up the snapshot for \(id)")
            step(member, .snapshotSent(to: id, succeeded: false))
        } else if silence > 0, silence % Self.repeatTicks == 0 {
            sendChunk(member)
        }
    }

    func chunkTaken(_ by: Int, _ member: ClusterMember, _ life: Int, _ received: Int, _ isInstalled: Bool) {
        guard member.isUp, member.life == life, let outgoing = member.outgoing, outgoing.to == by else { return }
        if isInstalled {
            member.outgoing = nil
            return step(member, .snapshotSent(to: members[by].id, succeeded: true))
        }
        guard received != outgoing.acknowledged else { return }
        member.outgoing?.acknowledged = min(received, outgoing.chunks - 1)
        // Another sender's transfer may have taken the place of this one: that is no progress.
        if received > outgoing.acknowledged { member.outgoing?.progressAt = now }
        sendChunk(member)
    }

    // MARK: Receiving

    func takeChunk(
        _ from: Int,
        _ life: Int,
        _ member: ClusterMember,
        _ number: Int,
        _ chunks: Int,
        _ checkpoint: ClusterMember.Checkpoint
    ) {
        guard let core = member.core, member.pausedUntil <= now, network.isOpen(from, member.place, at: now) else {
            return
        }
        func reply(_ received: Int, isInstalled: Bool) {
            guard passes(member.place, from) else { return }
            schedule(
                .chunkTaken(by: member.place, from: from, life: life, received: received, isInstalled: isInstalled),
                after: delay()
            )
        }
        guard core.wantsSnapshot(checkpoint.position) else { return reply(chunks, isInstalled: true) }
        // Of a leader whose term this member does not know yet: soon.
        guard checkpoint.position.term <= core.term else { return }
        if member.incoming?.from != from || member.incoming?.checkpoint.position != checkpoint.position {
            member.incoming = ClusterMember.Incoming(from: from, checkpoint: checkpoint, received: 0)
        }
        guard let incoming = member.incoming else { return }
        let received: Int = incoming.received == number ? number + 1 : incoming.received
        member.incoming?.received = received
        guard received >= chunks else { return reply(received, isInstalled: false) }
        member.incoming = nil
        if install(checkpoint, member) { reply(chunks, isInstalled: true) }
    }

    /// The description first, so that a crash can be understood; then the state; then the log.
    ///
    /// - Returns: whether the member lives.
    private func install(_ checkpoint: ClusterMember.Checkpoint, _ member: ClusterMember) -> Bool {
        let position: LogPosition = checkpoint.position
        let crashesAt: Int? =
            !isCalm && random.chance(percent: faults.crashInInstallPercent) ? random.below(4) : nil
        func crashes(at step: Int) -> Bool {
            guard crashesAt == step else { return false }
            count(.crashInInstall)
            crash(member)
            return true
        }
        if crashes(at: 0) { return false }
        member.installing = position
        if crashes(at: 1) { return false }
        if !worldFlaws.contains(.forgetsCheckpoint) { member.checkpoint = checkpoint }
        // A checkpoint that was being written is of the old state.
        member.isCheckpointing = false
        if crashes(at: 2) { return false }
        report.snapshots += 1
        trace.record(now, 7, member.id.number, position.index, "\(member.id) installs snapshot \(position)")
        member.store.install(checkpoint.view)
        member.chain = checkpoint.chain
        member.chainBefore = checkpoint.chainBefore
        // What was proposed here in an earlier leadership is in the snapshot, or is not.
        for (index, waiter) in member.accepted.sorted(by: { $0.key < $1.key }) where index <= position.index {
            member.accepted[index] = nil
            answer(waiter.call, .unknown)
        }
        step(member, .snapshotInstalled(position, checkpoint.configuration))
        let isLogBegunAnew: Bool = (member.queue + member.writing).contains { write in
            if case .reset(position, _) = write { true } else { false }
        }
        if !isLogBegunAnew { member.installing = nil }
        moved(member)
        return !crashes(at: 3)
    }
}
