internal import Synchronization

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
/// It remembers that the thing came: whoever looks at ``isReady``, finds nothing and then waits may be overtaken by it
/// between the two, because a task that awaits can give its turn away before it waits. Used on the loop's thread only, but
/// for ``wait(until:)``.
final class Waiter: LoopTimer, @unchecked Sendable {
    // @unchecked: `turns` is atomic, all else is touched by the loop's thread only: whoever begins or cancels a wait elsewhere
    // hops there first.

    private unowned let loop: EventLoop
    private var continuation: UnsafeContinuation<WaitOutcome, Never>?
    /// Which wait this is: a late cancellation of an earlier one must not end a later one.
    private var turn: UInt64 = 0
    /// The newest wait that was cancelled: its cancellation may come here before it does.
    private var cancelled: UInt64 = 0
    private let turns = Atomic<UInt64>(0)
    private var isClosed: Bool = false

    /// The thing is there; whoever uses it up says so, unless each wait uses it up.
    var isReady: Bool
    private let isUsedUp: Bool

    /// - Parameter isUsedUp: one coming ends one wait.
    init(loop: EventLoop, isReady: Bool = false, isUsedUp: Bool = false) {
        self.loop = loop
        self.isReady = isReady
        self.isUsedUp = isUsedUp
    }

    override func timeIsUp() { end(.timedOut) }

    var isWaiting: Bool { continuation != nil }

    /// The thing has come: whoever waits goes on, and who waits next does at once.
    func wake() {
        isReady = true
        end(.ready)
    }

    /// The thing will never come any more.
    func close() {
        isClosed = true
        end(.closed)
    }

    /// Until the thing is there, or one of the other outcomes.
    func wait(until deadline: Deadline) async -> WaitOutcome {
        let turn: UInt64 = turns.wrappingAdd(1, ordering: .relaxed).newValue
        return await withTaskCancellationHandler {
            await withUnsafeContinuation { continuation in
                if loop.isCurrent { return begin(turn, deadline, continuation) }
                let isTaken: Bool = loop.execute { [self] in begin(turn, deadline, continuation) }
                if !isTaken { continuation.resume(returning: .closed) }
            }
        } onCancel: {
            loop.execute { [self] in cancel(turn) }
        }
    }

    private func begin(_ turn: UInt64, _ deadline: Deadline, _ new: UnsafeContinuation<WaitOutcome, Never>) {
        precondition(continuation == nil, "two tasks wait for the same thing of a stream")
        guard !isClosed, !loop.stopping else { return new.resume(returning: .closed) }
        guard !isReady else {
            if isUsedUp { isReady = false }
            return new.resume(returning: .ready)
        }
        guard cancelled != turn else { return new.resume(returning: .cancelled) }
        self.turn = turn
        continuation = new
        if deadline != .never { set(deadline.nanoseconds, in: &loop.timers) }
    }

    private func cancel(_ turn: UInt64) {
        cancelled = turn
        if self.turn == turn { end(.cancelled) }
    }

    private func end(_ outcome: WaitOutcome) {
        guard let continuation else { return }
        self.continuation = nil
        if outcome == .ready, isUsedUp { isReady = false }
        clear()
        continuation.resume(returning: outcome)
    }
}
