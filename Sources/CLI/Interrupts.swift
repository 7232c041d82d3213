internal import Dispatch
internal import Glibc
internal import Synchronization

/// Turns ctrl-C into the cancellation of a task.
enum Interrupts {
    /// What must be put back before the process ends at once.
    private static let beforeExit = Mutex<(@Sendable () -> Void)?>(nil)

    /// Runs `body`; signals that would end the process meanwhile cancel it, so that `restore` is called in any case.
    static func restoring(
        _ restore: @escaping @Sendable () -> Void,
        _ body: @escaping @Sendable () async throws -> Int32
    ) async throws -> Int32 {
        beforeExit.withLock { $0 = restore }
        defer {
            beforeExit.withLock { $0 = nil }
            restore()
        }
        let task = Task { try await body() }
        let sources: [any DispatchSourceSignal] = [SIGHUP, SIGQUIT].map { number in
            signal(number, SIG_IGN)
            let source: any DispatchSourceSignal = DispatchSource.makeSignalSource(signal: number, queue: .global())
            source.setEventHandler {
                restore()
                task.cancel()
            }
            source.resume()
            return source
        }
        defer {
            for source in sources { source.cancel() }
            signal(SIGHUP, SIG_DFL)
            signal(SIGQUIT, SIG_DFL)
        }
        return try await withTaskCancellationHandler {
            try await task.value
        } onCancel: {
            task.cancel()
        }
    }

    /// Runs `body`; the first SIGINT or SIGTERM cancels it, a later one ends the process at once.
    ///
    /// Those that come together are one: `timeout` and some shells send each signal to the process and to its group.
    static func cancelling(_ body: @escaping @Sendable () async throws -> Int32) async throws -> Int32 {
        let task = Task { try await body() }
        let counter = Counter()
        let sources: [any DispatchSourceSignal] = [SIGINT, SIGTERM].map { number in
            // A signal that is ignored is still seen by its source, and no longer ends the process.
            signal(number, SIG_IGN)
            let source: any DispatchSourceSignal = DispatchSource.makeSignalSource(signal: number, queue: .global())
            source.setEventHandler {
                guard counter.isFirst() else {
                    beforeExit.withLock { $0 }?()
                    _exit(128 + number)
                }
                task.cancel()
            }
            source.resume()
            return source
        }
        defer {
            for source in sources { source.cancel() }
            signal(SIGINT, SIG_DFL)
            signal(SIGTERM, SIG_DFL)
        }
        return try await task.value
    }
}

/// Tells the first signals of one call from those that somebody sent because they were not enough.
private final class Counter: Sendable {
    private static let together: Duration = .milliseconds(300)
    private let first = Mutex<ContinuousClock.Instant?>(nil)

    func isFirst() -> Bool {
        first.withLock { first in
            let now: ContinuousClock.Instant = .now
            guard let before: ContinuousClock.Instant = first else {
                first = now
                return true
            }
            return before.duration(to: now) < Self.together
        }
    }
}
