internal import RaftCore

/// Every kind of accident that a simulated cluster can meet; a run counts each.
package enum ClusterFault: String, CaseIterable, Sendable {
    // The network.
    case messageLost = "messages lost"
    case messageDuplicated = "messages duplicated"
    case messageLate = "messages late"
    case wayCut = "one-way cuts"
    case memberMute = "members mute"
    case memberDeaf = "members deaf"
    case memberIsolated = "members isolated"
    case linkCut = "single links cut"
    case groupSplit = "groups split"
    case chain = "chains"
    case swizzle = "swizzles"
    case staleNews = "false news of a death"
    // Processes and machines.
    case kill = "kills"
    case leaderKill = "leader kills"
    case powerLoss = "power losses"
    case blackout = "blackouts"
    case pause = "pauses"
    // Disks.
    case diskSlow = "slow flushes"
    case diskStall = "disk stalls"
    case flushError = "flush errors"
    case writesLost = "unflushed writes lost"
    case tailTorn = "torn tails"
    case crashWhileWriting = "crashes while writing"
    case crashInCheckpoint = "crashes in a checkpoint"
    case crashInInstall = "crashes in an installation"
    // Clocks.
    case clockJump = "wall clock jumps"
    case clockFast = "fast clocks"
    case clockSlow = "slow clocks"
    case clockStrobe = "ticks at once"
    // Snapshots and members.
    case transferBroken = "snapshot transfers broken"
    case removedLingers = "removed members that go on"
    case transfer = "leadership transfers"
    // Clients.
    case answerLost = "answers lost"
    case retry = "requests repeated"
    case watchMoved = "watches moved"
    case slowReader = "slow readers"
    // Hosts, and who owns them; only in a cluster that has some.
    case scopeForced = "environments given away by force"
    case drain = "members told to give up or to take"
    case agentCrash = "agents crashed"
    case hostLost = "hosts away beyond their grace"
    case streamCut = "host streams cut"
    case streamCutInside = "host streams cut between members"
    case frameReplayed = "frames of the past"
    case stray = "visits to another incarnation"
    case operationFailed = "failures of a runtime"
    case containerDied = "containers that ended"

    /// Those that a cluster without hosts can meet.
    package static let ofMembers: [ClusterFault] = allCases.filter { !ofHosts.contains($0) }
    package static let ofHosts: [ClusterFault] = [
        .scopeForced, .drain, .agentCrash, .hostLost, .streamCut, .streamCutInside, .frameReplayed, .stray,
        .operationFailed,
        .containerDied,
    ]
}

/// How unkind a simulated cluster is.
///
/// Percentages are per message or try; the others are per thousand ticks.
package struct ClusterFaults: Sendable {
    package var lossPercent: Int = 3
    package var duplicatePercent: Int = 3
    /// Messages take 1 to this many ticks, so they overtake each other.
    package var delayTicks: Int = 3
    package var latePercent: Int = 2
    package var diskTicks: Int = 2
    package var slowDiskPercent: Int = 2
    package var stallPerThousand: Int = 1
    package var flushErrorPerThousand: Int = 1
    package var crashPerThousand: Int = 3
    package var leaderCrashPerThousand: Int = 1
    package var newLeaderCrashPercent: Int = 6
    package var newLeaderMutePercent: Int = 6
    /// Everybody loses power at once; per ten thousand ticks.
    package var blackoutPerTenThousand: Int = 3
    package var downTicks: Int = 60
    package var pausePerThousand: Int = 2
    package var partitionPerThousand: Int = 5
    package var clockPerThousand: Int = 6
    package var changePerThousand: Int = 6
    /// A change of members meets a partition between the old voters and the others.
    package var splitAtChangePercent: Int = 10
    package var checkpointPerThousand: Int = 25
    package var crashInInstallPercent: Int = 10
    package var transferPerThousand: Int = 2
    package var gonePercent: Int = 50
    package var falseGonePerThousand: Int = 3
    package var answerLossPercent: Int = 2
    package var watchMovePerThousand: Int = 15
    /// Entries of one message, by cost.
    package var appendBytes: Int = 1_200
    /// What the run must go through to count is brought about when chance did not.
    package var isForced: Bool = true
    /// Each seed has a mixture of its own.
    package var isMixed: Bool = true

    package init() {}

    /// Some of these more often, some less, some never: what one kind of accident hides another run shows.
    func mixed(_ random: inout SeededRandom) -> ClusterFaults {
        var faults: ClusterFaults = self
        for rate in Self.rates {
            switch random.below(6) {
            case 0: faults[keyPath: rate] = 0
            case 1: faults[keyPath: rate] *= 3
            default: break
            }
        }
        faults.delayTicks = 1 + random.below(2 * delayTicks)
        return faults
    }

    private static var rates: [WritableKeyPath<ClusterFaults, Int>] {
        [
            \.lossPercent, \.duplicatePercent, \.latePercent, \.slowDiskPercent, \.stallPerThousand,
            \.flushErrorPerThousand, \.crashPerThousand, \.newLeaderCrashPercent, \.newLeaderMutePercent,
            \.blackoutPerTenThousand, \.pausePerThousand, \.partitionPerThousand, \.clockPerThousand,
            \.changePerThousand,
            \.splitAtChangePercent, \.checkpointPerThousand, \.crashInInstallPercent, \.transferPerThousand,
            \.falseGonePerThousand, \.answerLossPercent, \.watchMovePerThousand,
        ]
    }

    /// A world where everything works.
    package static let none: ClusterFaults = {
        var faults = ClusterFaults()
        faults.lossPercent = 0
        faults.duplicatePercent = 0
        faults.delayTicks = 1
        faults.latePercent = 0
        faults.diskTicks = 1
        faults.slowDiskPercent = 0
        faults.stallPerThousand = 0
        faults.flushErrorPerThousand = 0
        faults.crashPerThousand = 0
        faults.leaderCrashPerThousand = 0
        faults.newLeaderCrashPercent = 0
        faults.newLeaderMutePercent = 0
        faults.blackoutPerTenThousand = 0
        faults.pausePerThousand = 0
        faults.partitionPerThousand = 0
        faults.clockPerThousand = 0
        faults.changePerThousand = 0
        faults.checkpointPerThousand = 0
        faults.transferPerThousand = 0
        faults.falseGonePerThousand = 0
        faults.answerLossPercent = 0
        faults.watchMovePerThousand = 0
        faults.isForced = false
        faults.isMixed = false
        return faults
    }()
}

/// Bugs around the core that can be put into the world on purpose, besides the core's own ``Flaws``.
package struct ClusterFlaws: OptionSet, Sendable {
    package let rawValue: Int
    package init(rawValue: Int) { self.rawValue = rawValue }

    /// A disk says that it flushed, and did not.
    package static let skipsFlush = ClusterFlaws(rawValue: 1)
    /// A member that starts again applies the last entry of its checkpoint once more.
    package static let appliesTwice = ClusterFlaws(rawValue: 2)
    /// A member answers reads before it has applied what they must see.
    package static let readsTooEarly = ClusterFlaws(rawValue: 4)
    /// A snapshot is taken for installed before it is on the disk.
    package static let forgetsCheckpoint = ClusterFlaws(rawValue: 8)
    /// A watch that goes on elsewhere begins one revision too late.
    package static let skipsOnResume = ClusterFlaws(rawValue: 16)
    /// A retry gets a number of its own, so it may run twice.
    package static let renumbersRetries = ClusterFlaws(rawValue: 32)
    /// A restored cluster takes requests under sessions of its past.
    package static let keepsSessions = ClusterFlaws(rawValue: 64)
}
