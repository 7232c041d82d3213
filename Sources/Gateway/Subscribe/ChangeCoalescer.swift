import StoreFormat

/// Decides when a subscriber hears of a change: of the first one at once, of those within the next second together.
struct ChangeCoalescer: Sendable {
    static let intervalMilliseconds: Int64 = 1_000
    /// Moments at which waiting changes are told are rounded up to these, so that many of them share one.
    static let stepMilliseconds: Int64 = 50
    /// So many objects are remembered before old ones are forgotten for the first time.
    private static let remembered: Int = 4_096

    private var lastTold: [RecordKey: Int64] = [:]
    /// What waits, by the moment at which it is told.
    private var waiting: [RecordKey: Int64] = [:]
    private var forgetsAt: Int = Self.remembered

    /// Whether to tell of the change now; otherwise it waits for ``due(_:)``.
    mutating func changed(_ key: RecordKey, now: Int64) -> Bool {
        if waiting[key] != nil { return false }
        // A clock that was set back must not keep anything waiting for longer than the interval.
        if let last: Int64 = lastTold[key], now < last + Self.intervalMilliseconds, now >= last {
            let moment: Int64 = last + Self.intervalMilliseconds
            let step: Int64 = Self.stepMilliseconds
            waiting[key] = (moment + step - 1) / step * step
            return false
        }
        lastTold[key] = now
        forgetOld(now)
        return true
    }

    /// How many objects are remembered.
    var rememberedCount: Int { lastTold.count }

    /// What waits for its second to be over; nil for nothing.
    var nextDue: Int64? { waiting.values.min() }

    /// What is to be told now, in the order of keys.
    mutating func due(_ now: Int64) -> [RecordKey] {
        // Nothing was ever to wait for longer than this: what seems to, began to before the clock was set back.
        let latest: Int64 = now + Self.intervalMilliseconds + Self.stepMilliseconds
        let keys: [RecordKey] = waiting.filter { $0.value <= now || $0.value > latest }.map(\.key).sorted()
        for key in keys {
            waiting[key] = nil
            lastTold[key] = now
        }
        return keys
    }

    /// A subscriber for weeks must not remember every object that ever was.
    ///
    /// The bound moves with what is left, so that a burst of many objects is not searched again for each of them.
    private mutating func forgetOld(_ now: Int64) {
        guard lastTold.count > forgetsAt else { return }
        lastTold = lastTold.filter { key, told in
            waiting[key] != nil || told <= now && now < told + Self.intervalMilliseconds
        }
        forgetsAt = max(Self.remembered, lastTold.count * 2)
    }
}
