import RaftCore

/// One thing to do about the members.
enum MembershipStep: Hashable, Sendable {
    /// A change of the Raft configuration.
    case change(voters: [MemberID], learners: [MemberID])
    /// The leader is to go: another one leads first.
    case transfer(to: MemberID)
    /// It has become a voter.
    case markActive(number: UInt64)
    /// It is no member any more.
    case markRemoved(number: UInt64)
    /// It has been silent for so long that the setting says to remove it.
    case markDead(number: UInt64, silentSeconds: Int)
}

/// What follows from a view: at most one step, and for each node that waits the reason, for people.
struct MembershipPlan: Hashable, Sendable {
    var step: MembershipStep?
    var reasons: [MemberID: String] = [:]

    /// Compares what the records want with what Raft has.
    ///
    /// A member that no record names is left alone: absence is never an order. One change at a time, each of one voter, so
    /// that a mistake can be seen before the next one; learners vote nothing and come together.
    static func decide(_ view: MembershipView) -> MembershipPlan {
        var plan = MembershipPlan()
        plan.step =
            plan.settle(view) ?? plan.remove(view) ?? plan.welcome(view) ?? plan.promote(view)
            ?? plan.retire(view)
        return plan
    }

    /// Why this node cannot be removed now; nil when it can.
    static func objection(toRemoving number: UInt64, _ view: MembershipView) -> String? {
        let member = MemberID(number)
        let configuration: Configuration = view.configuration
        guard configuration.isVoter(member) else { return nil }
        let rest: [MemberID] = configuration.voters.filter { $0 != member }
        guard !rest.isEmpty else {
            return "\(view.name(of: member)) is the only voter: without it there is no cluster; join another node first"
        }
        let heard: [MemberID] = rest.filter { view.isHeard($0) }
        let needed: Int = rest.count / 2 + 1
        guard heard.count >= needed else {
            let silent: String = rest.filter { !view.isHeard($0) }.map { view.name(of: $0) }.joined(separator: ", ")
            return """
                without \(view.name(of: member)) the cluster needs \(needed) of \(rest.count) voters, and only \
                \(heard.count) can be reached: bring back \(silent) first, or remove what is gone for good
                """
        }
        return nil
    }

    /// Why this node cannot become a voter now; nil when it can.
    static func objection(toPromoting number: UInt64, _ view: MembershipView) -> String? {
        let member = MemberID(number)
        let configuration: Configuration = view.configuration
        if configuration.voters.contains(member) { return "it is a voter already" }
        guard configuration.learners.contains(member) else { return "it is no member of the group yet" }
        guard !configuration.isJoint else { return "another change of the members is under way" }
        guard view.isHeard(member) else {
            return "nothing is heard of it: is it running, and does it reach the others?"
        }
        guard view.isClose(member) else {
            return """
                it is \(view.peers[member]?.lag ?? 0) entries behind, and at most \(view.promotionLag) may be missing: it would \
                hold up every change until it has them
                """
        }
        return nil
    }

    /// Records that lag behind what Raft has.
    private func settle(_ view: MembershipView) -> MembershipStep? {
        guard !view.configuration.isJoint else { return nil }
        for node in view.nodes {
            switch node.state {
            case .removing where !view.configuration.members.contains(node.member):
                return .markRemoved(number: node.number)
            case .joining where view.configuration.voters.contains(node.member):
                return .markActive(number: node.number)
            default: continue
            }
        }
        return nil
    }

    private mutating func remove(_ view: MembershipView) -> MembershipStep? {
        let configuration: Configuration = view.configuration
        for node in view.nodes where node.state == .removing && configuration.members.contains(node.member) {
            guard !configuration.isJoint else {
                reasons[node.member] = "another change of the members is under way"
                continue
            }
            if let objection: String = Self.objection(toRemoving: node.number, view) {
                reasons[node.member] = objection
                continue
            }
            if node.member == view.leader {
                guard let next: MemberID = successor(view, without: node.member) else {
                    reasons[node.member] = "it leads, and no other voter is close enough to take over"
                    continue
                }
                return .transfer(to: next)
            }
            return .change(
                voters: configuration.voters.filter { $0 != node.member },
                learners: configuration.learners.filter { $0 != node.member }
            )
        }
        return nil
    }

    /// The voter that is to lead next: heard, close, wanted, and of those the one with the least to catch up.
    private func successor(_ view: MembershipView, without member: MemberID) -> MemberID? {
        let leaving: Set<MemberID> = Set(view.nodes.filter { $0.state == .removing }.map(\.member))
        return view.configuration.voters.filter { $0 != member && !leaving.contains($0) && view.isClose($0) }
            .min { (view.peers[$0]?.lag ?? .max, $0) < (view.peers[$1]?.lag ?? .max, $1) }
    }

    private mutating func welcome(_ view: MembershipView) -> MembershipStep? {
        let configuration: Configuration = view.configuration
        var new: [MemberID] = []
        for node in view.nodes where node.state == .joining && !configuration.members.contains(node.member) {
            if configuration.removed.contains(node.member) {
                reasons[node.member] = "its member id was removed and is never let in again: remove it, and join anew"
            } else if configuration.isJoint {
                reasons[node.member] = "another change of the members is under way"
            } else {
                new.append(node.member)
            }
        }
        guard !new.isEmpty else { return nil }
        return .change(voters: configuration.voters, learners: configuration.learners + new)
    }

    private mutating func promote(_ view: MembershipView) -> MembershipStep? {
        let configuration: Configuration = view.configuration
        for node in view.nodes where node.state == .joining && configuration.learners.contains(node.member) {
            guard !configuration.isJoint else {
                reasons[node.member] = "another change of the members is under way"
                continue
            }
            guard view.isHeard(node.member) else {
                reasons[node.member] = "nothing was heard of it: is it running, and does it reach the others?"
                continue
            }
            guard view.isClose(node.member) else {
                reasons[node.member] =
                    "it is still getting the log: \(view.peers[node.member]?.lag ?? 0) entries behind"
                continue
            }
            guard view.steadyLooks[node.member] ?? 0 >= view.promotionLooks else {
                reasons[node.member] = "it has the log, and must keep up for a moment"
                continue
            }
            return .change(
                voters: configuration.voters + [node.member],
                learners: configuration.learners.filter { $0 != node.member }
            )
        }
        return nil
    }

    /// A node that has been silent for as long as the setting says, when the cluster is whole without it.
    ///
    /// One at a time, with nothing else under way; not while versions differ, for then somebody is upgrading and nodes come and
    /// go; and never so that fewer than three voters are left, all of which are there: with two, or with one of them in doubt,
    /// a removal takes more than it gives.
    private func retire(_ view: MembershipView) -> MembershipStep? {
        let configuration: Configuration = view.configuration
        guard let age: Int = view.deadMilliseconds, !configuration.isJoint,
            view.nodes.allSatisfy({
                $0.state == .active
            }),
            Set(view.nodes.compactMap(\.version)).count <= 1
        else { return nil }
        for node in view.nodes
        where configuration.voters.contains(node.member) && node.member != view.leader {
            guard let silent: Int = view.peers[node.member]?.silentMilliseconds, silent >= age else {
                continue
            }
            let rest: [MemberID] = configuration.voters.filter { $0 != node.member }
            let there: [MemberID] = rest.filter { view.isHeard($0) }
            guard there.count >= 3, there.count > rest.count / 2 else { continue }
            return .markDead(number: node.number, silentSeconds: silent / 1_000)
        }
        return nil
    }
}
