/// When each peer was heard, and since when without a pause: what a leader's decisions know of silence.
///
/// Fed by the leader's driver from what the transport and the group say; times are milliseconds of one monotonic clock, and
/// may come late or out of order.
package struct PeerLedger: Hashable, Sendable {
    private struct Peer: Hashable {
        var last: Int64
        var steadySince: Int64
    }

    private let timing: OwnershipTiming
    private var electedAt: Int64
    private var peers: [String: Peer] = [:]

    /// A new leader has heard nobody yet.
    package init(electedAt: Int64, timing: OwnershipTiming = OwnershipTiming()) {
        self.timing = timing
        self.electedAt = electedAt
    }

    /// A message of the peer arrived; what arrived before the election counts for nothing.
    package mutating func heard(_ node: String, at time: Int64) {
        guard time >= electedAt else { return }
        guard var peer: Peer = peers[node] else {
            peers[node] = Peer(last: time, steadySince: time)
            return
        }
        guard time > peer.last else { return }
        if time - peer.last >= timing.doubtful { peer.steadySince = time }
        peer.last = time
        peers[node] = peer
    }

    /// Its process is gone, and another one will come: what was heard does not count for that.
    package mutating func forget(_ node: String) { peers[node] = nil }

    /// For ``OwnershipView/Node/silentMilliseconds``.
    package func silence(of node: String, at time: Int64) -> Int64? { peers[node].map { max(0, time - $0.last) } }

    /// For ``OwnershipView/Node/steadyMilliseconds``.
    package func steadiness(of node: String, at time: Int64) -> Int64 {
        guard let peer: Peer = peers[node], time - peer.last < timing.doubtful else { return 0 }
        return max(0, time - peer.steadySince)
    }

    /// For ``OwnershipView/sinceLeaderMilliseconds``.
    package func sinceElection(at time: Int64) -> Int64 { max(0, time - electedAt) }
}
