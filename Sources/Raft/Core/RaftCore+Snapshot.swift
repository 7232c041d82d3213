/// When the log no longer reaches back far enough. The bytes of a snapshot do not pass through the core.
extension RaftCore {
    /// Whether a snapshot up to here would bring anything new.
    ///
    /// Ask before the state machine is replaced.
    package func wantsSnapshot(_ position: LogPosition) -> Bool { position.index > commit }

    /// The state machine was replaced by a snapshot; the log follows it.
    mutating func onSnapshotInstalled(_ position: LogPosition, _ configuration: Configuration) {
        if position.index > commit {
            if log.term(at: position.index) == position.term, durable >= position.index {
                // The log on the disk has that entry: it agrees up to there and may keep the rest.
                advanceCommit(to: position.index)
            } else {
                commit = position.index
                log.reset(to: position)
                durable = position.index
                // Entries behind it that were not on the disk yet are gone; the leader sends them again.
                verified = position.index
                pendingWrites = []
                configurations = ConfigurationHistory(base: position.index, configuration)
                disk.append(.reset(position, configuration))
                onConfigurationChanged()
            }
            announced = max(announced, position.index)
        }
        verified = max(verified, commit)
        finishMending()
        if role != .leader, let leader { acknowledge(to: leader) }
    }

    mutating func onSnapshotSent(to peer: MemberID, succeeded: Bool) {
        guard role == .leader, var state = progress[peer], state.phase == .snapshot else { return }
        // Whether or not it arrived, the next message finds out where the peer stands.
        state.probe(from: succeeded ? log.lastIndex + 1 : state.match + 1)
        progress[peer] = state
        if succeeded { replicate(to: peer) }
    }
}
