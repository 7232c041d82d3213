internal import RaftCore
internal import RaftLog

/// Snapshots of the state: to members that the log here cannot serve any more, and from a leader to this one.
extension GroupDriver {
    // MARK: Sending

    mutating func startSnapshot() {
        guard let member = sending.next(base: core.log.base.index) else { return }
        guard let desk else {
            return fail(member, "this member keeps no snapshots")
        }
        let machine: Machine = machine
        let jobs: Mailbox<Job> = jobs
        desk.make({ try machine.snapshot(to: $0) }, done: { jobs.post(.snapshotMade(member, $0)) })
    }

    mutating func onSnapshotMade(for member: MemberID, _ result: Result<SnapshotDesk.Made, SnapshotFailure>) {
        let made: SnapshotDesk.Made
        switch result {
        case .success(let value): made = value
        case .failure(let failure): return fail(member, failure.reason)
        }
        guard let desk, core.role == .leader else { return fail(member, "leadership was lost") }
        guard made.index <= applied, let term = core.log.term(at: made.index) else {
            return fail(member, "the snapshot ends at \(made.index), where the log does not know the term")
        }
        sending.made(at: made.index)
        let about = SnapshotAbout(
            group: core.group,
            position: LogPosition(index: made.index, term: term),
            configuration: core.configuration(at: made.index),
            size: made.size,
            digest: made.digest
        )
        observer(.snapshotStarted(to: member, about.position, bytes: about.size))
        let jobs: Mailbox<Job> = jobs
        let snapshot = OutgoingSnapshot(about: about) { offset, count throws(LogFault) in
            try await desk.read(at: offset, count: count)
        }
        transport.sendSnapshot(snapshot, to: member) { jobs.post(.snapshotSent(member, about.position, $0)) }
    }

    mutating func onSnapshotSent(to member: MemberID, _ position: LogPosition, _ outcome: SnapshotOutcome) {
        switch outcome {
        case .failed(let reason): fail(member, reason)
        case .installed:
            observer(.snapshotDelivered(to: member, position))
            finish(member, isInstalled: true)
        }
    }

    private mutating func fail(_ member: MemberID, _ reason: String) {
        observer(.snapshotFailed(to: member, reason: reason))
        // The core hears of it when the pause is over, and asks again then.
        sending.pause(member, until: ticks + snapshotPauseTicks)
        finish(member, isInstalled: false)
    }

    private mutating func finish(_ member: MemberID, isInstalled: Bool) {
        sending.finished(member, isInstalled: isInstalled, logEnd: core.log.lastIndex)
        desk?.discardOutgoing()
        if isInstalled { step(.snapshotSent(to: member, succeeded: true)) }
        startSnapshot()
    }

    mutating func retrySnapshots() {
        for member in sending.rested(at: ticks) { step(.snapshotSent(to: member, succeeded: false)) }
    }

    // MARK: Receiving

    /// Replaces the state by the snapshot that lies there, verified, and lets the log follow.
    ///
    /// Order: the description first, so that a crash can be understood; then the state; then the log.
    mutating func install(_ about: SnapshotAbout) -> SnapshotReply {
        guard let desk else { return .refused("this member keeps no snapshots") }
        let position: LogPosition = about.position
        guard about.group == core.group, position.term <= core.term else {
            desk.finishInstall()
            return .refused("the snapshot is of group \(about.group) and term \(position.term)")
        }
        guard core.wantsSnapshot(position) else {
            desk.finishInstall()
            return .installed
        }
        do {
            try desk.beginInstall(about)
            try machine.install(from: desk.incomingPath)
        } catch {
            observer(.installFailed(position, reason: "\(error)"))
            desk.finishInstall()
            return .refused("it could not be installed: \(error)")
        }
        guard machine.appliedIndex == position.index else {
            fatal(
                .damaged(
                    file: desk.incomingPath,
                    offset: 0,
                    reason: "the snapshot of entry \(position.index) made a state of entry \(machine.appliedIndex)"
                )
            )
            isRunning = false
            return .refused("the snapshot holds another state than it says")
        }
        // What was proposed here in an earlier leadership is in the snapshot, or is not.
        for (index, waiter) in accepted where index <= position.index {
            proposals.answer(waiter.id, .failure(.unknown))
            accepted[index] = nil
        }
        installing = position
        applied = position.index
        step(.snapshotInstalled(position, about.configuration))
        moved(to: max(applied, position.index))
        observer(.snapshotInstalled(position))
        let followsOnDisk: Bool = writes.contains { write in
            if case .reset(position, _) = write { true } else { false }
        }
        if !followsOnDisk { finishInstall() }
        return .installed
    }

    /// The log on the disk goes on behind the snapshot: a restart needs the description no more.
    mutating func finishInstall() {
        installing = nil
        desk?.finishInstall()
    }
}
