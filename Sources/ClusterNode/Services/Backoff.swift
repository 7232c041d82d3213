import JSON
import Limits
import Model

/// How long a failing instance is left alone before it is started or replaced again.
///
/// The first failure is answered at once; each further one waits twice as long as the one before. It is kept in
/// the instance's members `restartFailures` and `restartNotBefore` and handed on to its replacement.
struct Backoff: Hashable {
    /// How often in a row it was started again or replaced.
    var failures: Int = 0
    /// Milliseconds since 1970 before which nothing is done.
    var notBefore: Int64 = 0

    init() {}

    init(of record: InstanceRecord) {
        failures = Int(clamping: record.number("restartFailures") ?? 0)
        notBefore = record.number("restartNotBefore") ?? 0
    }

    /// Nothing was ever to wait for longer than the maximum: what seems to, was written before the clock was set back.
    func isDue(at time: Int64) -> Bool {
        time >= notBefore || notBefore - time > Limits.restartBackoffMaximumMilliseconds
    }

    /// The back-off after answering one more failure at `time`.
    func raised(at time: Int64) -> Backoff {
        var next = Backoff()
        let isStable: Bool = failures > 0 && time - notBefore >= Limits.restartStableMilliseconds
        next.failures = isStable ? 1 : failures + 1
        var delay: Int64 = Limits.restartBackoffMilliseconds
        for _ in 1..<max(next.failures, 1) where delay < Limits.restartBackoffMaximumMilliseconds { delay *= 2 }
        next.notBefore = time + min(delay, Limits.restartBackoffMaximumMilliseconds)
        return next
    }

    func write(to record: inout InstanceRecord) {
        record.fields["restartFailures"] = failures == 0 ? nil : JSONValue(failures)
        record.fields["restartNotBefore"] = failures == 0 ? nil : .int(notBefore)
    }
}
