/// How many environments each node should own, given what each owns now.
///
/// Rendezvous alone gives six environments to three nodes as 3-2-1 or worse. Here every node gets its exact share by weight,
/// rounded down, and the environments that are left over go one each to the nodes which already own more than that, so that
/// as few as possible move; then to others, the leader last, because it has the log to carry, too. With equal
/// weights no two nodes differ by more than one. What was balanced stays so when the leader changes: nothing moves for it.
struct Shares {
    private(set) var quota: [String: Int] = [:]
    private(set) var owned: [String: Int] = [:]

    /// - Parameters:
    ///   - nodes: those that may own something; not empty.
    ///   - owned: what each of them owns now.
    ///   - total: all environments, also those that none of `nodes` owns.
    init(nodes: [OwnershipView.Node], owned: [String: Int], total: Int) {
        struct Claim {
            var node: OwnershipView.Node
            var share: Int
            var remainder: Int
            var hasMore: Bool
        }
        let weights: Int = nodes.reduce(0) { $0 + Rendezvous.weight(of: $1) }
        var claims: [Claim] = nodes.map { node in
            let weighted: Int = total * Rendezvous.weight(of: node)
            let share: Int = weighted / weights
            return Claim(
                node: node,
                share: share,
                remainder: weighted % weights,
                hasMore: (owned[node.name] ?? 0) > share
            )
        }
        var left: Int = total - claims.reduce(0) { $0 + $1.share }
        claims.sort { one, other in
            // Where the share is whole there is nothing to round up.
            if (one.remainder > 0) != (other.remainder > 0) { return one.remainder > 0 }
            if one.hasMore != other.hasMore { return one.hasMore }
            if one.node.isLeader != other.node.isLeader { return other.node.isLeader }
            if one.remainder != other.remainder { return one.remainder > other.remainder }
            return one.node.name < other.node.name
        }
        for claim in claims {
            quota[claim.node.name] = claim.share + (left > 0 ? 1 : 0)
            self.owned[claim.node.name] = owned[claim.node.name] ?? 0
            left = max(0, left - 1)
        }
    }

    func excess(_ node: OwnershipView.Node) -> Int { (owned[node.name] ?? 0) - (quota[node.name] ?? 0) }

    /// The node with room that scores highest for the scope; among the least loaded, if all have their share.
    func place(_ scope: UInt64, among nodes: [OwnershipView.Node]) -> OwnershipView.Node? {
        let open: [OwnershipView.Node] = nodes.filter { excess($0) < 0 }
        let choice: [OwnershipView.Node] = open.isEmpty ? leastLoaded(nodes) : open
        var best: (node: OwnershipView.Node, score: UInt64)?
        for node in choice {
            let score: UInt64 = Rendezvous.score(scope, node)
            if best.map({ score > $0.score || score == $0.score && node.name < $0.node.name }) ?? true {
                best = (node, score)
            }
        }
        return best?.node
    }

    private func leastLoaded(_ nodes: [OwnershipView.Node]) -> [OwnershipView.Node] {
        let least: Int? = nodes.map { excess($0) }.min()
        return nodes.filter { excess($0) == least }
    }

    mutating func took(_ node: String) { owned[node, default: 0] += 1 }
}
