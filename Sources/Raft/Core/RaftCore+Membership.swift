/// Changing the members by joint consensus (Raft dissertation, section 4.3).
///
/// A configuration counts as soon as it is in the log and is rolled back if it is truncated. Whoever leads when the joint
/// one is committed appends the final one; that entry holds no request, so it cannot go wrong twice.
extension RaftCore {
    static func configuration(in entry: LogEntry) -> Configuration {
        guard let configuration = Configuration(encoded: entry.payload) else {
            preconditionFailure("entry \(entry.index) does not hold a configuration")
        }
        return configuration
    }

    mutating func onProposeConfiguration(_ voters: [MemberID], _ learners: [MemberID]) {
        let target = Configuration(voters: voters, learners: learners.filter { !voters.contains($0) })
        if let refusal = refusal(of: target) { return news.append(.configurationRefused(refusal)) }
        appendConfiguration(configuration.entering(voters: target.voters, learners: target.learners))
    }

    private func refusal(of target: Configuration) -> ConfigurationRefusal? {
        guard role == .leader else { return .notLeader(leader: leader) }
        guard transferTarget == nil else { return .transferring }
        guard hasCommittedInTerm else { return .termNotCommitted }
        guard !configuration.isJoint, configurations.currentIndex <= commit else { return .changePending }
        guard !target.voters.isEmpty else { return .noVoters }
        if let removed = target.members.first(where: configuration.removed.contains) { return .removedID(removed) }
        for voter in target.voters where !configuration.isVoter(voter) {
            guard configuration.learners.contains(voter) else { return .notALearner(voter) }
            let lag: UInt64 = log.lastIndex - match(of: voter)
            guard lag <= settings.promotionLagEntries else { return .tooFarBehind(voter, entries: lag) }
        }
        let silent: [MemberID] = target.voters.filter { !isActive($0) || progress[$0]?.hasLostLog == true }
        guard Majority(voters: target.voters).agrees({ !silent.contains($0) }) else {
            return .noHealthyQuorum(silent: silent)
        }
        return nil
    }

    private mutating func appendConfiguration(_ next: Configuration) {
        appendOwn([
            LogEntry(
                index: log.lastIndex + 1,
                term: ballot.term,
                kind: .configuration,
                version: Configuration.formatVersion,
                payload: next.encoded
            )
        ])
        // With fewer voters more may be committed at once.
        commitWhatMajorityHas()
    }

    /// After an append or a truncation put another configuration in force.
    mutating func onConfigurationChanged() {
        news.append(.configurationChanged(configuration))
        guard role == .leader else { return }
        let current: [MemberID] = peers
        for gone in progress.keys.sorted() where !current.contains(gone) { progress[gone] = nil }
        for new in current where progress[new] == nil {
            progress[new] = Progress(next: log.lastIndex)
        }
    }

    /// Something of this leader's term was committed: end a joint phase, or leave if we were removed.
    mutating func onOwnCommit() {
        guard role == .leader, configurations.currentIndex <= commit else { return }
        if configuration.isJoint {
            appendConfiguration(configuration.leaving())
        } else if !configuration.isVoter(id) {
            note(.leaderRemoved)
            becomeFollower(leader: nil, because: .removed)
        }
    }
}
