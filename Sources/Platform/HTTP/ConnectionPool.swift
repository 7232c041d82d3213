internal import EventLoop
internal import Synchronization

/// Idle connections of a client, the last used first.
///
/// Limits: so many for each endpoint, each for so long; the oldest are dropped, which closes them.
final class ConnectionPool: Sendable {
    private struct Idle {
        var connection: ClientConnection
        /// Of the monotonic clock, in nanoseconds: the end of the last exchange.
        var since: UInt64
    }

    /// Those to one endpoint, the last used last.
    private final class Shelf {
        let endpoint: Endpoint
        var idle: [Idle] = []

        init(_ endpoint: Endpoint) { self.endpoint = endpoint }
    }

    private struct State {
        var shelves: [Endpoint: Shelf] = [:]
        /// The one that was asked for last: most often the next one, too, and found without a look at the table.
        var last: Shelf?
        var nextSweep: UInt64 = 0
        var closed: Bool = false

        mutating func shelf(_ endpoint: Endpoint) -> Shelf? {
            if let last, last.endpoint == endpoint { return last }
            guard let shelf: Shelf = shelves[endpoint] else { return nil }
            last = shelf
            return shelf
        }

        mutating func remove(_ endpoint: Endpoint) {
            shelves[endpoint] = nil
            if last?.endpoint == endpoint { last = nil }
        }
    }

    private let limits: HTTPClientLimits
    private let lifetime: UInt64
    private let state = Mutex<State>(State())

    init(_ limits: HTTPClientLimits) {
        self.limits = limits
        lifetime = UInt64(max(0, limits.idleMilliseconds)) * 1_000_000
    }

    /// - Parameter milliseconds: only one whose last exchange ended so short a time ago.
    func take(_ endpoint: Endpoint, usedWithin milliseconds: Int? = nil) -> ClientConnection? {
        state.withLock { state in
            guard let shelf: Shelf = state.shelf(endpoint), let last: Idle = shelf.idle.last else { return nil }
            let age: UInt64 = MonotonicClock.now - last.since
            if let milliseconds, age > UInt64(milliseconds) * 1_000_000 { return nil }
            guard age < lifetime else {
                state.remove(endpoint)  // those below are older still
                return nil
            }
            shelf.idle.removeLast()
            return last.connection
        }
    }

    /// The exchange of this connection is over: it is kept, where another one may follow, or closed.
    func take(back connection: ClientConnection) {
        if connection.isReusable { put(connection) } else { connection.stream.close() }
    }

    private func put(_ connection: ClientConnection) {
        let dropped: [Idle] = state.withLock { state in
            let now: UInt64 = MonotonicClock.now
            let idle = Idle(connection: connection, since: now)
            guard !state.closed, limits.idleConnections > 0 else { return [idle] }
            var dropped: [Idle] = now < state.nextSweep ? [] : sweep(&state, now)
            let shelf: Shelf
            if let known: Shelf = state.shelf(connection.endpoint) {
                shelf = known
            } else {
                shelf = Shelf(connection.endpoint)
                state.shelves[connection.endpoint] = shelf
                state.last = shelf
            }
            shelf.idle.append(idle)
            if shelf.idle.count > limits.idleConnections { dropped.append(shelf.idle.removeFirst()) }
            return dropped
        }
        for idle in dropped { idle.connection.stream.close() }
    }

    var isClosed: Bool { state.withLock { $0.closed } }

    func close() {
        let all: [Idle] = state.withLock { state in
            state.closed = true
            defer { (state.shelves, state.last) = ([:], nil) }
            return state.shelves.values.flatMap(\.idle)
        }
        for idle in all { idle.connection.stream.close() }
    }

    /// Endpoints that nobody asks for again must not keep their connections for ever.
    private func sweep(_ state: inout State, _ now: UInt64) -> [Idle] {
        state.nextSweep = now + lifetime
        var old: [Idle] = []
        for (endpoint, shelf) in state.shelves {
            let count: Int = shelf.idle.prefix { now - $0.since >= lifetime }.count
            old += shelf.idle[..<count]
            shelf.idle.removeFirst(count)
            if shelf.idle.isEmpty { state.remove(endpoint) }
        }
        return old
    }
}
