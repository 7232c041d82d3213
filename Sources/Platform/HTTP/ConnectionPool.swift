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
        var until: Deadline
    }

    private struct State {
        var idle: [Endpoint: [Idle]] = [:]
        var nextSweep: Deadline = .after(milliseconds: 0)
        var closed: Bool = false
    }

    private let limits: HTTPClientLimits
    private let state = Mutex<State>(State())

    init(_ limits: HTTPClientLimits) {
        self.limits = limits
    }

    /// - Parameter milliseconds: only one whose last exchange ended so short a time ago.
    func take(_ endpoint: Endpoint, usedWithin milliseconds: Int? = nil) -> ClientConnection? {
        state.withLock { state in
            guard let last: Idle = state.idle[endpoint]?.last else { return nil }
            if let milliseconds, MonotonicClock.now - last.since > UInt64(milliseconds) * 1_000_000 { return nil }
            guard !last.until.isPast else {
                state.idle[endpoint] = nil  // those below are older still
                return nil
            }
            state.idle[endpoint]?.removeLast()
            return last.connection
        }
    }

    func put(_ connection: ClientConnection) {
        let dropped: [Idle] = state.withLock { state in
            let idle = Idle(
                connection: connection,
                since: MonotonicClock.now,
                until: .after(milliseconds: limits.idleMilliseconds)
            )
            guard !state.closed, limits.idleConnections > 0 else { return [idle] }
            var dropped: [Idle] = sweep(&state)
            state.idle[connection.endpoint, default: []].append(idle)
            if let list = state.idle[connection.endpoint], list.count > limits.idleConnections {
                dropped.append(list[0])
                state.idle[connection.endpoint]?.removeFirst()
            }
            return dropped
        }
        for idle in dropped { idle.connection.stream.close() }
    }

    var isClosed: Bool { state.withLock { $0.closed } }

    func close() {
        let all: [Idle] = state.withLock { state in
            state.closed = true
            defer { state.idle.removeAll() }
            return state.idle.values.flatMap { $0 }
        }
        for idle in all { idle.connection.stream.close() }
    }

    /// Endpoints that nobody asks for again must not keep their connections for ever.
    private func sweep(_ state: inout State) -> [Idle] {
        guard state.nextSweep.isPast else { return [] }
        state.nextSweep = .after(milliseconds: limits.idleMilliseconds)
        let old: [Idle] = state.idle.values.flatMap { $0.filter(\.until.isPast) }
        state.idle = state.idle.mapValues { $0.filter { !$0.until.isPast } }.filter { !$0.value.isEmpty }
        return old
    }
}
