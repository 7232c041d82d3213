import EventLoop
import HTTP
import Limits
import Metrics
import Store
import WebSocket

/// A WebSocket that the owner of a scope serves to a client of this node.
enum ForwardedStream {
    /// What to do while nobody owns the scope.
    enum Orphan: Sendable {
        /// Say so; whoever wants the stream tries again.
        case refuse
        /// Serve it here.
        case serve
    }

    /// - Parameters:
    ///   - exchange: whose caller the stream belongs to.
    ///   - holds: whether the caller still has the right; asked with a fresh exchange.
    /// - Returns: nil when this node is to serve the stream itself.
    static func open(
        _ exchange: Exchange,
        scope: UInt64,
        _ gateway: Gateway,
        orElse orphan: Orphan,
        while holds: @escaping @Sendable (Exchange) -> Bool
    ) async throws(Problem) -> HTTPResponse? {
        guard let peers: any PeerForwarding = gateway.peers, exchange.forwarded == nil else { return nil }
        // A new environment is given to a node a moment after it was made, and one whose owner went away within seconds.
        var patience = Patience(
            on: exchange.connection.loop,
            until: .after(milliseconds: gateway.timing.orphanMilliseconds)
        )
        var home: ScopeHome = peers.owner(of: scope)
        while home == .unknown {
            guard case .refuse = orphan else { return nil }
            guard await patience.wait() else {
                throw .unavailable("No node serves the environment at the moment: one will within seconds. Try again.")
            }
            home = peers.owner(of: scope)
        }
        guard case .peer(let peer) = home else { return nil }
        gateway.counters.forwarded.add()
        let request: HTTPRequest = ForwardedRequest.make(
            exchange.request,
            exchange.facts(tickets: nil, revision: exchange.view.revision),
            upgrades: true
        )
        let upgrade: HTTPUpgrade
        do throws(ForwardFault) {
            upgrade = try await peers.upgrade(
                request,
                to: peer,
                on: exchange.connection.loop,
                before: .after(seconds: Limits.forwardOpenSeconds)
            )
        } catch {
            throw .unavailable(
                "The node \(peer.name) serves the environment, and \(error). Another one will take over; try again."
            )
        }
        switch upgrade {
        case .refused(let answer): return ForwardedRequest.response(answer.head, answer.body)
        case .switched(let head, let owner, let ownerLeftover):
            let kept: Exchange = exchange.kept
            return .upgrade(headers: head.headers) { client, leftover in
                await StreamPipe(client: client, owner: owner).run(
                    clientLeftover: leftover,
                    ownerLeftover: ownerLeftover,
                    lost: CloseReason(code: 1012, reason: "the node that served this stream is gone: open it again"),
                    watch: { try await watch(kept, scope, peer, peers, gateway, holds) }
                )
            }
        }
    }

    /// Returns when the caller has lost the right, or the scope has another owner.
    private static func watch(
        _ exchange: Exchange,
        _ scope: UInt64,
        _ peer: PeerAddress,
        _ peers: any PeerForwarding,
        _ gateway: Gateway,
        _ holds: @Sendable (Exchange) -> Bool
    ) async throws -> CloseReason {
        let step: Int = min(gateway.timing.ownerMilliseconds, gateway.timing.rightsMilliseconds)
        let bell: RightsBell = gateway.rightsChanges.bell(for: exchange)
        var sinceRights: Int = 0
        while true {
            let wake: LoopBell.Outcome = await bell.wait(milliseconds: step)
            guard wake != .ended else { throw CancellationError() }
            // While nobody owns it the old owner goes on as long as it can; what it orders is fenced by its epoch.
            switch peers.owner(of: scope) {
            case .unknown: break
            case .peer(peer): break
            case .here, .peer:
                return CloseReason(code: 1012, reason: "another node serves this stream now: open it again")
            }
            sinceRights += step
            guard wake == .rung || sinceRights >= gateway.timing.rightsMilliseconds else { continue }
            sinceRights = 0
            let (view, time): (StoreView, Int64) = (gateway.state.store.view, gateway.now())
            guard let now: Exchange = StreamRights.renewed(exchange, view, at: time), holds(now) else {
                return StreamRights.withdrawn
            }
        }
    }
}
