/// What the Raft leader knows when it decides who owns what: one moment, as a value.
///
/// The driver makes it anew for each decision, from the store's view (scopes, node records), the group's configuration
/// (voters, leader) and a ``PeerLedger`` (silence). Names are unique; a node or scope that is listed twice counts once.
package struct OwnershipView: Hashable, Sendable {
    package struct Node: Hashable, Sendable {
        /// As scopes name their owner.
        package var name: String
        package var isVoter: Bool
        package var isLeader: Bool
        /// Since it was last heard; nil when it was not heard since this leader was elected.
        ///
        /// The leader hears itself.
        package var silentMilliseconds: Int64?
        /// For how long it has been heard without a pause worth mentioning.
        package var steadyMilliseconds: Int64
        /// It is to give up its environments: it is about to be removed, or its operator said so.
        package var isDraining: Bool
        /// How much it carries beside the others; from 1 to `Limits.ownershipWeight`.
        package var weight: Int

        package init(
            name: String,
            isVoter: Bool = true,
            isLeader: Bool = false,
            silentMilliseconds: Int64? = 0,
            steadyMilliseconds: Int64,
            isDraining: Bool = false,
            weight: Int = 1
        ) {
            self.name = name
            self.isVoter = isVoter
            self.isLeader = isLeader
            self.silentMilliseconds = silentMilliseconds
            self.steadyMilliseconds = steadyMilliseconds
            self.isDraining = isDraining
            self.weight = weight
        }
    }

    /// `cluster` (0) or an environment that is not removed.
    package struct Scope: Hashable, Sendable {
        package var id: UInt64
        /// Nil for one that was never assigned.
        package var owner: String?
        /// 0 for one that was never assigned.
        package var epoch: UInt64

        package init(id: UInt64, owner: String? = nil, epoch: UInt64 = 0) {
            self.id = id
            self.owner = owner
            self.epoch = epoch
        }
    }

    /// The planned move that this leader has begun and not yet forgotten.
    package struct Move: Hashable, Sendable {
        package var scope: UInt64
        package var from: String
        package var to: String
        /// Of the owner that gives up.
        package var epoch: UInt64
        /// The owner has said that nothing of it acts for the scope any longer.
        package var isReleased: Bool
        /// Since the drain began.
        package var milliseconds: Int64

        package init(
            scope: UInt64,
            from: String,
            to: String,
            epoch: UInt64,
            isReleased: Bool = false,
            milliseconds: Int64 = 0
        ) {
            self.scope = scope
            self.from = from
            self.to = to
            self.epoch = epoch
            self.isReleased = isReleased
            self.milliseconds = milliseconds
        }
    }

    /// Members, and learners on their way to be.
    package var nodes: [Node]
    package var scopes: [Scope]
    package var sinceLeaderMilliseconds: Int64
    package var move: Move?
    package var timing: OwnershipTiming

    package init(
        nodes: [Node],
        scopes: [Scope],
        sinceLeaderMilliseconds: Int64,
        move: Move? = nil,
        timing: OwnershipTiming = OwnershipTiming()
    ) {
        self.nodes = nodes
        self.scopes = scopes
        self.sinceLeaderMilliseconds = sinceLeaderMilliseconds
        self.move = move
        self.timing = timing
    }
}
