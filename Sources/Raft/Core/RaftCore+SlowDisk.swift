/// A leader whose disk works, but is what everybody waits for.
///
/// An entry is acknowledged only when the leader's own disk has it, so one slow disk slows all clients down as long as it
/// leads, and none as soon as it follows. The leader notices that a majority would have had an entry without it two ticks
/// ago already; when that was so far more often than not for a few seconds it hands over. An idle leader, and one that is slow only for
/// a moment, stay.
extension RaftCore {
    /// What would be committed if this leader's own disk took no time.
    private var reachedByOthers: LogIndex {
        quorum.reached { $0 == id ? log.lastIndex : match(of: $0) }
    }

    mutating func watchOwnDisk() {
        let isWaitedFor: Bool = durable < othersReached.before
        othersReached = (othersReached.now, reachedByOthers)
        slowDiskTicks = isWaitedFor ? slowDiskTicks + 1 : max(0, slowDiskTicks - 1)
        guard slowDiskTicks >= settings.slowDiskTicks, transferTarget == nil, let heir = closestVoter else { return }
        slowDiskTicks = 0
        note(.diskSlow(handingTo: heir))
        onTransfer(to: heir)
    }

    private var closestVoter: MemberID? {
        peers.filter { configuration.isVoter($0) && isActive($0) && progress[$0]?.hasLostLog == false }
            .max { match(of: $0) < match(of: $1) }
    }
}
