/// How many requests each caller may still send now: a bucket of tokens for each, filled steadily, two seconds' worth deep.
///
/// Bounded in memory: a bucket that is full says nothing and is forgotten first.
struct RateLedger<Key: Hashable & Sendable>: Sendable {
    private struct Bucket {
        var tokens: Double
        /// Milliseconds since 1970.
        var since: Int64
    }

    private let known: Int
    private var buckets: [Key: Bucket] = [:]

    /// - Parameter known: how many callers are remembered.
    init(known: Int) { self.known = known }

    /// Takes a token, if there is one.
    ///
    /// - Parameters:
    ///   - perSecond: how many come in a second; above 0.
    ///   - now: milliseconds since 1970.
    /// - Returns: after how many milliseconds there will be one; 0 when it was taken.
    mutating func take(_ key: Key, perSecond: Int, at now: Int64) -> Int64 {
        let depth: Double = Double(perSecond) * 2
        if buckets.count >= known, buckets[key] == nil { shorten(perSecond, now) }
        var bucket: Bucket = buckets[key] ?? Bucket(tokens: depth, since: now)
        bucket.tokens = Self.filled(bucket, perSecond, now)
        bucket.since = max(bucket.since, now)
        defer { buckets[key] = bucket }
        guard bucket.tokens >= 1 else {
            return max(1, Int64(((1 - bucket.tokens) * 1_000 / Double(perSecond)).rounded(.up)))
        }
        bucket.tokens -= 1
        return 0
    }

    private static func filled(_ bucket: Bucket, _ perSecond: Int, _ now: Int64) -> Double {
        // A clock that was set back gives nothing and takes nothing.
        let elapsed: Int64 = max(0, min(now - bucket.since, 3_600_000))
        return min(Double(perSecond) * 2, bucket.tokens + Double(elapsed) * Double(perSecond) / 1_000)
    }

    private mutating func shorten(_ perSecond: Int, _ now: Int64) {
        buckets = buckets.filter { Self.filled($0.value, perSecond, now) < Double(perSecond) * 2 }
        // All are at their limit: whoever comes next begins anew, as after a start.
        if buckets.count >= known { buckets.removeAll() }
    }
}
