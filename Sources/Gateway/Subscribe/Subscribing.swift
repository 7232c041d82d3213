import HTTP
import Model
import RBAC
import WebSocket

/// `subscribe`: changes of an environment's resources as they happen, over a WebSocket (contract A12).
enum Subscribing {
    static func answer(_ exchange: Exchange, _ gateway: Gateway) throws(Problem) -> Answer {
        guard exchange.method == "GET" else { throw .methodNotAllowed("A subscription starts with GET.") }
        guard exchange.request.headers.list("upgrade", contains: "websocket") else {
            throw .notFound("Subscriptions are WebSockets: ask with Upgrade: websocket.")
        }
        guard let project: UInt64 = exchange.projectNumber, isAllowed(exchange) else {
            throw .forbidden("Subscriptions belong to an environment: use /projects/<id>/subscribe.")
        }
        let names: [String] = exchange.query.all("eventNames")
        guard names.allSatisfy({ $0.utf8.allSatisfy(isAllowed) }) else {
            throw .badRequest("eventNames may have letters, digits and . * _ ; = only.")
        }
        let wanted: Bool =
            names.isEmpty
            || names.contains { name in
                let plain: Substring = name.split(separator: ";").first ?? ""
                return plain == "resource.change" || plain == "*" || plain == "resource.*"
            }
        let limit: Int64? = exchange.policy.quotas(of: project, exchange.view)?[.watches]
        let place: WatchPlace = try gateway.watches.take(project, limit: limit)
        let subscription = Subscription(
            gateway.viewers.viewer(of: exchange, project: project, gateway.rightsChanges),
            place,
            tellsChanges: wanted,
            on: exchange.connection.loop,
            gateway
        )
        return .http(WebSocket.response(to: exchange.request, owner: subscription))
    }

    /// Whether the caller may be told of changes in the environment of its request.
    static func isAllowed(_ exchange: Exchange) -> Bool {
        exchange.rights.mayEnterProject && exchange.rights.canEver(.subscribe, "subscribe")
    }

    private static func isAllowed(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"):
            true
        default: ".*_;=".utf8.contains(byte)
        }
    }
}
