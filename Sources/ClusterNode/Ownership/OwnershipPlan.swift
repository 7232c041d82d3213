import Limits

/// Who should own what: decided by the Raft leader, anew whenever something may have changed.
///
/// The driver runs ``decide(_:)`` on the leader when scopes, environments or members change, when a node falls silent or is heard
/// again, when a drain is answered, and a few times a second while anything of that is under way. It is a function
/// of its input: no clock, no randomness, the same steps for the same view. On a view that is as it should be it gives none.
///
/// Departure from a lease: nothing here is promised for a time. An owner that is only slow loses its scopes and finds out
/// by the epoch; nothing it then tries can commit.
package enum OwnershipPlan {
    /// What the leader is to do now; nothing when no node of the view leads.
    package static func decide(_ view: OwnershipView) -> [OwnershipStep] {
        var decision = Decision(view)
        return decision.run()
    }

    /// What takes a node's own scopes under a new epoch: asked by a process that has just started, and by an owner that
    /// released a scope and was left waiting.
    ///
    /// Until these are applied the process holds nothing, whatever the store says: its epochs are those of the process
    /// before it, whose frames may still be on their way. An assignment by the leader that comes between wins, by the epoch. One
    /// that is no member any more gets nowhere with it: nobody takes its proposals.
    package static func reclaim(_ node: String, _ scopes: [OwnershipView.Scope]) -> [OwnershipStep] {
        Decision.unique(scopes).filter { $0.owner == node }.map {
            .assign(scope: $0.id, to: node, expecting: $0.epoch, reason: .restarted)
        }
    }
}

/// One run of ``OwnershipPlan/decide(_:)``.
private struct Decision {
    let view: OwnershipView
    let scopes: [OwnershipView.Scope]
    let nodes: [String: OwnershipView.Node]
    let leader: OwnershipView.Node?
    /// Who may own environments, ascending by name.
    let eligible: [OwnershipView.Node]
    /// Those of them that are heard now.
    let targets: [OwnershipView.Node]
    var shares: Shares
    var steps: [OwnershipStep] = []

    init(_ view: OwnershipView) {
        self.view = view
        scopes = Self.unique(view.scopes)
        var known: [String: OwnershipView.Node] = [:]
        for node in view.nodes where known[node.name] == nil { known[node.name] = node }
        nodes = known
        let ordered: [OwnershipView.Node] = known.values.sorted { $0.name < $1.name }
        leader = ordered.first { $0.isLeader && $0.isVoter }
        let present: [OwnershipView.Node] = ordered.filter { $0.isVoter && !Self.isLost($0, view) }
        // Rather an owner that is about to go than none.
        let staying: [OwnershipView.Node] = present.filter { !$0.isDraining }
        let chosen: [OwnershipView.Node] = staying.isEmpty ? present : staying
        eligible = chosen
        targets = chosen.filter { Self.isHeard($0, view.timing) }
        let owners: [String?] = scopes.filter { $0.id != OwnershipPlan.cluster }.map(\.owner)
        var owned: [String: Int] = [:]
        for owner in owners { if let owner { owned[owner, default: 0] += 1 } }
        shares = Shares(nodes: chosen, owned: owned, total: owners.count)
    }

    static func unique(_ scopes: [OwnershipView.Scope]) -> [OwnershipView.Scope] {
        var known: Set<UInt64> = []
        return scopes.filter { known.insert($0.id).inserted }.sorted { $0.id < $1.id }
    }

    /// Silent for so long, and listened to for so long.
    static func isLost(_ node: OwnershipView.Node, _ view: OwnershipView) -> Bool {
        guard !node.isLeader else { return false }
        let listened: Int64 = view.sinceLeaderMilliseconds
        return min(node.silentMilliseconds ?? listened, listened) >= view.timing.lost
    }

    static func isHeard(_ node: OwnershipView.Node, _ timing: OwnershipTiming) -> Bool {
        node.isLeader || node.silentMilliseconds.map { $0 < timing.doubtful } ?? false
    }

    mutating func run() -> [OwnershipStep] {
        guard let leader, !targets.isEmpty || !eligible.isEmpty else { return [] }
        followMove()
        for scope in scopes where steps.count < Limits.ownershipSteps {
            if scope.id == OwnershipPlan.cluster {
                guard scope.owner != leader.name else { continue }
                steps.append(
                    .assign(
                        scope: scope.id,
                        to: leader.name,
                        expecting: scope.epoch,
                        reason: scope.owner == nil ? .neverOwned : .leads
                    )
                )
            } else if let reason: OwnershipStep.Reason = need(of: scope), !isHandled(scope.id) {
                rescue(scope, reason)
            }
        }
        if steps.isEmpty, view.move == nil, isCalm { plan() }
        return steps
    }

