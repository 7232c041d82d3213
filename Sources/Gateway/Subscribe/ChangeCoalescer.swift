import StoreFormat

/// Decides when a subscriber hears of a change: of the first one at once, of those within the next second together.
struct ChangeCoalescer: Sendable {
    static let intervalMilliseconds: Int64 = 1_000

    private var lastTold: [RecordKey: Int64] = [:]
    private var waiting: Set<RecordKey> = []

    /// Whether to tell of the change now; otherwise it waits for ``due(_:)``.
    mutating func changed(_ key: RecordKey, now: Int64) -> Bool {
        if let last: Int64 = lastTold[key], now < last + Self.intervalMilliseconds {
            waiting.insert(key)
            return false
        }
        waiting.remove(key)
        lastTold[key] = now
        forgetOld(now)
        return true
    }

    /// What waits for its second to be over; nil for nothing.
    var nextDue: Int64? {
        waiting.compactMap { lastTold[$0].map { $0 + Self.intervalMilliseconds } }.min()
    }

    /// What is to be told now, in the order of keys.
    mutating func due(_ now: Int64) -> [RecordKey] {
        let keys: [RecordKey] = waiting.filter { (lastTold[$0] ?? 0) + Self.intervalMilliseconds <= now }.sorted()
        for key in keys {
            waiting.remove(key)
            lastTold[key] = now
        }
        return keys
    }

    /// A subscriber for weeks must not remember every object that ever was.
    private mutating func forgetOld(_ now: Int64) {
        guard lastTold.count > 4_096 else { return }
        lastTold = lastTold.filter { waiting.contains($0.key) || now < $0.value + Self.intervalMilliseconds }
    }
}
