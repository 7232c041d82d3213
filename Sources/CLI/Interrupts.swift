internal import Dispatch
internal import Glibc
internal import Synchronization

/// Turns ctrl-C into the cancellation of a task.
enum Interrupts {
    /// Runs `body`; the first SIGINT or SIGTERM cancels it, the second ends the process at once.
    static func cancelling(_ body: @escaping @Sendable () async throws -> Int32) async throws -> Int32 {
        let task = Task { try await body() }
        let counter = Counter()
        let sources: [any DispatchSourceSignal] = [SIGINT, SIGTERM].map { number in
            // A signal that is ignored is still seen by its source, and no longer ends the process.
            signal(number, SIG_IGN)
            let source: any DispatchSourceSignal = DispatchSource.makeSignalSource(signal: number, queue: .global())
            source.setEventHandler {
                if counter.next() > 1 { _exit(128 + number) }
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

/// Counts the signals of one call.
private final class Counter: Sendable {
    private let count = Atomic<Int>(0)

    func next() -> Int { count.wrappingAdd(1, ordering: .relaxed).newValue }
}
