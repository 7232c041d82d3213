/// Who belongs to the group.
///
/// Shape: four lists, each sorted and without repeats. A configuration with `outgoing` voters is joint: the old
/// and the new voters must both agree to everything. A voter that becomes a learner stands in `outgoing` and in
/// `learners` at once; it votes until the joint phase ends.
package struct Configuration: Hashable, Sendable, CustomStringConvertible {
    package private(set) var voters: [MemberID]
    package private(set) var outgoing: [MemberID]
    package private(set) var learners: [MemberID]
    /// Ids that belonged to the group once.
    ///
    /// They are refused for ever.
    package private(set) var removed: [MemberID]

    package init(
        voters: [MemberID],
        outgoing: [MemberID] = [],
        learners: [MemberID] = [],
        removed: [MemberID] = []
    ) {
        self.voters = Set(voters).sorted()
        self.outgoing = Set(outgoing).sorted()
        self.learners = Set(learners).sorted()
        self.removed = Set(removed).sorted()
    }

    package var isJoint: Bool { !outgoing.isEmpty }
    package var quorum: Quorum { Quorum(incoming: voters, outgoing: outgoing) }

    /// Everyone who receives the log, in order.
    package var members: [MemberID] {
        // Looked at with every tick and message: the usual case makes nothing new.
        if outgoing.isEmpty, learners.isEmpty { return voters }
        return Set(voters + outgoing + learners).sorted()
    }

    /// Whether nobody else receives the log.
    func isOnly(_ id: MemberID) -> Bool {
        voters.count == 1 && voters[0] == id && learners.isEmpty && outgoing.allSatisfy { $0 == id }
    }

    package func isVoter(_ id: MemberID) -> Bool { voters.contains(id) || outgoing.contains(id) }

    /// The joint configuration on the way to `target`, or `target` itself when no voter changes.
    ///
    /// Learners that go are removed at once: nothing depends on their agreement.
    func entering(voters newVoters: [MemberID], learners newLearners: [MemberID]) -> Configuration {
        let target = Configuration(voters: newVoters, learners: newLearners)
        let joint: [MemberID] = target.voters == voters ? [] : voters
        let staying: [MemberID] = target.members + joint
        let gone: [MemberID] = learners.filter { !staying.contains($0) }
        return Configuration(
            voters: target.voters,
            outgoing: joint,
            learners: target.learners,
            removed: removed + gone
        )
    }

    /// What follows the joint phase: a voter that is in neither list any more is removed for good.
    func leaving() -> Configuration {
        let gone: [MemberID] = outgoing.filter { !voters.contains($0) && !learners.contains($0) }
        return Configuration(voters: voters, learners: learners, removed: removed + gone)
    }

    package var description: String {
        var text: String = "voters=\(Self.list(voters))"
        if isJoint { text += " outgoing=\(Self.list(outgoing))" }
        if !learners.isEmpty { text += " learners=\(Self.list(learners))" }
        if !removed.isEmpty { text += " removed=\(Self.list(removed))" }
        return text
    }

    private static func list(_ ids: [MemberID]) -> String {
        ids.map(\.description).joined(separator: ",")
    }
}
