import Synchronization

/// Lets those that add to one limited environment go one after the other on this node.
///
/// Not what makes quotas exact (a precondition does), but what makes them cheap: without it a hundred at a time would plan, be
/// refused and plan again. Whoever has a turn proposes with a deadline, so turns end.
final class QuotaTurns: Sendable {
    /// Those who wait for each environment that somebody has the turn of, the first first.
    private let waiting = Mutex<[UInt64: [CheckedContinuation<Void, Never>]]>([:])

    /// - Returns: whether it had to wait: then what it knows may be out of date.
    func enter(_ project: UInt64) async -> Bool {
        if take(project) { return false }
        await withCheckedContinuation { continuation in
            let isItNow: Bool = waiting.withLock { waiting in
                guard waiting[project] != nil else {
                    waiting[project] = []
                    return true
                }
                waiting[project]?.append(continuation)
                return false
            }
            if isItNow { continuation.resume() }
        }
        return true
    }

    private func take(_ project: UInt64) -> Bool {
        waiting.withLock { waiting in
            guard waiting[project] == nil else { return false }
            waiting[project] = []
            return true
        }
    }

    /// The turn goes to whoever waits longest.
    func leave(_ project: UInt64) {
        let next: CheckedContinuation<Void, Never>? = waiting.withLock { waiting in
            guard var line: [CheckedContinuation<Void, Never>] = waiting[project], !line.isEmpty else {
                waiting[project] = nil
                return nil
            }
            let next: CheckedContinuation<Void, Never> = line.removeFirst()
            waiting[project] = line
            return next
        }
        next?.resume()
    }
}
