import Testing

@testable import Ownership

/// Small words for views.
enum Views {
    static func node(
        _ name: String,
        leader: Bool = false,
        voter: Bool = true,
        silent: Int64? = 0,
        steady: Int64 = 60_000,
        draining: Bool = false,
        weight: Int = 1
    ) -> OwnershipView.Node {
        OwnershipView.Node(
            name: name,
            isVoter: voter,
            isLeader: leader,
            silentMilliseconds: silent,
            steadyMilliseconds: steady,
            isDraining: draining,
            weight: weight
        )
    }

    static let three: [OwnershipView.Node] = [node("a", leader: true), node("b"), node("c")]

    /// Environments 5, 6, … with these owners, and the cluster with its leader.
    static func view(
        _ nodes: [OwnershipView.Node] = three,
        _ owners: [String?],
        since: Int64 = 60_000,
        move: OwnershipView.Move? = nil
    ) -> OwnershipView {
        let cluster = OwnershipView.Scope(id: 0, owner: nodes.first { $0.isLeader }?.name ?? "a", epoch: 1)
        return OwnershipView(
            nodes: nodes,
            scopes: [cluster]
                + owners.enumerated().map { index, owner in
                    OwnershipView.Scope(id: UInt64(5 + index), owner: owner, epoch: owner == nil ? 0 : 7)
                },
            sinceLeaderMilliseconds: since,
            move: move
        )
    }

    static func loads(_ view: OwnershipView) -> [String: Int] {
        var loads: [String: Int] = [:]
        for node in view.nodes { loads[node.name] = 0 }
        for scope in view.scopes where scope.id != 0 { loads[scope.owner ?? "none", default: 0] += 1 }
        return loads
    }

    /// Does at once what the steps say, until there are none; returns how many planned moves it took.
    static func settle(_ view: inout OwnershipView, rounds: Int = 2_000) -> Int {
        var moves: Int = 0
        for _ in 0..<rounds {
            let steps: [OwnershipStep] = OwnershipPlan.decide(view)
            if steps.isEmpty { return moves }
            for step in steps {
                switch step {
                case .assign(let scope, let to, let expecting, _):
                    guard let place = view.scopes.firstIndex(where: { $0.id == scope }) else { continue }
                    #expect(view.scopes[place].epoch == expecting)
                    view.scopes[place].owner = to
                    view.scopes[place].epoch += 1
                case .drain(let scope, let from, let to, let epoch):
                    #expect(view.move == nil)
                    view.move = .init(scope: scope, from: from, to: to, epoch: epoch, isReleased: true)
                    moves += 1
                case .forget: view.move = nil
                }
            }
        }
        Issue.record("does not come to rest")
        return moves
    }
}
