/// How unkind the simulated world is.
///
/// Percentages are per message; the others are per thousand ticks.
package struct RaftFaults: Sendable {
    package var lossPercent: Int = 5
    package var duplicatePercent: Int = 3
    /// Messages take 1 to this many ticks, so they overtake each other.
    package var delayTicks: Int = 4
    /// One message in fifty is ten times as slow.
    package var stragglers: Bool = true
    package var diskTicks: Int = 3
    /// Entries of one message, by cost; small, so that logs fall apart in many places.
    package var appendBytes: Int = 400
    package var crashPerThousand: Int = 6
    /// A new leader crashes within a few ticks, while it still tells the others.
    package var newLeaderCrashPercent: Int = 10
    /// A new leader is not heard by most for a while, soon after it was elected: its log grows apart from the others'.
    package var newLeaderMutePercent: Int = 10
    /// Everybody loses power at once.
    package var blackoutPerThousand: Int = 1
    package var downTicks: Int = 120
    package var pausePerThousand: Int = 2
    package var partitionPerThousand: Int = 8
    package var changePerThousand: Int = 6
    /// A change of members meets a partition between the old voters and the others.
    package var splitAtChangePercent: Int = 10
    package var checkpointPerThousand: Int = 10
    package var transferPerThousand: Int = 2
    /// After a crash each of the others hears within a few ticks that the process is gone.
    package var gonePercent: Int = 50
    /// Somebody is told that a process is gone which is not.
    package var falseGonePerThousand: Int = 3

    package init() {}

    /// A world where everything works.
    package static let none: RaftFaults = {
        var faults = RaftFaults()
        faults.lossPercent = 0
        faults.duplicatePercent = 0
        faults.delayTicks = 1
        faults.stragglers = false
        faults.diskTicks = 1
        faults.crashPerThousand = 0
        faults.newLeaderCrashPercent = 0
        faults.newLeaderMutePercent = 0
        faults.blackoutPerThousand = 0
        faults.pausePerThousand = 0
        faults.partitionPerThousand = 0
        faults.changePerThousand = 0
        faults.splitAtChangePercent = 0
        faults.checkpointPerThousand = 0
        faults.transferPerThousand = 0
        faults.falseGonePerThousand = 0
        return faults
    }()
}
