/// Callers that wait for an answer, by number, each with the tick after which it gets none.
struct Waiters<Answer: Sendable> {
    private var waiting: [UInt64: CheckedContinuation<Answer, Never>] = [:]
    /// Every waiter has the same patience, so this is in order of expiry.
    private var expiries: [(tick: UInt64, id: UInt64)] = []
    private var firstExpiry: Int = 0

    var isEmpty: Bool { waiting.isEmpty }

    mutating func add(_ id: UInt64, until tick: UInt64, _ continuation: CheckedContinuation<Answer, Never>) {
        waiting[id] = continuation
        expiries.append((tick, id))
    }

    /// An unknown or already answered number is nothing.
    mutating func answer(_ id: UInt64, _ answer: Answer) {
        waiting.removeValue(forKey: id)?.resume(returning: answer)
    }

    mutating func expire(at tick: UInt64, with answer: Answer) {
        while firstExpiry < expiries.count, expiries[firstExpiry].tick <= tick {
            self.answer(expiries[firstExpiry].id, answer)
            firstExpiry += 1
        }
        guard firstExpiry > 1024 else { return }
        expiries.removeFirst(firstExpiry)
        firstExpiry = 0
    }

    mutating func answerAll(_ answer: Answer) {
        for id in waiting.keys.sorted() { self.answer(id, answer) }
    }
}
