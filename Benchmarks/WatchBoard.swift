import EventLoop
import Synchronization

/// Counts which watchers have heard of which tick.
final class WatchBoard: Sendable {
    /// Opens a connection, calls ``ready()`` for each of its watchers once it stands, reports ticks until cancelled.
    typealias Client = @Sendable (WatchBoard, EventLoop) async throws -> Void

    private let watchers: Int
    private let state = Mutex(State())
    let turnstile = Turnstile(32)

    private struct State {
        var ready: Int = 0
        var heard: Int = 0
        var tick: Int = 0
        /// When the last watcher had heard of the tick.
        var end: UInt64?
    }

    init(watchers: Int) {
        self.watchers = watchers
    }

    func ready() { state.withLock { $0.ready += 1 } }

    /// One watcher has heard of `tick` for the first time.
    func heard(_ tick: Int) {
        let now: UInt64 = MonotonicClock.now
        state.withLock { state in
            guard tick == state.tick else { return }
            state.heard += 1
            if state.heard == watchers { state.end = now }
        }
    }

    func waitUntilReady() async throws {
        let deadline: Deadline = .after(seconds: 60)
        while state.withLock({ $0.ready }) < watchers {
            guard !deadline.isPast else {
                throw BenchFault("only \(state.withLock { $0.ready }) of \(watchers) watchers stand after a minute")
            }
            try await Task.sleep(for: .milliseconds(10))
        }
    }

    /// Milliseconds from before `change` to the moment at which every watcher had heard of it.
    func measure(_ tick: Int, _ change: () async throws -> Void) async throws -> Double {
        state.withLock { state in
            state.tick = tick
            state.heard = 0
            state.end = nil
        }
        let start: UInt64 = MonotonicClock.now
        let deadline: Deadline = .after(seconds: 30)
        try await change()
        while true {
            if let end: UInt64 = state.withLock({ $0.end }) { return Double(end - start) / 1e6 }
            guard !deadline.isPast else {
                throw BenchFault(
                    "only \(state.withLock { $0.heard }) of \(watchers) watchers heard of a change in 30 s"
                )
            }
            // The end was noted when it came; this only looks whether it has.
            try await Task.sleep(for: .milliseconds(5))
        }
    }
}
