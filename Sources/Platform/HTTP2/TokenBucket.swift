/// How often something may happen: some times at once, and so many times a second in the long run.
struct TokenBucket {
    private let capacity: Double
    private let perSecond: Double
    private var left: Double
    private var last: UInt64?

    init(capacity: Int, perSecond: Int) {
        self.capacity = Double(capacity)
        self.perSecond = Double(perSecond)
        left = Double(capacity)
    }

    /// Takes one; false when there is none.
    ///
    /// - Parameter now: nanoseconds of a clock that never jumps.
    mutating func take(now: UInt64) -> Bool {
        if let last, now > last { give(Double(now - last) / 1e9 * perSecond) }
        last = max(now, last ?? now)
        guard left >= 1 else { return false }
        left -= 1
        return true
    }

    mutating func give(_ count: Double) { left = min(capacity, left + count) }
}
