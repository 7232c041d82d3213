internal import RaftCore

/// One thing that goes wrong for a while in a cluster where all else works.
package enum ClusterTrial: Hashable, Sendable {
    /// One member is not heard by another one.
    case wayCut(Int, Int)
    case linkCut(Int, Int)
    /// Only neighbours hear each other.
    case chain
    /// A member hears nobody and is not heard; the others cut their logs meanwhile.
    case away(Int)
    /// The leader stands still.
    case leaderPaused
    /// The leader's disk hangs.
    case leaderStalled
    /// A follower is down, and the leader loses the other one for as long as it takes to give up office.
    case formerLeader
}

/// What a trial came to.
package struct ClusterEndurance: Sendable {
    /// During the trial, and in the time after it.
    package var leaderChanges: Int
    package var leaderChangesAfter: Int
    package var acknowledged: Int
    /// Ticks in a row in which no change was acknowledged, during the trial and after it.
    package var longestSilence: Int
    package var snapshots: Int
    package var report: ClusterReport
}

extension ClusterWorld {
    /// Ticks of one election timeout, at least.
    package static let electionTicks: Int = 20

    /// Waits for a steady leader, lets the trial last, heals, and judges everything as after any run.
    package func endure(_ trial: ClusterTrial, for ticks: Int) -> ClusterEndurance {
        run(until: 250)
        let before: ClusterReport = report
        let until: Int = now + ticks
        begin(trial, until: until)
        var silence: Int = 0
        var longest: Int = 0
        func pass(until time: Int) {
            while now < time, checker.violation == nil {
                let written: Int = report.writes
                advance()
                silence = report.writes > written ? 0 : silence + 1
                longest = max(longest, silence)
            }
        }
        if case .away = trial {
            pass(until: until - 100)
            for member in members where member.isUp { beginCheckpoint(member, keep: 0) }
        }
        pass(until: until)
        let during: ClusterReport = report
        for member in members where !member.isUp { start(member) }
        pass(until: now + 300)
        let after: ClusterReport = report
        let ended: ClusterReport = run(steps: now)
        return ClusterEndurance(
            leaderChanges: during.elections - before.elections,
            leaderChangesAfter: after.elections - during.elections,
            acknowledged: during.acknowledged - before.acknowledged,
            longestSilence: longest,
            snapshots: after.snapshots - before.snapshots,
            report: ended
        )
    }

    private func begin(_ trial: ClusterTrial, until time: Int) {
        let leader: ClusterMember? = leader
        switch trial {
        case .wayCut(let from, let to): network.cut(from, to, until: time)
        case .linkCut(let one, let other): network.cutLink(one, other, until: time)
        case .chain: network.keepChain(members.map(\.place), until: time)
        case .away(let place): for member in members { network.cutLink(place, member.place, until: time) }
        case .leaderPaused: leader?.pausedUntil = time
        case .leaderStalled: leader?.stalledUntil = time
        case .formerLeader:
            let others: [ClusterMember] = members.filter { $0 !== leader }
            guard let leader, let down = others.first, let other = others.last else { return }
            crash(down, downFor: time)
            network.cutLink(leader.place, other.place, until: now + 2 * Self.electionTicks)
        }
    }
}
