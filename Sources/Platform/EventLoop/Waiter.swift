/// Why a wait ended.
enum WaitOutcome: Sendable {
    case ready
    case timedOut
    case cancelled
    /// What was waited for is gone.
    case closed
}

/// One place where at most one task waits for one thing, with a deadline.
///
/// Used on the loop's thread only.
final class Waiter: @unchecked Sendable {
    // @unchecked: every field is touched by the loop's thread only; a cancellation hops there first.

    private unowned let loop: EventLoop
    private let timer = LoopTimer()
    private var continuation: UnsafeContinuation<WaitOutcome, Never>?
    /// Which wait this is: a late cancellation of an earlier one must not end a later one.
    private var turn: UInt64 = 0

    init(loop: EventLoop) {
        self.loop = loop
        timer.action = { [weak self] in self?.wake(.timedOut) }
    }

    var isWaiting: Bool { continuation != nil }

    func wake(_ outcome: WaitOutcome) {
        guard let continuation else { return }
        self.continuation = nil
        timer.clear()
        continuation.resume(returning: outcome)
    }

    func wait(until deadline: Deadline) async -> WaitOutcome {
        precondition(continuation == nil, "two tasks wait for the same thing of a stream")
        turn &+= 1
        let turn: UInt64 = turn
        return await withTaskCancellationHandler {
            await withUnsafeContinuation { continuation in
                // A cancellation before this point found nobody to wake; one after it hops to this
                // thread and so comes after the wait began.
                if Task.isCancelled { return continuation.resume(returning: .cancelled) }
                self.continuation = continuation
                if deadline != .never { timer.set(deadline.nanoseconds, in: &loop.timers) }
            }
        } onCancel: {
            loop.execute { [self] in
                if self.turn == turn { wake(.cancelled) }
            }
        }
    }
}
