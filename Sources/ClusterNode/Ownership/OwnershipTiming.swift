import Limits

/// How long is long, all in milliseconds.
package struct OwnershipTiming: Hashable, Sendable {
    /// An owner that is silent for this long loses its scopes; a new leader listens this long before it calls anybody silent.
    package var lost: Int64
    /// A node that is silent for this long is given nothing, and makes the cluster uneasy; less than ``lost``.
    package var doubtful: Int64
    /// So long every voter must have been steadily there, or steadily away, before anything is moved that need not be.
    package var calm: Int64
    /// A drain that takes longer is cut: the scope is assigned all the same, and the epoch stops whatever still runs.
    package var drain: Int64

    package init(
        lost: Int64 = Limits.ownershipLostMilliseconds,
        doubtful: Int64 = Limits.ownershipDoubtMilliseconds,
        calm: Int64 = Limits.ownershipCalmMilliseconds,
        drain: Int64 = Limits.ownershipDrainMilliseconds
    ) {
        self.lost = lost
        self.doubtful = doubtful
        self.calm = calm
        self.drain = drain
    }
}
