/// What one task waits by for whatever comes first: a ring from anywhere, or a moment.
///
/// It needs no task of its own, so any number of streams may have one each.
package final class LoopBell: Sendable {
    package enum Outcome: Sendable {
        case rung
        /// The time is over.
        case time
        /// The task was cancelled, or the loop stops.
        case ended
    }

    private let loop: EventLoop
    private let waiter: Waiter

    /// - Parameter isRung: the first wait ends at once.
    package init(on loop: EventLoop, isRung: Bool = false) {
        self.loop = loop
        waiter = Waiter(loop: loop, isReady: isRung)
    }

    /// Ends the wait, or the next one.
    package func ring() {
        loop.execute { [waiter] in waiter.wake() }
    }

    /// Until it is rung, at once if it was since the last wait, or the time is over; one task at a time.
    package func wait(until deadline: Deadline) async -> Outcome {
        let outcome: WaitOutcome = await waiter.wait(until: deadline)
        guard !Task.isCancelled else { return .ended }
        switch outcome {
        case .ready:
            // Whoever rings until this is done is heard as well: what is looked at now is looked at after it.
            loop.execute { [waiter] in waiter.isReady = false }
            return .rung
        case .timedOut: return deadline.isPast ? .time : .ended
        case .cancelled, .closed: return .ended
        }
    }
}
