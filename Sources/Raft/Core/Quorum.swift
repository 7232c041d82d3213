/// More than half of a set of voters.
///
/// An empty set always agrees: it is the missing half of a simple configuration.
package struct Majority: Sendable {
    package let voters: [MemberID]

    package var needed: Int { voters.count / 2 + 1 }

    /// Whether a majority says yes.
    package func agrees(_ yes: (MemberID) -> Bool) -> Bool {
        voters.isEmpty || voters.count(where: yes) >= needed
    }

    /// The highest index that a majority has reached; no limit for an empty set.
    package func reached(_ index: (MemberID) -> LogIndex) -> LogIndex {
        guard !voters.isEmpty else { return .max }
        let sorted: [LogIndex] = voters.map(index).sorted(by: >)
        return sorted[voters.count / 2]
    }
}

/// Both halves of a joint configuration must agree (Raft dissertation, section 4.3).
package struct Quorum: Sendable {
    package let incoming: Majority
    package let outgoing: Majority

    package init(incoming: [MemberID], outgoing: [MemberID]) {
        self.incoming = Majority(voters: incoming)
        self.outgoing = Majority(voters: outgoing)
    }

    package func agrees(_ yes: (MemberID) -> Bool) -> Bool {
        incoming.agrees(yes) && outgoing.agrees(yes)
    }

    package func reached(_ index: (MemberID) -> LogIndex) -> LogIndex {
        min(incoming.reached(index), outgoing.reached(index))
    }
}
