import Dispatch
import Testing

/// Runs tests one after the other, away from the few threads that all tests share.
///
/// A simulation computes for seconds without a pause: there it would keep out the tests that wait for something with a
/// deadline.
struct OwnThread: SuiteTrait, TestTrait, TestScoping {
    let isRecursive: Bool = true

    private static let executor = QueueExecutor()

    @concurrent func provideScope(
        for test: Test,
        testCase: Test.Case?,
        performing function: @Sendable @concurrent () async throws -> Void
    ) async throws {
        try await withTaskExecutorPreference(Self.executor) { try await function() }
    }

    private final class QueueExecutor: TaskExecutor {
        private let queue = DispatchQueue(label: "simulation")

        func enqueue(_ job: consuming ExecutorJob) {
            let job = UnownedJob(job)
            queue.async { job.runSynchronously(on: self.asUnownedTaskExecutor()) }
        }
    }
}

extension Trait where Self == OwnThread {
    static var ownThread: OwnThread { OwnThread() }
}
