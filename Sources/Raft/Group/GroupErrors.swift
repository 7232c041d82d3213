package import RaftCore

/// Why a proposal has no outcome.
///
/// Every case tells the caller something different to do.
package enum ProposeError: Error, Hashable, Sendable {
    /// It was not taken; go to `leader`, when known.
    case notLeader(leader: MemberID?)
    /// It was not taken; leadership is moving to this member.
    case transferring(to: MemberID)
    /// It was not taken: too much is under way; try again later.
    case busy
    /// It was not taken and never will be.
    case tooLarge(bytes: Int, limit: Int)
    /// Another leader's entry took its place: it will never be applied. Propose it again.
    case superseded
    /// It may or may not be applied. Only a request with a sequence number may be repeated.
    case unknown
}

/// Why a read could not be made current.
package enum ReadError: Error, Hashable, Sendable {
    case noLeader(leader: MemberID?)
    case timedOut
}

/// A command that was applied on this member.
package struct Applied<Outcome: Sendable>: Sendable {
    package let index: LogIndex
    package let term: Term
    package let outcome: Outcome
}

/// What a group looks like at one moment.
package struct GroupStatus: Hashable, Sendable {
    package var id: MemberID
    package var group: GroupIdentity
    package var role: RaftCore.Role
    package var term: Term
    package var leader: MemberID?
    package var commit: LogIndex
    package var applied: LogIndex
    package var firstIndex: LogIndex
    package var lastIndex: LogIndex
    package var configuration: Configuration
    /// The other members, by id, as this leader sees them; empty unless it leads.
    package var peers: [PeerProgress] = []
}

/// How a leader sees another member.
package struct PeerProgress: Hashable, Sendable {
    package var id: MemberID
    package var isVoter: Bool
    /// Known to be on its disk.
    package var match: LogIndex
    /// Entries of the leader that it is not known to have.
    package var lag: UInt64
    package var phase: MemberProgress.Phase
    /// Since it was heard, or since this leader was elected.
    package var silentMilliseconds: Int
    /// It was heard within one election timeout.
    package var isActive: Bool
    /// It acknowledged entries and does not have them any more: this leader takes nothing from it.
    ///
    /// It must be removed and join again with an empty folder and a new id.
    package var hasLostLog: Bool
}
