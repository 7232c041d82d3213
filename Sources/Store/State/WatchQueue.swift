import Limits
import StoreFormat
import Synchronization

/// The events that wait for one watch's reader, and the reader that waits for them.
///
/// The hub puts in, the reader takes out; neither waits for the other.
final class WatchQueue: Sendable {
    /// Where a watch is in the stream.
    enum Phase: Sendable {
        /// Its events from `next` on are still in memory or history.
        case behind
        /// The hub offers each entry as it is applied.
        case live
        case over(WatchEnded)
    }

    struct State: Sendable {
        var phase: Phase = .behind
        /// The first revision that was not looked at for this watch.
        var next: Revision
        var events: [WatchEvent] = []
        var head: Int = 0
        var waiter: CheckedContinuation<Void, Never>?
        /// Of a reader that does not wait here.
        var bell: (@Sendable () -> Void)?
        /// Something happened since the reader last looked.
        var isSignalled: Bool = false
        var isFetching: Bool = false

        var count: Int { events.count - head }
    }

    /// Who is told that there is something to take, once the lock is given back.
    enum Wake {
        case reader(CheckedContinuation<Void, Never>)
        case bell(@Sendable () -> Void)

        func resume() {
            switch self {
            case .reader(let continuation): continuation.resume()
            case .bell(let ring): ring()
            }
        }
    }

    enum Taken {
        case event(WatchEvent)
        case ended(WatchEnded)
        /// The hub must be asked for more.
        case behind
        case nothing
    }

    let id: UInt64
    let filter: WatchFilter
    private let state: Mutex<State>

    init(id: UInt64, filter: WatchFilter, from revision: Revision) {
        self.id = id
        self.filter = filter
        state = Mutex(State(next: revision))
    }

    var next: Revision { state.withLock { $0.next } }

    /// An entry was applied, and this is what the filter sees of it.
    ///
    /// Returns what to resume afterwards, and whether the queue wants no more.
    func offer(_ event: WatchEvent) -> (waiter: Wake?, isOver: Bool) {
        state.withLock { state in
            guard case .live = state.phase else { return (nil, true) }
            guard event.revision >= state.next else { return (nil, false) }
            guard state.count < Limits.watchQueuedEvents else {
                state.phase = .over(.tooSlow(resumeFrom: event.revision))
                return (state.signal(), true)
            }
            state.next = event.revision + 1
            state.events.append(event)
            return (state.signal(), false)
        }
    }

    /// Says that everything up to `revision` was offered.
    ///
    /// A bookmark that waits is replaced, and none is put in a full queue: it would say nothing that the events
    /// before it do not.
    func bookmark(_ revision: Revision) -> Wake? {
        state.withLock { state in
            guard case .live = state.phase, revision >= state.next else { return nil }
            guard state.count < Limits.watchQueuedEvents else { return nil }
            state.next = revision + 1
            let mark = WatchEvent(revision: revision, changes: [], isBookmark: true)
            if state.count > 0, let last = state.events.last, last.isBookmark {
                state.events[state.events.count - 1] = mark
            } else {
                state.events.append(mark)
            }
            return state.signal()
        }
    }

    /// Puts in what a watch that catches up has found below `next`.
    func fill(_ entries: some Sequence<RevisionChanges>, next: Revision, isLive: Bool) {
        let found: [WatchEvent] = entries.compactMap(filter.event)
        let waiter: Wake? = state.withLock { state in
            state.isFetching = false
            guard case .behind = state.phase else { return nil }
            state.events.append(contentsOf: found)
            state.next = next
            if isLive { state.phase = .live }
            return state.signal()
        }
        waiter?.resume()
    }

    func end(_ reason: WatchEnded) {
        let waiter: Wake? = state.withLock { state in
            state.isFetching = false
            if case .over = state.phase { return nil }
            state.phase = .over(reason)
            return state.signal()
        }
        waiter?.resume()
    }

    /// True for the one who is to fetch; until ``fill`` nobody else is.
    func beginFetching() -> Bool {
        state.withLock { state in
            guard case .behind = state.phase, !state.isFetching else { return false }
            state.isFetching = true
            return true
        }
    }

    func take() -> Taken {
        state.withLock { state in
            state.isSignalled = false
            if state.count > 0 {
                let event: WatchEvent = state.events[state.head]
                state.head += 1
                if state.head == state.events.count || state.head > 256 {
                    state.events.removeFirst(state.head)
                    state.head = 0
                }
                return .event(event)
            }
            switch state.phase {
            case .behind: return state.isFetching ? .nothing : .behind
            case .live: return .nothing
            case .over(let reason): return .ended(reason)
            }
        }
    }

    /// Waits until something happens after the last ``take()``.
    func wait() async {
        await withTaskCancellationHandler {
            await withCheckedContinuation { (continuation: CheckedContinuation<Void, Never>) in
                let ready: Bool = state.withLock { state in
                    precondition(state.waiter == nil, "a watch has one reader")
                    if state.isSignalled { return true }
                    state.waiter = continuation
                    return false
                }
                if ready { continuation.resume() }
            }
        } onCancel: {
            wake()
        }
    }

    /// From here on `ring` is called whenever there may be something to take, and once at once; nobody waits then.
    func signal(_ ring: @escaping @Sendable () -> Void) {
        state.withLock { $0.bell = ring }
        ring()
    }

    func wake() {
        let waiter: Wake? = state.withLock { $0.signal() }
        waiter?.resume()
    }
}

extension WatchQueue.State {
    /// Whom to wake once the lock is given back.
    fileprivate mutating func signal() -> WatchQueue.Wake? {
        isSignalled = true
        if let bell { return .bell(bell) }
        defer { waiter = nil }
        return waiter.map(WatchQueue.Wake.reader)
    }
}
