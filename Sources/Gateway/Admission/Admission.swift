import EventLoop
import Limits
import Metrics
import Store
import Synchronization

/// Lets requests in: no more of one caller than its rate allows, and no more at a time than this node can work on, in fair
/// turns.
///
/// Whoever floods a node waits for itself; others hardly notice. Requests that another node has let in already, and streams
/// once they run, do not count.
final class Admission: Sendable {
    /// Whose requests are counted together.
    enum Key: Hashable, Sendable {
        case account(UInt64)
        case credential(UInt64)
        /// Of those without credentials.
        case address(String)
    }

    /// Somebody who waits for a turn.
    private struct Turn: Sendable {
        var key: Key
        var continuation: CheckedContinuation<Bool, Never>
        var deadline: Deadline
    }

    private let queue: Mutex<FairQueue<Key, Turn>>
    private let rates = Mutex(RateLedger<Key>(known: Limits.rateKnown))
    private let waited: Counter
    private let refused: Counter

    init(
        _ metrics: MetricsRegistry,
        capacity: Int = Limits.requestsAtOnce,
        share: Int = Limits.requestsAtOnceOfCaller,
        waiting: Int = Limits.requestsWaitingOfCaller
    ) {
        queue = Mutex(FairQueue(capacity: capacity, share: share, waitingOfKey: waiting))
        waited = metrics.counter(
            "drover_gateway_waited_total",
            help: "Requests that waited for their turn because this node had as many as it works on at a time"
        )
        refused = metrics.counter(
            "drover_gateway_rate_refused_total",
            help: "Requests that were refused (429) because their caller sent too many"
        )
    }

    static func stage(_ exchange: inout Exchange, _ gateway: Gateway) async throws(Problem) -> Answer? {
        guard exchange.forwarded == nil, exchange.admitted == nil else { return nil }
        let key: Key = key(exchange)
        let perSecond: Int = gateway.policies.snapshot(of: gateway.state.store.view).requestsPerSecond
        try gateway.admission.charge(key, perSecond, at: exchange.time)
        try await gateway.admission.enter(key, before: exchange.deadline)
        exchange.admitted = key
        return nil
    }

    private static func key(_ exchange: Exchange) -> Key {
        if let number: UInt64 = exchange.caller.credentialNumber { return .credential(number) }
        if let number: UInt64 = exchange.caller.accountNumber, exchange.caller.tokenNumber != nil {
            return .account(number)
        }
        return .address(exchange.client.peer)
    }

    private func charge(_ key: Key, _ perSecond: Int, at time: Int64) throws(Problem) {
        guard perSecond > 0 else { return }
        let wait: Int64 = rates.withLock { $0.take(key, perSecond: perSecond, at: time) }
        guard wait > 0 else { return }
        refused.add()
        throw .tooMany(
            "This is more than \(perSecond) requests a second, which the setting api.requests.per.second allows a caller.",
            wait
        )
    }

    private func enter(_ key: Key, before deadline: Deadline) async throws(Problem) {
        var isRefused = false
        let isLetIn: Bool = await withCheckedContinuation { continuation in
            let entry = queue.withLock { $0.enter(key, Turn(key: key, continuation: continuation, deadline: deadline)) }
            switch entry {
            case .goes: continuation.resume(returning: true)
            case .waits: waited.add()
            case .refused:
                isRefused = true
                continuation.resume(returning: false)
            }
        }
        guard !isRefused else {
            refused.add()
            throw .tooMany(
                "\(Limits.requestsWaitingOfCaller) requests of this caller wait already: wait for their answers.",
                1_000
            )
        }
        guard isLetIn else {
            throw .unavailable("This node was busy for as long as the request could wait; nothing was done.")
        }
    }

    /// The request has its answer.
    func leave(_ key: Key) {
        var freed: [Turn] = queue.withLock { $0.leave(key) }
        while let turn: Turn = freed.popLast() {
            // Whoever waited too long goes home, and the next one takes the place.
            guard turn.deadline.isPast else {
                turn.continuation.resume(returning: true)
                continue
            }
            turn.continuation.resume(returning: false)
            freed += queue.withLock { $0.leave(turn.key) }
        }
    }

    /// How many are worked on, and how many wait.
    var load: (going: Int, waiting: Int) { queue.withLock { ($0.goingCount, $0.waitingCount) } }
}
