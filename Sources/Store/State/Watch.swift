package import StoreFormat

/// Why a watch cannot begin.
package enum WatchRefusal: Error, Hashable, Sendable {
    /// Older changes are gone: list the records, and watch from the revision after the view's.
    case belowHorizon(lowest: Revision)
    case tooMany(limit: Int)
    case storeClosed
}

/// Why a watch came to an end.
///
/// All that was queued before was delivered.
package enum WatchEnded: Error, Hashable, Sendable {
    /// The reader did not keep up. A new watch from `resumeFrom` misses nothing.
    case tooSlow(resumeFrom: Revision)
    /// While it caught up, what it had still to read was cut: list again.
    case belowHorizon(lowest: Revision)
    case storeClosed(resumeFrom: Revision)
    /// The whole state was replaced by a snapshot at `revision`, and what lies between was never here: list again, and
    /// watch from the revision after the view's.
    case storeReplaced(revision: Revision)
}

/// The ordered stream of changes from a revision on.
///
/// Promises: ascending revisions, each at most once, none left out, none split over two events; nothing
/// before the revision it was asked to start from. To go on after the last event, watch from its
/// revision + 1. One reader at a time. Letting go of it ends it.
package final class Watch: Sendable {
    private let queue: WatchQueue
    private let hub: WatchHub

    init(_ queue: WatchQueue, _ hub: WatchHub) {
        self.queue = queue
        self.hub = hub
    }

    deinit { hub.close(queue) }

    /// The next event, as soon as there is one; nil when the task is cancelled.
    package func next() async throws(WatchEnded) -> WatchEvent? {
        while !Task.isCancelled {
            switch queue.take() {
            case .event(let event): return event
            case .ended(let reason): throw reason
            case .behind: hub.catchUp(queue)
            case .nothing: await queue.wait()
            }
        }
        return nil
    }

    /// Calls `ring` whenever ``poll()`` may find something, and once at once: for a reader that waits for other things, too,
    /// and so does not call ``next()``.
    ///
    /// - Parameter ring: called by whoever applies: must not block, nor hold the watch.
    package func signal(_ ring: @escaping @Sendable () -> Void) { queue.signal(ring) }

    /// The next event if there is one now.
    package func poll() throws(WatchEnded) -> WatchEvent? {
        while true {
            switch queue.take() {
            case .event(let event): return event
            case .ended(let reason): throw reason
            case .behind: hub.catchUp(queue)
            case .nothing: return nil
            }
        }
    }
}
