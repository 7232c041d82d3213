import EventLoop
import HTTP
import JSON
import Limits
import Logging

/// What a gateway keeps of its interceptors from request to request.
final class InterceptorRoom: Sendable {
    let chain: InterceptorChain
    let health = InterceptorHealth()
    let clients = OutboundClients()
    let traces = InterceptionTraces()

    init() { chain = InterceptorChain(clients: clients, health: health) }
}

/// What the interceptors made of a request: goes with it into its audit record, to whichever node makes the change.
struct InterceptionNote: Sendable {
    /// ``InterceptorStep/short`` of each.
    var steps: [JSONValue] = []
    /// Why nobody was asked, though somebody would have been.
    var bypass: String?

    var document: JSONValue {
        var object: JSONObject = ["steps": .array(steps)]
        if let bypass { object["bypass"] = .string(bypass) }
        return .object(object)
    }

    init() {}

    /// As another node said it; nil when it is malformed.
    init?(_ document: JSONValue) {
        guard let steps: [JSONValue] = document["steps"]?.array else { return nil }
        self.steps = steps
        bypass = document["bypass"]?.string
    }
}

/// What of a request's interception is needed once more when there is an answer.
struct InterceptedCourse: Sendable {
    var responses: [InterceptorRule]
    var message: InterceptedMessage
    var trace: InterceptionTrace
}

/// Paths that nobody intercepts (contract A20): streams, which carry no bodies, and the way out.
enum InterceptorExemption {
    private static let streams: Set<String> = [
        "logs", "stats", "exec", "console", "dockersocket", "connectbackend", "container-proxy", "hoststats",
        "containerstats",
    ]
    static let control: String = "v1-api-interceptor"

    static func covers(_ request: HTTPRequest, _ segments: [String]) -> Bool {
        guard let first: String = segments.first?.lowercased() else { return false }
        if first == "r" || first == control || segments == AssertionDesk.path { return true }
        let isUpgrade: Bool = request.headers["upgrade"] != nil
        if isUpgrade, let last: String = segments.last?.lowercased(), last == "subscribe" || last == "hoststream" {
            return true
        }
        return segments.count >= 2 && (first == "v1" || first == APIPath.currentVersion)
            && streams.contains(segments[1].lowercased())
    }
}
