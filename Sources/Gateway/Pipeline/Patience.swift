import EventLoop
import Limits

/// Pauses between attempts, longer each time, until a deadline.
struct Patience {
    private let loop: EventLoop
    let deadline: Deadline
    private var pause: Int = 10

    init(on loop: EventLoop, until deadline: Deadline) {
        self.loop = loop
        self.deadline = deadline
    }

    /// Waits for the next attempt; false when there is to be none.
    mutating func wait() async -> Bool {
        guard !deadline.isPast, !Task.isCancelled else { return false }
        let next: Deadline = min(.after(milliseconds: pause), deadline)
        pause = min(pause * 2, Limits.requestPauseMilliseconds)
        return (try? await loop.sleep(until: next)) != nil
    }
}
