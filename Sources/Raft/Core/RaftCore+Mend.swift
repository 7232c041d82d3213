/// A member whose disk lost a part of its log, and which fetches it from the leader.
///
/// It kept what came before the damage, and its ballot. What it lost it may have acknowledged, and a leader may have counted
/// that: with a vote it could help one to win who does not have it, and erase what is committed. So it neither gives votes nor
/// wants any until its log has, from a leader, everything up to the last entry that was ever in it. Meanwhile it takes
/// entries and acknowledges them as ever: those are on its disk.
///
/// Why that is enough: whatever it acknowledged and was committed by that is in the log of every leader that won without its
/// vote, because that leader's voters share another member with those who committed.
extension RaftCore {
    /// The number in a rejection that says "I know that I lost it".
    ///
    /// Requests are counted from 1, so it answers none of them.
    static let mendingNumber: UInt64 = 0

    /// On the member: what the leader says of its own commit may lie behind what is still readable here.
    mutating func mendAtLeast(through commit: LogIndex) {
        guard let target = mending, !mendingIsComplete else { return }
        mendingIsComplete = true
        mending = max(target, commit)
    }

    /// On the member: what the leader counts on is not here any more.
    mutating func sayLost(_ position: LogPosition, to leader: MemberID) {
        let rejection = AppendRejection(
            previousIndex: position.index,
            hint: log.possibleMatch(atMost: position.index, term: position.term),
            number: Self.mendingNumber
        )
        send(.appendRejected(rejection), to: leader)
    }

    mutating func finishMending() {
        guard let target = mending, mendingIsComplete, min(durable, verified) >= target else { return }
        mending = nil
        note(.mended(through: target))
    }

    /// On the leader: the member says that it lost what it had acknowledged.
    ///
    /// Nothing of that counts any more; the logs are compared anew.
    mutating func forgetMatch(of peer: MemberID, has index: LogIndex) {
        guard var state = progress[peer], index < state.match || state.hasLostLog else { return }
        note(.memberMends(peer, acknowledged: state.match, has: index))
        state.forgetMatch(at: appendNumber)
        progress[peer] = state
    }
}