    private func isHandled(_ scope: UInt64) -> Bool {
        steps.contains { step in
            if case .assign(scope, _, _, _) = step { return true }
            return false
        }
    }

    // MARK: Without an owner

    private func need(of scope: OwnershipView.Scope) -> OwnershipStep.Reason? {
        guard let owner: String = scope.owner else { return .neverOwned }
        guard let node: OwnershipView.Node = nodes[owner] else { return .ownerLeft }
        return Self.isLost(node, view) ? .ownerLost : nil
    }

    private mutating func rescue(_ scope: OwnershipView.Scope, _ reason: OwnershipStep.Reason) {
        // The leader is always heard; where it drains it still is better than nobody.
        guard let target: OwnershipView.Node = shares.place(scope.id, among: targets) ?? leader else { return }
        shares.took(target.name)
        steps.append(.assign(scope: scope.id, to: target.name, expecting: scope.epoch, reason: reason))
    }

    // MARK: Planned moves

    /// Takes the move that is under way one step further.
    private mutating func followMove() {
        guard let move: OwnershipView.Move = view.move else { return }
        guard move.scope != OwnershipPlan.cluster,
            let scope: OwnershipView.Scope = scopes.first(where: { $0.id == move.scope }), scope.owner == move.from,
            scope.epoch == move.epoch
        else {
            steps.append(.forget(scope: move.scope))
            return
        }
        let target: OwnershipView.Node? = targets.first { $0.name == move.to }
        let reason: OwnershipStep.Reason
        if need(of: scope) != nil {
            reason = .ownerLost
        } else if target == nil {
            // Back under a new epoch: whether it has released or not, it then holds it again.
            reason = .targetLost
        } else if move.isReleased {
            reason = .released
        } else if move.milliseconds >= view.timing.drain {
            reason = .drainCut
        } else {
            return
        }
        let back: OwnershipView.Node? = targets.first { $0.name == move.from }
        guard let chosen: OwnershipView.Node = target ?? back ?? shares.place(scope.id, among: targets) ?? leader else {
            return
        }
        if chosen.name != move.from { shares.took(chosen.name) }
        steps.append(.assign(scope: scope.id, to: chosen.name, expecting: scope.epoch, reason: reason))
    }

    /// Nobody has just come or gone, and nobody is about to.
    private var isCalm: Bool {
        guard view.sinceLeaderMilliseconds >= view.timing.lost else { return false }
        return nodes.values.filter(\.isVoter).allSatisfy { node in
            if node.isLeader { return true }
            if Self.isLost(node, view) {
                return min(node.silentMilliseconds ?? .max, view.sinceLeaderMilliseconds) >= view.timing.calm
            }
            return Self.isHeard(node, view.timing) && node.steadyMilliseconds >= view.timing.calm
        }
    }

    /// One move: off a node that is to give up everything, or else off one that has too much.
    private mutating func plan() {
        let staying: Set<String> = Set(eligible.map(\.name))
        let environments: [OwnershipView.Scope] = scopes.filter { $0.id != OwnershipPlan.cluster }
        if let scope = environments.first(where: { scope in scope.owner.map { !staying.contains($0) } ?? false }),
            let target: OwnershipView.Node = shares.place(scope.id, among: targets)
        {
            begin(scope, to: target)
            return
        }
        let takers: [OwnershipView.Node] = targets.filter { shares.excess($0) < 0 }
        let givers: Set<String> = Set(eligible.filter { shares.excess($0) > 0 }.map(\.name))
        // Whoever would have won the scope in the first place gets it.
        var best: (scope: OwnershipView.Scope, taker: OwnershipView.Node, score: UInt64)?
        for scope in environments where scope.owner.map({ givers.contains($0) }) ?? false {
            for taker in takers {
                let score: UInt64 = Rendezvous.score(scope.id, taker)
                if score > best?.score ?? 0 { best = (scope, taker, score) }
            }
        }
        if let best { begin(best.scope, to: best.taker) }
    }

    private mutating func begin(_ scope: OwnershipView.Scope, to target: OwnershipView.Node) {
        guard let owner: String = scope.owner, owner != target.name else { return }
        steps.append(.drain(scope: scope.id, from: owner, to: target.name, epoch: scope.epoch))
    }
}

extension OwnershipPlan {
    /// The scope that the leader owns.
    package static let cluster: UInt64 = 0
}
