import Limits

/// Who has failed, how often and when, and how long the next attempt has to wait for that.
///
/// Bounded in memory: of too many those whose last failure is longest ago are forgotten first.
struct FailureTable<Key: Hashable & Sendable>: Sendable {
    struct Failures: Hashable, Sendable {
        var count: Int
        /// Milliseconds by a clock that is never set.
        var last: Int64
    }

    private(set) var entries: [Key: Failures] = [:]
    /// Failures before the first wait.
    let free: Int
    /// The longest wait in milliseconds.
    let longest: Int64

    /// What is remembered of it; nil when it is too long ago to count.
    func failures(_ key: Key, at now: Int64) -> Failures? {
        entries[key].flatMap { now - $0.last < Limits.guessMemoryMilliseconds ? $0 : nil }
    }

    /// How many milliseconds an attempt comes too early: a pause that doubles with each failure.
    func wait(_ key: Key, at now: Int64) -> Int64 {
        guard let failures: Failures = failures(key, at: now), failures.count >= free else { return 0 }
        let doublings: Int = min(failures.count - free, 20)
        let pause: Int64 = min(Limits.guessPauseMilliseconds << Int64(doublings), longest)
        return min(max(0, failures.last + pause - now), longest)
    }

    /// - Returns: how many failures there are with this one.
    @discardableResult
    mutating func add(_ key: Key, at now: Int64) -> Int {
        var failures: Failures = failures(key, at: now) ?? Failures(count: 0, last: now)
        failures.count += 1
        failures.last = now
        if entries.count >= Limits.guessersKnown, entries[key] == nil { entries.forgetOlderHalf { $0.last } }
        entries[key] = failures
        return failures.count
    }

    var count: Int { entries.count }

    mutating func forget(_ key: Key) { entries[key] = nil }
}

extension Dictionary {
    /// Half of them at once, so that a full table costs little each time.
    mutating func forgetOlderHalf(by time: (Value) -> Int64) {
        let times: [Int64] = values.map(time).sorted()
        guard !times.isEmpty else { return }
        let middle: Int64 = times[times.count / 2]
        self = filter { time($0.value) > middle }
    }
}
