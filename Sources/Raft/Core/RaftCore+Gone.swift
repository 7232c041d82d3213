/// When a member's process has ended, as opposed to being silent.
///
/// A leader's death is usually told at once by the system it ran on: nobody listens at its address. Waiting for the election
/// timeout would add nothing then. All of this is about when a member campaigns; who may win is not touched, so a wrong
/// report costs an election at worst.
extension RaftCore {
    mutating func onPeerGone(_ member: MemberID) {
        guard role == .follower, leader == member, hastyCampaigns == 0 else { return }
        // It counts as not heard for an election timeout, so nobody is refused in its favour.
        contactElapsed = max(contactElapsed, settings.electionTicks)
        hastyCampaigns = settings.goneCampaigns
        waitBriefly()
    }

    /// Another member is about to campaign with our agreement: do not cross it.
    mutating func makeWay() {
        guard role == .follower, hastyCampaigns > 0 else { return }
        waitBriefly()
        electionTimeout += settings.goneTicks
    }

    /// The wait between this campaign and the next.
    mutating func resetCampaignTimer() {
        guard hastyCampaigns > 1 else { return resetElectionTimer() }
        hastyCampaigns -= 1
        waitBriefly()
        // Long enough for an answer: disks write a ballot first.
        electionTimeout += settings.goneTicks
    }

    private mutating func waitBriefly() {
        electionElapsed = 0
        electionTimeout = 1 + random.below(settings.goneTicks)
    }
}
