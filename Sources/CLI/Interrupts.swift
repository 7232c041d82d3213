internal import Dispatch
internal import Glibc
internal import Synchronization

/// Turns ctrl-C into the cancellation of a task.
enum Interrupts {
    /// What must be put back before the process ends at once.
    private static let beforeExit = Mutex<(@Sendable () -> Void)?>(nil)

    /// Runs `body`; the first SIGINT or SIGTERM cancels it, the second ends the process at once.
    static func cancelling(_ body: @escaping @Sendable () async throws -> Int32) async throws -> Int32 {
        let counter = Counter()
        return try await watching([SIGINT, SIGTERM]) { number, cancel in
            if counter.next() > 1 {
                beforeExit.withLock { $0 }?()
                _exit(128 + number)
            }
            cancel()
        } during: {
            try await body()
        }
    }

    /// Runs `body`, and `restore` afterwards, whatever signal ends it: those that ``cancelling(_:)`` does not see cancel it, too.
    static func restoring(
        _ restore: @escaping @Sendable () -> Void,
        _ body: @escaping @Sendable () async throws -> Int32
    ) async throws -> Int32 {
        beforeExit.withLock { $0 = restore }
        defer {
            beforeExit.withLock { $0 = nil }
            restore()
        }
        return try await watching([SIGHUP, SIGQUIT]) { _, cancel in
            restore()
            cancel()
        } during: {
            try await body()
        }
    }

    private static func watching(
        _ signals: [Int32],
        _ came: @escaping @Sendable (_ number: Int32, _ cancel: () -> Void) -> Void,
        during body: @escaping @Sendable () async throws -> Int32
    ) async throws -> Int32 {
        let gate = AsyncStream<Void>.makeStream()
        let task = Task {
            // A signal that comes before its source listens would be lost.
            for await _ in gate.stream.prefix(signals.count) {}
            return try await body()
        }
        let sources: [any DispatchSourceSignal] = signals.map { number in
            // A signal that is ignored is still seen by its source, and no longer ends the process.
            signal(number, SIG_IGN)
            let source: any DispatchSourceSignal = DispatchSource.makeSignalSource(signal: number, queue: .global())
            source.setEventHandler { came(number) { task.cancel() } }
            source.setRegistrationHandler { gate.continuation.yield() }
            source.resume()
            return source
        }
        defer {
            for source in sources { source.cancel() }
            for number in signals { signal(number, SIG_DFL) }
        }
        return try await withTaskCancellationHandler {
            try await task.value
        } onCancel: {
            task.cancel()
        }
    }
}

/// Counts the signals of one call.
private final class Counter: Sendable {
    private let count = Atomic<Int>(0)

    func next() -> Int { count.wrappingAdd(1, ordering: .relaxed).newValue }
}
