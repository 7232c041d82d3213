import Limits
import Testing

@testable import Services

struct BackoffTests {
    @Test func `each further failure waits twice as long, up to a bound`() {
        var backoff = Backoff()
        var waits: [Int64] = []
        var time: Int64 = 1_000_000
        for _ in 0..<12 {
            backoff = backoff.raised(at: time)
            waits.append(backoff.notBefore - time)
            #expect(!backoff.isDue(at: backoff.notBefore - 1))
            time = backoff.notBefore
            #expect(backoff.isDue(at: time))
        }
        #expect(waits.first == Limits.restartBackoffMilliseconds)
        #expect(waits.last == Limits.restartBackoffMaximumMilliseconds)
        for (one, next) in zip(waits, waits.dropFirst()) {
            #expect(next == min(2 * one, Limits.restartBackoffMaximumMilliseconds))
        }
    }

    @Test func `after a long time without a failure it begins anew`() {
        var backoff = Backoff().raised(at: 0).raised(at: 0).raised(at: 0)
        backoff = backoff.raised(at: backoff.notBefore + Limits.restartStableMilliseconds)
        #expect(backoff.failures == 1)
    }

    @Test func `a clock that was set back makes nobody wait for hours`() {
        let ahead: Int64 = 10_800_000
        let backoff: Backoff = Backoff().raised(at: ahead)
        #expect(!backoff.isDue(at: ahead))
        #expect(backoff.isDue(at: 0))
    }
}
