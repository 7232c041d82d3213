/// Wakes the one task that waits for it, with a deadline; a signal that nobody waits for is kept for the next wait.
///
/// It says only that something has changed: whoever is woken looks at what, and waits again when it was something else.
package final class Signal: Sendable {
    private let loop: EventLoop
    private let waiter: Waiter

    /// Fastest on `loop`, whose timers it uses.
    package init(loop: EventLoop) {
        self.loop = loop
        waiter = Waiter(loop: loop, isUsedUp: true)
    }

    /// From any thread; several before the next wait count as one.
    package func raise() {
        loop.execute { [waiter] in waiter.wake() }
    }

    /// Until it is raised; false when the deadline comes first.
    ///
    /// Called by one task at a time.
    ///
    /// - Throws: `CancellationError`, ``NetworkFault/loopStopped``.
    package func wait(until deadline: Deadline) async throws -> Bool {
        switch await waiter.wait(until: deadline) {
        case .ready: return true
        case .timedOut: return false
        case .cancelled: throw CancellationError()
        case .closed: throw NetworkFault.loopStopped
        }
    }
}
