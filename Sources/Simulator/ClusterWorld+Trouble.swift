internal import RaftCore
internal import Store

/// What accidents and operators do in one tick.
extension ClusterWorld {
    /// What every run is to go through.
    enum Deed {
        case killLeader
        case change
        /// Somebody is away for so long that only a snapshot helps.
        case starve
        /// Everybody cuts its log.
        case cutLogs
    }

    /// Asked for at some moment, and once more later if it has not come about.
    func planDeeds(_ steps: Int) {
        func at(_ percent: Int, _ deed: Deed) {
            let time: Int = steps * percent / 100 + random.below(max(1, steps / 20))
            deeds[max(1, time), default: []].append(deed)
        }
        at(10, .killLeader)
        at(18, .cutLogs)
        for percent in [22, 55, 70, 85] { at(percent, .change) }
        for percent in [32, 45, 58, 70, 82] { at(percent, .starve) }
        for percent in [50, 65, 80] { at(percent, .killLeader) }
    }

    func causeTrouble() {
        for deed in deeds.removeValue(forKey: now) ?? [] { perform(deed) }
        let any: ClusterMember = members[random.below(members.count)]
        if happens(faults.crashPerThousand) { crash(any) }
        if happens(faults.leaderCrashPerThousand), let leader { crash(leader) }
        if random.below(10_000) < faults.blackoutPerTenThousand {
            count(.blackout)
            for member in members { crash(member, losesPower: true) }
        }
        if happens(faults.pausePerThousand), any.isUp {
            count(.pause)
            any.pausedUntil = now + 10 + random.below(80)
        }
        if happens(faults.partitionPerThousand) {
            let places: [Int] = present.map(\.place)
            let ticks: Int = 20 + random.below(120)
            let fault: ClusterFault = network.partition(places, at: now, for: ticks, random: &random)
            count(fault)
            trace.record(now, 14, UInt64(ticks), "\(fault.rawValue) for \(ticks) ticks")
        }
        if happens(faults.stallPerThousand), any.isUp {
            count(.diskStall)
            let ticks: Int = 20 + random.below(150)
            any.stalledUntil = now + ticks
            // Then much is written at once, and that may be cut short.
            if random.chance(percent: 50) {
                schedule(.crash(any.place, life: any.life, losesPower: true), after: ticks + 1 + random.below(3))
            }
        }
        if happens(faults.flushErrorPerThousand), any.isUp { any.failsFlush = true }
        if happens(faults.checkpointPerThousand) { beginCheckpoint(any, keep: LogIndex(random.below(20))) }
        if happens(faults.transferPerThousand), let leader {
            count(.transfer)
            step(leader, .transferLeadership(to: any.id))
        }
        if happens(faults.falseGonePerThousand) {
            count(.staleNews)
            hearOfDeath(of: members[random.below(members.count)].id, any)
        }
        if happens(faults.clockPerThousand) { disturbClock(any) }
        if happens(faults.changePerThousand), let leader { changeMembers(leader) }
        if happens(faults.watchMovePerThousand) { moveWatcher() }
        if now % 50 == 0, any.isUp { any.store.bookmarkWatches() }
        for member in members {
            if member.lingersUntil <= now {
                stop(member)
            } else if !member.isUp, member.downUntil <= now {
                start(member)
            }
        }
    }

    private func happens(_ perThousand: Int) -> Bool { random.below(1_000) < perThousand }

    /// Somebody who believes to lead; not always the real one.
    var leader: ClusterMember? {
        let believers: [ClusterMember] = members.filter { $0.core?.role == .leader }
        return believers.isEmpty ? nil : believers[random.below(believers.count)]
    }

