/// One thing that a core asks of whoever runs it.
///
/// Order: disk effects (`persist`, `append`, `truncate`, `reset`) must reach the disk in the order they were asked for.
/// Everything else may be done at once: what must wait for the disk is held inside the core until the disk answers.
package enum Effect: Hashable, Sendable {
    case send(Message)
    /// Write the ballot; answer with `ballotDurable`.
    case persist(Ballot)
    /// Write entries; answer with `logDurable` and the same number.
    case append([LogEntry], write: UInt64)
    /// Forget everything after this position; the configuration is the one in force there.
    case truncate(to: LogPosition, Configuration)
    /// Forget the whole log: a snapshot up to this position took its place.
    case reset(LogPosition, Configuration)
    /// Entries up to this index are committed and on this member's own disk: apply them.
    case commit(through: LogIndex)
    /// The proposals stand in the log from `first` on, in order. They are not committed yet.
    case accepted(ids: [UInt64], first: LogIndex, term: Term)
    case rejected(ids: [UInt64], ProposalRefusal)
    /// Once `index` is applied here, these reads see everything acknowledged before they were asked.
    case readReady(ids: [UInt64], index: LogIndex)
    case readRefused(ids: [UInt64], leader: MemberID?)
    case configurationRefused(ConfigurationRefusal)
    /// Members changed: open and close connections.
    case configurationChanged(Configuration)
    /// The member needs a snapshot; answer with `snapshotSent`.
    case snapshotNeeded(MemberID)
    case note(Observation)
}

/// Why a proposal did not enter the log.
///
/// Nothing of it will ever be applied.
package enum ProposalRefusal: Hashable, Sendable {
    case notLeader(leader: MemberID?)
    /// Leadership is being handed over; ask again in a moment.
    case transferring(to: MemberID)
    /// Too much is uncommitted; ask again later.
    case busy
}

/// Why the members were not changed.
package enum ConfigurationRefusal: Hashable, Sendable {
    case notLeader(leader: MemberID?)
    /// An earlier change is not finished.
    case changePending
    /// The leader has not committed an entry of its own term yet (the defect of 2015); ask again in a moment.
    case termNotCommitted
    case noVoters
    /// The id was removed once; give the newcomer a new one.
    case removedID(MemberID)
    /// A voter must be a learner first.
    case notALearner(MemberID)
    case tooFarBehind(MemberID, entries: UInt64)
    /// Too few of the new voters answer: the change would leave no quorum.
    case noHealthyQuorum(silent: [MemberID])
    case transferring
}

/// What is worth a log line or a counter, and changes nothing.
package enum Observation: Hashable, Sendable {
    case becameCandidate(Term)
    case becameLeader(Term)
    case steppedDown(Term, StepDownCause)
    case following(MemberID, Term)
    case leaderRemoved
    case foreignMessage(from: MemberID, GroupIdentity)
    case removedSender(MemberID)
    /// A member that had acknowledged entries does not have them any more: its data was lost.
    case memberLostLog(MemberID, acknowledged: LogIndex, has: LogIndex)
    /// A member says that its disk lost a part of the log, and takes it anew from this leader.
    case memberMends(MemberID, acknowledged: LogIndex, has: LogIndex)
    /// This member has again all that it had; it votes again.
    case mended(through: LogIndex)
    /// This leader's disk is slower than those of a majority of the others.
    case diskSlow(handingTo: MemberID)
    case transferRefused(to: MemberID)
    case transferAbandoned(to: MemberID)
    // The following come from the group, which moves the bytes of snapshots.
    case snapshotStarted(to: MemberID, LogPosition, bytes: UInt64)
    case snapshotDelivered(to: MemberID, LogPosition)
    case snapshotFailed(to: MemberID, reason: String)
    case snapshotInstalled(LogPosition)
    case installFailed(LogPosition, reason: String)
    // The following, too: what it hears of its log's thread.
    /// Nothing is written until there is space; nothing was lost.
    case logStalled
    case logResumed
}

package enum StepDownCause: Hashable, Sendable {
    case higherTerm
    /// No majority was heard from within one election timeout.
    case noQuorum
    case diskStalled
    case removed
}
