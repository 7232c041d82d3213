import Limits
import StoreFormat
import Synchronization

/// Hands what apply did to those who watch.
///
/// A watch first catches up, from memory or history, as fast as its reader reads; when it has reached the
/// end it is filed, and from then on each entry is offered to it. Both happen under one lock with
/// the recording of entries, so there is neither a gap nor a repeat between them.
final class WatchHub: Sendable {
    private struct State {
        var recent: RecentChanges
        var live: WatchIndex = WatchIndex()
        var open: [UInt64: WatchQueue] = [:]
        var lastID: UInt64 = 0
        /// History holds every entry up to here; memory may forget them.
        var keptInHistory: Revision
        var history: (any WatchHistory)?
        var closed: Bool = false

        var lowest: Revision {
            guard let history, history.lowestRevision < recent.floor else { return recent.floor }
            return history.lowestRevision
        }
    }

    private let memory: Int
    private let state: Mutex<State>

    /// Without a history memory forgets freely.
    ///
    /// - Parameter memory: how many changes are kept for watches that resume.
    init(after revision: Revision, history: (any WatchHistory)?, memory: Int) {
        self.memory = memory
        state = Mutex(
            State(
                recent: RecentChanges(after: revision),
                keptInHistory: history == nil ? .max : revision,
                history: history
            )
        )
    }

    /// Called by whoever applies, in log order, after the state was published.
    func record(_ entry: RevisionChanges) {
        let waiters: [WatchQueue.Wake] = state.withLock { state in
            state.recent.append(entry, limit: memory, keptElsewhere: state.keptInHistory)
            guard !entry.changes.isEmpty, !state.open.isEmpty else { return [] }
            var waiters: [WatchQueue.Wake] = []
            // Watches with equal filters, such as those of an environment's subscribers, share their event.
            var last: (filter: WatchFilter, event: WatchEvent?)?
            for (_, queue) in state.live.candidates(for: entry.changes) {
                if last?.filter != queue.filter { last = (queue.filter, queue.filter.event(of: entry)) }
                guard let event: WatchEvent = last?.event else { continue }
                let (waiter, isOver) = queue.offer(event)
                if isOver { state.live.remove(queue) }
                if let waiter { waiters.append(waiter) }
            }
            return waiters
        }
        for waiter in waiters { waiter.resume() }
    }

    func historyHolds(upTo revision: Revision) {
        state.withLock { $0.keptInHistory = max($0.keptInHistory, revision) }
    }

    func open(from revision: Revision, _ filter: WatchFilter) throws(WatchRefusal) -> WatchQueue {
        let result: Result<WatchQueue, WatchRefusal> = state.withLock { state in
            if state.closed { return .failure(.storeClosed) }
            guard state.open.count < Limits.watches else { return .failure(.tooMany(limit: Limits.watches)) }
            let lowest: Revision = state.lowest
            guard revision >= lowest else { return .failure(.belowHorizon(lowest: lowest)) }
            state.lastID += 1
            let queue = WatchQueue(id: state.lastID, filter: filter, from: revision)
            state.open[queue.id] = queue
            return .success(queue)
        }
        return try result.get()
    }

    func close(_ queue: WatchQueue) {
        state.withLock { state in
            state.open[queue.id] = nil
            state.live.remove(queue)
        }
    }

    /// The state now is another one, at `revision`: every watch ends, for nobody here knows what lies between.
    ///
    /// Called by whoever applies, after the new state was published: a watch that is opened meanwhile on the new
    /// view ends as well, never is one left on the old.
    func replace(after revision: Revision, historyHolds kept: Revision) {
        let queues: [WatchQueue] = state.withLock { state in
            state.recent = RecentChanges(after: revision)
            state.keptInHistory = state.history == nil ? .max : kept
            defer {
                state.open = [:]
                state.live = WatchIndex()
            }
            return Array(state.open.values)
        }
        for queue in queues { queue.end(.storeReplaced(revision: revision)) }
    }

    /// Ends every watch; its reader may resume on another node.
    func closeAll() {
        let queues: [WatchQueue] = state.withLock { state in
            state.closed = true
            defer {
                state.open = [:]
                state.live = WatchIndex()
            }
            return Array(state.open.values)
        }
        for queue in queues { queue.end(.storeClosed(resumeFrom: queue.next)) }
    }

    func bookmarkAll() {
        let waiters: [WatchQueue.Wake] = state.withLock { state in
            state.open.values.compactMap { $0.bookmark(state.recent.last) }
        }
        for waiter in waiters { waiter.resume() }
    }

    /// Gets a watch that is behind its next events; they may arrive later, from history.
    func catchUp(_ queue: WatchQueue) {
        guard queue.beginFetching() else { return }
        let reading: (source: any WatchHistory, from: Revision, below: Revision)? = state.withLock {
            state -> (source: any WatchHistory, from: Revision, below: Revision)? in
            guard state.open[queue.id] != nil else {
                // Whoever took it out is about to say so: this only must not say something else.
                queue.end(
                    state.closed
                        ? .storeClosed(resumeFrom: queue.next) : .storeReplaced(revision: state.recent.floor - 1)
                )
                return nil
            }
            let from: Revision = queue.next
            if from >= state.recent.floor {
                let (entries, next) = state.recent.entries(from: from, limit: Limits.watchCatchUpEvents)
                let isLive: Bool = next > state.recent.last
                if isLive { state.live.insert(queue) }
                queue.fill(entries, next: next, isLive: isLive)
                return nil
            }
            guard let history = state.history, from >= state.lowest else {
                queue.end(.belowHorizon(lowest: state.lowest))
                return nil
            }
            // History may already hold entries that are still to be applied again after a restart.
            return (history, from, state.recent.floor)
        }
        guard let reading else { return }
        reading.source.read(from: reading.from, below: reading.below, limit: Limits.watchCatchUpEvents) { found in
            if let found, found.next > reading.from {
                queue.fill(found.entries, next: found.next, isLive: false)
            } else {
                queue.end(.belowHorizon(lowest: self.lowest))
            }
        }
    }

    var openCount: Int { state.withLock { $0.open.count } }

    /// The lowest revision that a watch may start from.
    var lowest: Revision { state.withLock { $0.lowest } }
}

/// Where watches find what memory has forgotten.
protocol WatchHistory: Sendable {
    /// Everything from here on can be read. Must not block.
    var lowestRevision: Revision { get }
    /// Reads entries on a thread of its own; `deliver` gets nil when that failed, and is called once.
    func read(
        from revision: Revision,
        below end: Revision,
        limit: Int,
        _ deliver: @escaping @Sendable (HistoryPage?) -> Void
    )
}

struct HistoryPage: Sendable {
    var entries: [RevisionChanges]
    /// Everything below was looked at.
    var next: Revision
}
