/// Who may go on now, of those who share something that only so many can use at a time.
///
/// Each key has a share, smaller than the whole, so that whoever comes after somebody greedy finds room; those who wait take
/// turns key by key, in each key in the order in which they came. Pure: it decides, and does not wait.
struct FairQueue<Key: Hashable & Sendable, Waiter: Sendable>: Sendable {
    enum Entry: Hashable, Sendable {
        case goes
        case waits
        /// Too many of this key wait already.
        case refused
    }

    private let capacity: Int
    private let share: Int
    private let waitingOfKey: Int
    private var going: [Key: Int] = [:]
    private var waiting: [Key: [Waiter]] = [:]
    /// Keys with somebody who waits, the next one first.
    private var turns: [Key] = []
    /// How many use it now.
    private(set) var goingCount: Int = 0
    /// How many wait.
    private(set) var waitingCount: Int = 0

    /// - Parameters:
    ///   - capacity: how many can use it at a time.
    ///   - share: how many of one key.
    ///   - waitingOfKey: how many of one key may wait.
    /// - Precondition: `0 < share <= capacity`.
    init(capacity: Int, share: Int, waitingOfKey: Int) {
        precondition(share > 0 && share <= capacity, "a share of \(share) of \(capacity)")
        (self.capacity, self.share, self.waitingOfKey) = (capacity, share, waitingOfKey)
    }

    mutating func enter(_ key: Key, _ waiter: Waiter) -> Entry {
        if mayGo(key), waiting[key] == nil {
            start(key)
            return .goes
        }
        guard waiting[key]?.count ?? 0 < waitingOfKey else { return .refused }
        if waiting[key] == nil { turns.append(key) }
        waiting[key, default: []].append(waiter)
        waitingCount += 1
        return .waits
    }

    /// One of the key is done.
    ///
    /// - Returns: those who may go on now; they count as going.
    mutating func leave(_ key: Key) -> [Waiter] {
        goingCount -= 1
        let left: Int = (going[key] ?? 1) - 1
        going[key] = left == 0 ? nil : left
        var freed: [Waiter] = []
        while let place: Int = turns.firstIndex(where: { mayGo($0) }) {
            let next: Key = turns.remove(at: place)
            guard var line: [Waiter] = waiting[next], !line.isEmpty else { continue }
            freed.append(line.removeFirst())
            waiting[next] = line.isEmpty ? nil : line
            waitingCount -= 1
            start(next)
            // Behind all the others.
            if !line.isEmpty { turns.append(next) }
        }
        return freed
    }

    private func mayGo(_ key: Key) -> Bool { goingCount < capacity && going[key] ?? 0 < share }

    private mutating func start(_ key: Key) {
        goingCount += 1
        going[key, default: 0] += 1
    }
}
