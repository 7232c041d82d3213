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
    /// Order: the description first, so that a crash can be understood; then the state; then the log. The state is replaced
    /// on the thread of snapshots, which may take long: meanwhile this one goes on hearing the leader, and applies nothing.
    mutating func install(_ about: SnapshotAbout, _ continuation: CheckedContinuation<SnapshotReply, Never>) {
        guard let desk else { return continuation.resume(returning: .refused("this member keeps no snapshots")) }
        guard about.group == core.group, about.position.term <= core.term else {
            desk.finishInstall()
            return continuation.resume(
                returning: .refused("the snapshot is of group \(about.group) and term \(about.position.term)")
            )
        }
        guard core.wantsSnapshot(about.position), !isReplacing else {
            desk.finishInstall()
            return continuation.resume(returning: isReplacing ? .later : .installed)
        }
        isReplacing = true
        let jobs: Mailbox<Job> = jobs
        let machine: Machine = machine
        desk.install(about, { try machine.install(from: $0) }) { result in
            if !jobs.post(.replaced(about, result, continuation)) {
                continuation.resume(returning: .refused("the member stops"))
            }
        }
    }

    /// The state was replaced, or was not.
    mutating func onReplaced(_ about: SnapshotAbout, _ result: Result<Void, SnapshotFailure>) -> SnapshotReply {
        isReplacing = false
        // What was committed meanwhile is applied at the end, on whichever state is in force then.
        defer { if isRunning { apply(through: heldCommit) } }
        guard let desk else { return .refused("this member keeps no snapshots") }
        let position: LogPosition = about.position
        if case .failure(let failure) = result {
            observer(.installFailed(position, reason: failure.reason))
            desk.finishInstall()
            return .refused("it could not be installed: \(failure.reason)")
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