    private func disturbClock(_ member: ClusterMember) {
        switch random.below(4) {
        case 0:
            count(.clockJump)
            member.wallOffset = Int64(random.below(7_200_000)) - 3_600_000
        case 1:
            count(.clockFast)
            member.clockRate = 150 + random.below(150)
            member.clockRateUntil = now + 20 + random.below(100)
        case 2:
            count(.clockSlow)
            member.clockRate = random.below(70)
            member.clockRateUntil = now + 20 + random.below(100)
        default:
            guard member.isUp, member.pausedUntil <= now else { return }
            count(.clockStrobe)
            for _ in 0..<5 + random.below(40) { tickOnce(member) }
        }
    }

    private func perform(_ deed: Deed) {
        switch deed {
        case .killLeader:
            guard report.leaderChanges < 3 || report.crashes == 0 else { return }
            if let leader { crash(leader) } else { deeds[now + 10, default: []].append(deed) }
        case .change:
            guard report.configurations < 1 else { return }
            if let leader { changeMembers(leader) }
            // Most refusals are for the moment.
            deeds[now + 25, default: []].append(deed)
        case .starve:
            guard report.snapshots < 1 else { return }
            // The others must go on without it.
            let current: Configuration? = leader?.core?.configuration
            let voters: [MemberID] = current?.voters ?? []
            let spare: [MemberID] = (current?.learners ?? []) + (voters.count > 2 ? voters : [])
            let others: [ClusterMember] = present.filter {
                $0.isUp && $0.core?.role != .leader && spare.contains($0.id)
            }
            let away: Int = voters.count { member($0)?.isUp != true }
            guard let victim = others.first, away == 0 || !voters.contains(victim.id) else {
                return deeds[now + 15, default: []].append(deed)
            }
            crash(victim, downFor: 100)
            deeds[now + 85, default: []].append(.cutLogs)
        case .cutLogs:
            for member in members { beginCheckpoint(member, keep: 0) }
        }
    }

    // MARK: Members

    /// Adds a learner, makes one a voter, makes a voter a learner, replaces several at once, or removes somebody.
    private func changeMembers(_ leader: ClusterMember) {
        guard let current = leader.core?.configuration, !current.isJoint else { return }
        var voters: [MemberID] = current.voters
        var learners: [MemberID] = current.learners
        // Whoever runs it sees to it that there are enough voters.
        let isShort: Bool = voters.count < founders.voters.count && random.chance(percent: 60)
        let choice: Int = isShort ? (learners.isEmpty ? 0 : 1) : random.below(4)
        switch learners.count >= 2 && random.chance(percent: 40) ? 4 : choice {
        case 0:
            guard learners.count < 3 else { return }
            // Somebody whose first try was refused, or somebody new.
            let known: ClusterMember? = present.first {
                !current.members.contains($0.id) && !current.removed.contains($0.id)
            }
            guard known != nil || members.count < placeLimit else { return }
            learners.append((known ?? addMember()).id)
        case 1:
            guard !learners.isEmpty else { return }
            voters.append(learners.remove(at: random.below(learners.count)))
            // Replacing two at once is what joint consensus is for.
            if voters.count > 3, random.chance(percent: 50) { voters.remove(at: random.below(voters.count)) }
        case 2:
            guard voters.count > 2 else { return }
            learners.append(voters.remove(at: random.below(voters.count)))
        case 4:
            // All learners at once take the places of others: old and new majorities need not meet.
            let staying: [MemberID] = voters.filter { $0 != leader.id }.dropLast(learners.count)
            voters = [leader.id] + staying + learners
            learners = []
        default:
            guard voters.count > 2 else { return }
            voters.remove(at: random.below(voters.count))
        }
        step(leader, .proposeConfiguration(voters: voters, learners: learners))
        guard random.chance(percent: faults.splitAtChangePercent) else { return }
        let side: [Int] = current.voters.filter { $0 != leader.id }.map { Int($0.number) - 1 }
        let until: Int = now + 40 + random.below(80)
        count(.groupSplit)
        for member in members where !side.contains(member.place) {
            for other in side { network.cutLink(member.place, other, until: until) }
        }
    }
}
