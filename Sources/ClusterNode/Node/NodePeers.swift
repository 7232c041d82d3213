import EventLoop
import Gateway
import Limits
import RaftCore
import RaftTransport
import Store

/// How a node reaches the others: to forward requests, and to ask.
struct NodePeers: Sendable {
    /// nil in a cluster of one node.
    let pool: PooledPeers?
    private let core: NodeCore

    init(_ node: NodeContext, _ ownership: Ownership) {
        let (core, state): (NodeCore, ReplicatedState) = (node.core, node.state)
        let member: MemberID = node.configuration.member
        self.core = core
        pool = core.links.map { links in
            PooledPeers(
                owner: { scope in
                    if ownership.epoch(of: scope) != nil { return .here }
                    guard let owner: ScopeOwner = state.store.view.epoch(scope),
                        let peer: PeerDirectory.Peer = core.directory.peer(named: owner.node),
                        peer.member != member
                    else { return .unknown }
                    return .peer(PeerAddress(member: peer.member.number, name: peer.name))
                },
                connector: { peer, loop, deadline in
                    try await links.connect(MemberID(peer.member), on: loop, before: deadline)
                }
            )
        }
    }

    /// The members whose connections live.
    var heard: Set<MemberID> {
        let peers: [PeerStatus] = core.transport?.status() ?? []
        return Set(peers.filter { $0.silentMilliseconds ?? .max < Limits.healthCallMilliseconds }.map(\.member))
    }

    /// - Returns: nil when there was no answer in time.
    func ask(_ member: MemberID, _ call: PeerCall) async -> PeerReply? {
        let milliseconds: Int = call == .health ? Limits.healthCallMilliseconds : Limits.peerCallSeconds * 1_000
        let answer: [UInt8]? = try? await core.transport?.call(
            member,
            call.encoded,
            before: .after(milliseconds: milliseconds)
        )
        return answer.flatMap { try? PeerReply(decoding: $0) }
    }

    /// Connections that are kept were opened with what was true then.
    func forget(_ members: some Sequence<MemberID>) {
        for member in members { pool?.forget(member.number) }
    }
}
