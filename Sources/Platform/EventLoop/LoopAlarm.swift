/// What happens on a loop at a moment, without a task that waits for it.
///
/// Used on the loop's thread only; nothing happens once it is let go of.
package final class LoopAlarm {
    private let timer = Timer()
    private unowned let loop: EventLoop

    /// - Parameter action: called on the loop's thread at the moment, also when the loop ends before it.
    package init(on loop: EventLoop, _ action: @escaping () -> Void) {
        self.loop = loop
        timer.action = action
    }

    deinit {
        timer.clear()
        timer.action = nil
    }

    /// Replaces the moment that was set before.
    package func set(_ deadline: Deadline) {
        guard deadline != .never else { return timer.clear() }
        timer.set(deadline.nanoseconds, in: &loop.timers)
    }

    private final class Timer: LoopTimer {
        var action: (() -> Void)?

        override func timeIsUp() { action?() }
    }
}
