import EventLoop
import JSON
import Limits
import Synchronization

/// How the interceptors do: counted, and kept from being called while they only fail.
///
/// After ``Limits/interceptorFailures`` failures in a row nobody calls one for ``Limits/interceptorPauseMilliseconds``; then
/// one request tries.
final class InterceptorHealth: Sendable {
    private struct Entry {
        var counts: [InterceptorStep.Verdict: Int] = [:]
        var underWay: Int = 0
        var failuresInARow: Int = 0
        /// On the monotonic clock; 0 while it is called.
        var pausedUntil: UInt64 = 0
        var milliseconds: Double = 0
        /// Of a shadow: how often it would have decided otherwise, and the last of them.
        var disagreements: Int = 0
        var samples: [JSONValue] = []
        var lastError: String?
    }

    private let entries = Mutex<[String: Entry]>([:])

    /// - Returns: why it is not called now; nil when it may be, and then ``ended(_:_:failed:)`` is to follow.
    func begin(_ rule: InterceptorRule) -> String? {
        entries.withLock { entries in
            if entries[rule.key] == nil, entries.count >= Limits.interceptors * 4 { entries.removeAll() }
            var entry: Entry = entries[rule.key] ?? Entry()
            defer { entries[rule.key] = entry }
            guard entry.underWay < Limits.interceptorCalls else {
                return "\(Limits.interceptorCalls) calls to it are under way"
            }
            if entry.pausedUntil > 0 {
                guard MonotonicClock.now >= entry.pausedUntil else {
                    return "it failed \(entry.failuresInARow) times in a row and is not called for a moment; last: "
                        + (entry.lastError ?? "")
                }
                // One tries; the others wait for what comes of it.
                entry.pausedUntil = MonotonicClock.now + UInt64(Limits.interceptorPauseMilliseconds) * 1_000_000
            }
            entry.underWay += 1
            return nil
        }
    }

    func ended(_ rule: InterceptorRule, failure: String?) {
        entries.withLock { entries in
            guard var entry: Entry = entries[rule.key] else { return }
            entry.underWay = max(0, entry.underWay - 1)
            if let failure {
                entry.failuresInARow += 1
                entry.lastError = failure
                if entry.failuresInARow >= Limits.interceptorFailures {
                    entry.pausedUntil =
                        MonotonicClock.now + UInt64(Limits.interceptorPauseMilliseconds) * 1_000_000
                }
            } else {
                entry.failuresInARow = 0
                entry.pausedUntil = 0
            }
            entries[rule.key] = entry
        }
    }

    /// - Parameter sample: what a shadow would have done otherwise; nil when it agrees.
    func count(_ step: InterceptorStep, of rule: InterceptorRule, sample: JSONValue?) {
        entries.withLock { entries in
            var entry: Entry = entries[rule.key] ?? Entry()
            entry.counts[step.verdict, default: 0] += 1
            entry.milliseconds += step.milliseconds
            if let sample {
                entry.disagreements += 1
                entry.samples.append(sample)
                if entry.samples.count > Limits.interceptorSamples { entry.samples.removeFirst() }
            }
            entries[rule.key] = entry
        }
    }

    func document(of rule: InterceptorRule) -> JSONObject {
        let entry: Entry = entries.withLock { $0[rule.key] } ?? Entry()
        let calls: Int = entry.counts.values.reduce(0, +)
        var counts = JSONObject()
        for verdict in [InterceptorStep.Verdict.allow, .change, .deny, .error, .identified] {
            if let count: Int = entry.counts[verdict] { counts[verdict.rawValue] = JSONValue(count) }
        }
        return [
            "calls": JSONValue(calls), "verdicts": .object(counts),
            "meanMilliseconds": .double(calls == 0 ? 0 : (entry.milliseconds / Double(calls) * 100).rounded() / 100),
            "failuresInARow": JSONValue(entry.failuresInARow),
            "paused": .bool(entry.pausedUntil > MonotonicClock.now), "lastError": JSONValue(entry.lastError),
            "disagreements": JSONValue(entry.disagreements), "samples": .array(entry.samples),
        ]
    }
}
