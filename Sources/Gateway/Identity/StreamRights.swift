import EventLoop
import HTTP
import Model
import Store
import WebSocket

/// The rights behind a stream that stays open: judged anew as time goes by, so that a revocation ends it.
enum StreamRights {
    /// What the client of a stream is told when it has lost the right to it.
    static let withdrawn = CloseReason(code: 1008, reason: "the right to this stream was withdrawn")

    /// Who the request's credential makes the caller now, in the environment of the request; nil when it is no longer
    /// the same credential of the same active account, or the way into the environment is shut.
    ///
    /// - Parameter time: now, for credentials that expire.
    static func renewed(_ exchange: Exchange, _ view: StoreView, at time: Int64) -> Exchange? {
        var current: Exchange = exchange
        current.view = view
        current.judgedAt = time
        guard (try? Identify.refresh(&current)) != nil,
            current.caller.accountNumber == exchange.caller.accountNumber,
            current.caller.credentialNumber == exchange.caller.credentialNumber,
            current.caller.tokenNumber == exchange.caller.tokenNumber
        else { return nil }
        guard let project: UInt64 = exchange.projectNumber else { return current }
        guard Identify.account(project, view)?.isActive ?? false else { return nil }
        return current
    }

    /// Runs `body` until it returns, or `holds` no longer does: then the socket is closed and `body` cancelled.
    static func guarding(
        _ exchange: Exchange,
        _ gateway: Gateway,
        _ socket: WebSocket,
        while holds: @escaping @Sendable (Exchange) -> Bool,
        _ body: @escaping @Sendable () async -> Void
    ) async {
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await body() }
            group.addTask {
                let bell: RightsBell = gateway.rightsChanges.bell(for: exchange)
                while await bell.wait(milliseconds: gateway.timing.rightsMilliseconds) != .ended {
                    let (view, time): (StoreView, Int64) = (gateway.state.store.view, gateway.now())
                    guard let now: Exchange = renewed(exchange, view, at: time), holds(now) else {
                        await socket.close(code: withdrawn.code, reason: withdrawn.reason)
                        return
                    }
                }
            }
            await group.next()
            group.cancelAll()
        }
    }
}
