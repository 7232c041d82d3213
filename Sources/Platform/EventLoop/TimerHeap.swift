/// A timer that is set again and again, as each operation of a connection gets its deadline.
///
/// Setting it later costs nothing: the heap keeps the earliest moment that was asked for, and when that
/// moment comes the timer looks whether it is meant or goes back into the heap. So a busy connection has
/// a handful of entries in the heap, not one for each operation.
///
/// What shall happen is a subclass's to say: there are thousands, and a closure for each would be two more blocks of memory.
class LoopTimer {
    /// When it shall fire; `UInt64.max` means not at all.
    private(set) var due: UInt64 = .max
    /// The entry of the heap that is meant, of those that carry this timer.
    fileprivate var scheduled: UInt64 = .max

    /// Its moment has come.
    func timeIsUp() {}

    /// Belongs to one loop; called on its thread.
    final func set(_ moment: UInt64, in heap: inout TimerHeap) {
        due = moment
        guard moment < scheduled else { return }
        scheduled = moment
        heap.push(TimerHeap.Entry(moment: moment, timer: self))
    }

    final func clear() {
        due = .max
    }

    final func fire() {
        due = .max
        timeIsUp()
    }
}

/// Timers by the moment at which they are looked at: a binary heap, the earliest on top.
struct TimerHeap {
    struct Entry {
        var moment: UInt64
        var timer: LoopTimer
    }

    private var entries: [Entry] = []

    var isEmpty: Bool { entries.isEmpty }
    var count: Int { entries.count }
    /// The moment at which the heap must be looked at next.
    var next: UInt64? { entries.first?.moment }

    /// The next timer whose moment has come, or nil.
    mutating func popDue(_ now: UInt64) -> LoopTimer? {
        while let top = entries.first, top.moment <= now {
            removeTop()
            let timer: LoopTimer = top.timer
            guard timer.scheduled == top.moment else { continue }  // replaced by an earlier entry
            timer.scheduled = .max
            if timer.due == .max { continue }
            if timer.due <= now { return timer }
            timer.set(timer.due, in: &self)
        }
        return nil
    }

    /// Empties the heap; returns the timers that were set.
    mutating func removeAll() -> [LoopTimer] {
        let set: [LoopTimer] = entries.filter { $0.timer.scheduled == $0.moment && $0.timer.due != .max }.map(\.timer)
        entries.removeAll()
        return set
    }

    mutating func push(_ entry: Entry) {
        entries.append(entry)
        var child: Int = entries.count - 1
        while child > 0 {
            let parent: Int = (child - 1) / 2
            guard entries[child].moment < entries[parent].moment else { return }
            entries.swapAt(child, parent)
            child = parent
        }
    }

    private mutating func removeTop() {
        entries.swapAt(0, entries.count - 1)
        entries.removeLast()
        var parent: Int = 0
        while true {
            var least: Int = parent
            for child in [2 * parent + 1, 2 * parent + 2]
            where child < entries.count && entries[child].moment < entries[least].moment {
                least = child
            }
            guard least != parent else { return }
            entries.swapAt(parent, least)
            parent = least
        }
    }
}
