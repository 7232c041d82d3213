import EventLoop
import Synchronization

/// When this node last knew that it had everything.
final class Freshness: Sendable {
    /// Of the monotonic clock, in nanoseconds: when the asking began; 0 for never.
    private let confirmed = Atomic<UInt64>(0)

    func isWithin(milliseconds: Int) -> Bool {
        let since: UInt64 = confirmed.load(ordering: .acquiring)
        return since > 0 && MonotonicClock.now - since < UInt64(max(0, milliseconds)) * 1_000_000
    }

    func confirm(_ since: UInt64) { confirmed.max(since, ordering: .releasing) }
}
