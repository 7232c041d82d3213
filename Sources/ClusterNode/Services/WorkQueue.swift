import Limits

/// What waits for the worker of one scope: what is to be looked at, in which order, and what is to be looked at later.
///
/// Pure. Times are milliseconds of a clock that never jumps: by the time of day, a clock that is set back an hour would
/// put off for an hour what was to be tried again in a second.
package struct WorkQueue: Sendable {
    /// What came of an item.
    package enum Ending: Sendable {
        /// All that was planned is written, or there was nothing to write.
        case done
        /// Somebody was faster: plan again on what is there now.
        case refused
        /// Nobody knows what came of it, or the cluster did not take it.
        case unheard
        /// The plan breaks a rule: a bug of ours, which must not go round for ever.
        case invalid
    }

    /// What waits for the next round.
    private var items: Set<WorkItem> = []
    /// What is left of this one, last first: all of it has its turn before anything that comes meanwhile, so that a flood
    /// of one kind starves no other.
    private var round: [WorkItem] = []
    /// When an item is to be run though nothing changed.
    private var wakes: [WorkItem: Int64] = [:]
    /// How often in a row an item's plan was refused.
    private var refusals: [WorkItem: Int] = [:]

    package init() {}

    /// Nothing is to be looked at now.
    package var isIdle: Bool { items.isEmpty && round.isEmpty }

    /// When the next of what is to be looked at later is due; nil when there is nothing.
    package var earliest: Int64? { wakes.values.min() }

    /// Each is in it once.
    package mutating func add(_ more: some Sequence<WorkItem>) { items.formUnion(more) }

    /// What is due comes to what is to be looked at.
    package mutating func wake(at now: Int64) {
        for (item, time) in wakes where time <= now {
            wakes[item] = nil
            items.insert(item)
        }
    }

    package mutating func next() -> WorkItem? {
        if round.isEmpty {
            round = items.sorted(by: >)
            items = []
        }
        guard let next: WorkItem = round.popLast() else { return nil }
        // What was asked for again before its turn is done with this one.
        items.remove(next)
        wakes[next] = nil
        return next
    }

    /// The plan asks for the item to be run again though nothing changes.
    package mutating func put(_ item: WorkItem, off milliseconds: Int64, at now: Int64) {
        wakes[item] = now + max(0, milliseconds)
    }

    /// - Returns: whether it was refused so often that it is left alone for a moment: each attempt is an entry of the log.
    @discardableResult
    package mutating func end(_ item: WorkItem, _ ending: Ending, at now: Int64) -> Bool {
        guard ending == .refused else {
            refusals[item] = nil
            switch ending {
            case .done, .refused: break
            case .unheard: put(item, off: 1_000, at: now)
            case .invalid: put(item, off: 60_000, at: now)
            }
            return false
        }
        let count: Int = refusals[item, default: 0] + 1
        refusals[item] = count
        guard count > Limits.conflictRetries else {
            items.insert(item)
            return false
        }
        put(item, off: 1_000, at: now)
        return true
    }

    /// Forgets everything.
    package mutating func clear() { self = WorkQueue() }
}
