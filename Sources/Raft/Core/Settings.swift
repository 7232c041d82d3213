/// The numbers of the protocol.
///
/// Defaults suit a tick of 25 ms in one data centre: a pause of 300 ms deposes nobody, on a busy machine either, and a leader
/// that is only silent is replaced after 600 to 1,200 ms.
package struct RaftSettings: Sendable {
    /// Without word from a leader for one to two times this, a member asks for votes.
    ///
    /// At least three heartbeats.
    package var electionTicks: Int = 24
    package var heartbeatTicks: Int = 4
    /// A leader whose own disk has finished nothing for this long steps down, unless it is alone.
    package var diskStallTicks: Int = 160
    /// A leader that is waited for at so many ticks more than it is not, because its disk is slower than those of the others,
    /// hands over.
    package var slowDiskTicks: Int = 120
    /// When the leader's process is known to have ended, a member campaigns within this.
    ///
    /// It is the spread in which followers avoid each other, too.
    package var goneTicks: Int = 6
    /// Campaigns in a row that do without the election timeout after that.
    package var goneCampaigns: Int = 4
    /// Entries in one append message, by cost; one larger entry still goes.
    package var appendBytes: Int = 256 * 1024
    /// What may be on its way to one follower.
    package var windowBytes: Int = 4 * 1024 * 1024
    package var windowMessages: Int = 128
    /// Proposals beyond this are refused as busy.
    package var uncommittedBytes: Int = 64 * 1024 * 1024
    /// A learner further behind is not made a voter.
    package var promotionLagEntries: UInt64 = 1_000
    /// Messages that wait for a ballot to reach the disk; beyond it the oldest is dropped, as a network might.
    package var heldMessages: Int = 1_024

    package init() {}

    func check() {
        precondition(heartbeatTicks > 0, "a leader must send heartbeats")
        precondition(goneTicks > 0, "a campaign needs a spread")
        precondition(electionTicks >= 3 * heartbeatTicks, "an election timeout is at least three heartbeats")
    }
}

/// Ways to be wrong on purpose, so that the simulator can show that it would notice.
///
/// Nothing but tests and the simulator sets them.
package struct Flaws: OptionSet, Sendable {
    package let rawValue: UInt8

    package init(rawValue: UInt8) { self.rawValue = rawValue }

    /// Votes are announced without being written down.
    package static let forgetsVotes = Flaws(rawValue: 1)
    /// A second candidate of the same term gets a vote, too.
    package static let votesTwice = Flaws(rawValue: 2)
    /// Entries of earlier terms count as committed once a majority has them (Raft paper, figure 8).
    package static let commitsOldTerms = Flaws(rawValue: 4)
    /// A follower acknowledges entries before its disk has them.
    package static let acknowledgesEarly = Flaws(rawValue: 8)
    /// One half of a joint configuration is enough.
    package static let ignoresOutgoing = Flaws(rawValue: 16)
    /// Whoever asks gets a vote, though a live leader was just heard.
    package static let forgetsStickiness = Flaws(rawValue: 32)
    /// A configuration stays in force when its entry is truncated.
    package static let keepsTruncatedConfiguration = Flaws(rawValue: 64)
    /// A leader answers reads without asking the others whether it still leads.
    package static let readsWithoutRound = Flaws(rawValue: 128)
}
