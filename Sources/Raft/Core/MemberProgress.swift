/// What a leader knows of one other member, for those who look on.
package struct MemberProgress: Hashable, Sendable {
    package enum Phase: Hashable, Sendable {
        /// Where the logs meet is being found out.
        case probing
        case replicating
        /// The log here begins too late for it.
        case snapshot
    }

    package let id: MemberID
    package let isVoter: Bool
    /// Known to be on its disk.
    package let match: LogIndex
    /// Entries of the leader that it is not known to have.
    package let lag: UInt64
    package let phase: Phase
    /// Since it was heard, or since this leader was elected.
    package let silentTicks: Int
    /// It was heard within one election timeout.
    package let isActive: Bool
    /// It acknowledged entries and does not have them any more; this leader refuses it.
    package let hasLostLog: Bool
}

extension RaftCore {
    /// The other members as this leader sees them, in order; empty unless it leads.
    package var memberProgress: [MemberProgress] {
        guard role == .leader else { return [] }
        return peers.compactMap { peer in
            guard let state = progress[peer] else { return nil }
            let phase: MemberProgress.Phase =
                switch state.phase {
                case .probe: .probing
                case .replicate: .replicating
                case .snapshot: .snapshot
                }
            return MemberProgress(
                id: peer,
                isVoter: configuration.isVoter(peer),
                match: state.match,
                lag: log.lastIndex - state.match,
                phase: phase,
                silentTicks: state.silentTicks,
                isActive: isActive(peer),
                hasLostLog: state.hasLostLog
            )
        }
    }
}
