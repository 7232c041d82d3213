/// Handing leadership over (Raft dissertation, section 3.10).
///
/// Order: no more proposals, bring the target level, tell it to campaign, give up after one election timeout.
extension RaftCore {
    mutating func onTransfer(to target: MemberID) {
        guard role == .leader, target != id, configuration.isVoter(target), transferTarget == nil else {
            return note(.transferRefused(to: target))
        }
        transferTarget = target
        electionElapsed = 0
        finishTransfer(with: target)
    }

    /// Tells the target once it has the whole log.
    mutating func finishTransfer(with peer: MemberID) {
        guard role == .leader, transferTarget == peer, match(of: peer) == log.lastIndex else { return }
        send(.campaignNow, to: peer)
    }
}
