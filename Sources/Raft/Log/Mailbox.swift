internal import Glibc

/// Items from any thread for one thread that waits for them; it takes all that have gathered at once.
///
/// Limits: it has no bound of its own; those who post are bounded (a core's window and uncommitted bytes).
// @unchecked: every touch of `items` and `isClosed` is between lock and unlock of `mutex`.
package final class Mailbox<Item: Sendable>: @unchecked Sendable {
    private let mutex: UnsafeMutablePointer<pthread_mutex_t>
    private let condition: UnsafeMutablePointer<pthread_cond_t>
    private var items: [Item] = []
    private var isClosed: Bool = false
    private var isWaiting: Bool = false

    package init() {
        mutex = .allocate(capacity: 1)
        condition = .allocate(capacity: 1)
        pthread_mutex_init(mutex, nil)
        var attributes = pthread_condattr_t()
        pthread_condattr_init(&attributes)
        pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC)
        pthread_cond_init(condition, &attributes)
        pthread_condattr_destroy(&attributes)
    }

    deinit {
        pthread_cond_destroy(condition)
        pthread_mutex_destroy(mutex)
        condition.deallocate()
        mutex.deallocate()
    }

    /// - Parameter canWait: until something else comes, or the deadline at which the thread looks anyway.
    /// - Returns: false when the mailbox is closed; the item was not taken.
    @discardableResult
    package func post(_ item: Item, canWait: Bool = false) -> Bool {
        pthread_mutex_lock(mutex)
        let taken: Bool = !isClosed
        if taken { items.append(item) }
        let wakes: Bool = isWaiting && !canWait
        pthread_mutex_unlock(mutex)
        if wakes { pthread_cond_signal(condition) }
        return taken
    }

    @discardableResult
    package func post(all added: [Item]) -> Bool {
        pthread_mutex_lock(mutex)
        let taken: Bool = !isClosed
        if taken { items.append(contentsOf: added) }
        let wakes: Bool = isWaiting
        pthread_mutex_unlock(mutex)
        if wakes { pthread_cond_signal(condition) }
        return taken
    }

    /// Waits for items until `deadline` (nanoseconds of the monotonic clock; nil for ever).
    ///
    /// - Returns: all that have gathered, none at the deadline, or nil when closed and empty.
    package func take(until deadline: UInt64? = nil) -> [Item]? {
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        isWaiting = true
        defer { isWaiting = false }
        while items.isEmpty, !isClosed {
            guard let deadline else {
                pthread_cond_wait(condition, mutex)
                continue
            }
            var time = timespec(tv_sec: Int(deadline / 1_000_000_000), tv_nsec: Int(deadline % 1_000_000_000))
            if pthread_cond_timedwait(condition, mutex, &time) == ETIMEDOUT { break }
        }
        if items.isEmpty, isClosed { return nil }
        let taken: [Item] = items
        items = []
        return taken
    }

    /// How many items wait.
    package var count: Int {
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        return items.count
    }

    /// Whether the thread waits for items now.
    package var isAwaited: Bool {
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        return isWaiting
    }

    /// Nothing more is accepted; what has gathered can still be taken.
    package func close() {
        pthread_mutex_lock(mutex)
        isClosed = true
        pthread_mutex_unlock(mutex)
        pthread_cond_broadcast(condition)
    }
}
