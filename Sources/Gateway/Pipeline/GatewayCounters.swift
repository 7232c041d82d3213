import EventLoop
import HTTP
import Metrics

/// What the gateway counts; a request costs it a few atomic additions.
final class GatewayCounters: Sendable {
    let refusals: Counter
    let forwarded: Counter
    let forwardedInVain: Counter
    private let unauthenticated: Counter
    private let forbidden: Counter
    private let seconds: [Histogram]
    /// By origin, then by class, then by status.
    private let requests: [[[Counter]]]

    /// Whose request it was.
    enum Origin: Int, CaseIterable {
        case client, peer

        var word: String { "\(self)" }
    }

    /// What kind of work a request is.
    enum RequestClass: Int, CaseIterable {
        case read, change, action, stream, refused

        init(_ request: HTTPRequest) {
            if request.headers["upgrade"] != nil {
                self = .stream
            } else if request.method == "GET" || request.method == "HEAD" {
                self = .read
            } else {
                self = request.query?.contains("action=") == true ? .action : .change
            }
        }

        var word: String { "\(self)" }
    }

    /// Those with a counter of their own; the last counter is for all others.
    private static let statuses: [Int] = [
        101, 200, 201, 202, 204, 206, 301, 302, 303, 304, 307, 308, 400, 401, 403, 404, 405, 406, 408, 409, 410, 411,
        412,
        413, 414, 415, 417, 421, 422, 426, 428, 429, 431, 500, 501, 502, 503, 504, 505,
    ]
    /// By status, the place of its counter.
    private static let places: [UInt8] = (0..<600).map { status in
        UInt8(statuses.firstIndex(of: status) ?? statuses.count)
    }

    init(_ metrics: MetricsRegistry) {
        refusals = metrics.counter("drover_gateway_refusals_total", help: "Requests answered with an error document")
        forwarded = metrics.counter(
            "drover_gateway_forwarded_total",
            help: "Requests and streams that went to the owner of their environment"
        )
        forwardedInVain = metrics.counter(
            "drover_gateway_forwarded_in_vain_total",
            help: "Forwarded changes that this node began to make itself because the owner was silent"
        )
        let denied: (String) -> Counter = { reason in
            metrics.counter(
                "drover_gateway_denied_total",
                help: "Requests that were denied: without good credentials (401), or without the right (403)",
                labels: ["reason": reason]
            )
        }
        unauthenticated = denied("unauthenticated")
        forbidden = denied("forbidden")
        seconds = RequestClass.allCases.map { kind in
            metrics.histogram(
                "drover_gateway_request_seconds",
                help: "From a client's request, read whole, until the head of its answer is ready",
                labels: ["class": kind.word]
            )
        }
        requests = Origin.allCases.map { _ in
            RequestClass.allCases.map { _ in (0...Self.statuses.count).map { _ in Counter() } }
        }
    }

    /// - Parameter since: when it came in, on the monotonic clock.
    func answered(_ kind: RequestClass, _ status: Int, _ origin: Origin, since: UInt64) {
        let place: UInt8 =
            Self.places.indices.contains(status) ? Self.places[status] : UInt8(Self.statuses.count)
        requests[origin.rawValue][kind.rawValue][Int(place)].add()
        if status == 401 { unauthenticated.add() } else if status == 403 { forbidden.add() }
        if origin == .client { seconds[kind.rawValue].observe(Double(MonotonicClock.now - since) / 1e9) }
    }

    /// Somebody without good credentials asked for what is no part of the API.
    func denied() { unauthenticated.add() }

    /// The requests, without the combinations that never occurred.
    var families: [MetricFamily] {
        var family = MetricFamily(
            .counter,
            "drover_gateway_requests_total",
            "Requests that reached the gateway, by kind of work, by status, and by who sent them: a client, or another node",
            labels: ["class", "status", "origin"]
        )
        for origin in Origin.allCases {
            for (kind, counters) in zip(RequestClass.allCases, requests[origin.rawValue]) {
                let words: [String] = Self.statuses.map { "\($0)" } + ["other"]
                for (word, counter) in zip(words, counters) where counter.value > 0 {
                    family.add(Double(counter.value), kind.word, word, origin.word)
                }
            }
        }
        return [family]
    }
}
