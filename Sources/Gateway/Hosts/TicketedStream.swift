import EventLoop
import HTTP
import JSON
import Limits
import Model
import Store
import StoreFormat
import WebSocket

/// A WebSocket that a token opens (see ``StreamTicket``): on the owner's node, whichever node it was opened on.
struct TicketedStream: Sendable {
    var purpose: StreamTicket.Purpose
    var limits = WebSocketLimits()
    /// Whether the caller still has the right to the stream; asked every few seconds.
    var mayUse: @Sendable (StreamTicket, Exchange) -> Bool
    /// Serves the stream until it ends; cancelled when the right to it is withdrawn.
    var serve: @Sendable (StreamTicket, WebSocket, Gateway) async -> Void

    private static let refused: HTTPResponse = .text(
        401,
        "The token is unknown, was used, or has expired: call the action that gave it again."
    )

    /// The answer to a request at the stream's address, with the token in the query key `token`.
    func answer(_ arrival: Arrival, _ gateway: Gateway) async -> HTTPResponse {
        let request: HTTPRequest = arrival.request
        // Looked at before the token is used up: a request that is no WebSocket gets nothing for it.
        if case .failure = Result(catching: { () throws(HTTPRefusal) in try WebSocket.accept(request) }) {
            return WebSocket.response(to: request) { _ in }
        }
        let loop = arrival.connection.loop
        guard let token: String = request.queryItems?["token"],
            let ticket = StreamTicket(
                verifying: token,
                for: purpose,
                in: gateway.state.store.view,
                at: gateway.now()
            ),
            // What the token is about may be younger than this node's state.
            await gateway.state.awaitRevision(
                ticket.revision,
                on: loop,
                before: .after(milliseconds: gateway.timing.revisionMilliseconds)
            ),
            let exchange: Exchange = exchange(arrival, ticket, gateway), mayUse(ticket, exchange),
            let instance: Record = exchange.view.get(RecordKey(.instance, ticket.instance))
        else { return Self.refused }
        do throws(Problem) {
            let forwarded: HTTPResponse? = try await ForwardedStream.open(
                exchange,
                scope: instance.scope,
                gateway,
                orElse: .serve,
                while: { mayUse(ticket, $0) }
            )
            if let forwarded { return forwarded }
        } catch {
            return .text(error.status, error.message ?? error.code)
        }
        guard gateway.spentTickets.spend(ticket, now: gateway.now()) else { return Self.refused }
        let kept: Exchange = exchange.kept
        return WebSocket.response(to: request, limits: limits) { socket in
            await StreamRights.guarding(kept, gateway, socket, while: { mayUse(ticket, $0) }) {
                await serve(ticket, socket, gateway)
            }
        }
    }

    /// The request as one of whoever the token was given to; nil when that caller is nobody any more.
    private func exchange(_ arrival: Arrival, _ ticket: StreamTicket, _ gateway: Gateway) -> Exchange? {
        guard let path = APIPath(segments: [APIPath.currentVersion]) else { return nil }
        let view: StoreView = gateway.state.store.view
        var exchange: Exchange = arrival.exchange(path, QueryItems(), view, gateway)
        exchange.streamTicket = ticket
        guard (try? Identify.refresh(&exchange)) != nil else { return nil }
        exchange.projectNumber = ticket.project
        return StreamRights.renewed(exchange, view, at: gateway.now())
    }
}
