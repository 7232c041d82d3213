internal import CLinux
internal import Glibc
internal import Synchronization

/// One thread with one epoll that is also an executor: tasks that prefer it run on that thread.
///
/// A connection is one `Task(executorPreference: loop)` of straight-line `async` code; it waits for its
/// socket, its timers and its children without ever leaving the thread. Actors may be pinned to a loop
/// through `unownedExecutor`.
///
/// Order: jobs run in the order in which they became ready; jobs from other threads come in the order
/// in which they were handed over.
package final class EventLoop: TaskExecutor, SerialExecutor, @unchecked Sendable {
    // @unchecked: `ready`, `timers`, `registry` and `stopping` are touched by the loop's thread only;
    // `inbox` is under its lock; the rest never changes after `start`.

    var timers = TimerHeap()
    let registry = Registry()
    var stopping: Bool = false
    let epoll: Int32
    let lookups = NameLookups()

    private var ready: [UnownedJob] = []
    private let wakeup: Int32
    private let threadID = Atomic<UInt>(0)
    private let inbox = Mutex<Inbox>(Inbox())

    /// Work that other threads hand over.
    private struct Inbox {
        var work: [Work] = []
        /// A wake-up is on its way; one is enough for any amount of work.
        var woken: Bool = false
        var stopWanted: Bool = false
        /// The thread has ended: nothing would run what is put here.
        var ended: Bool = false
        var whenEnded: [CheckedContinuation<Void, Never>] = []
    }

    private enum Work: Sendable {
        case job(UnownedJob)
        case call(@Sendable () -> Void)
    }

    /// Rounds of ready jobs that may run before sockets and timers get their turn.
    private static let roundsBetweenPolls: Int = 32
    private static let eventsPerPoll: Int = 256

    /// Starts the thread.
    ///
    /// - Throws: ``NetworkFault`` when the system has no descriptors or threads left.
    package static func start() throws(NetworkFault) -> EventLoop {
        let loop = EventLoop(
            epoll: epoll_create1(Int32(EPOLL_CLOEXEC)),
            wakeup: eventfd(0, Int32(EFD_CLOEXEC | EFD_NONBLOCK))
        )
        guard loop.epoll >= 0, loop.wakeup >= 0 else {
            throw .system(operation: "create an event loop", object: "epoll", code: errno)
        }
        var event = epoll_event()
        event.events = Readiness.input | Readiness.edgeTriggered
        event.data.u64 = Registry.wakeupToken
        guard epoll_ctl(loop.epoll, EPOLL_CTL_ADD, loop.wakeup, &event) == 0 else {
            throw .system(operation: "create an event loop", object: "eventfd", code: errno)
        }

        var thread = pthread_t()
        let held: Unmanaged<EventLoop> = .passRetained(loop)  // the thread gives it back when it ends
        let code: Int32 = pthread_create(
            &thread,
            nil,
            { argument in
                guard let argument else { return nil }
                Unmanaged<EventLoop>.fromOpaque(argument).takeRetainedValue().main()
                return nil
            },
            held.toOpaque()
        )
        guard code == 0 else {
            held.release()
            throw .system(operation: "start a thread", object: "event loop", code: code)
        }
        pthread_detach(thread)
        return loop
    }

    private init(epoll: Int32, wakeup: Int32) {
        self.epoll = epoll
        self.wakeup = wakeup
    }

    deinit {
        if epoll >= 0 { close(epoll) }
        if wakeup >= 0 { close(wakeup) }
    }

    /// Whether the caller runs on this loop's thread.
    package var isCurrent: Bool {
        threadID.load(ordering: .relaxed) == UInt(pthread_self())
    }

    /// Ends the loop: closes its streams and listeners, ends its sleeps with an error, waits for the thread.
    ///
    /// Tasks that are not done by then go on elsewhere; every operation on this loop then fails.
    package func stop() async {
        await withCheckedContinuation { (continuation: CheckedContinuation<Void, Never>) in
            let ended: Bool = inbox.withLock { inbox in
                if inbox.ended { return true }
                inbox.stopWanted = true
                inbox.whenEnded.append(continuation)
                return false
            }
            if ended { continuation.resume() } else { wake() }
        }
    }

    // MARK: Executor

    package func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        if isCurrent {
            ready.append(job)
        } else if !post(.job(job)) {
            globalConcurrentExecutor.enqueue(ExecutorJob(job))
        }
    }

    package func asUnownedSerialExecutor() -> UnownedSerialExecutor {
        UnownedSerialExecutor(ordinary: self)
    }

    package func checkIsolated() {
        precondition(isCurrent, "code that belongs to an event loop ran on another thread")
    }

    /// Calls `body` on the loop's thread: at once when the caller is there, else soon.
    ///
    /// On a loop that has ended `body` is not called, and false is returned.
    @discardableResult
    package func execute(_ body: @escaping @Sendable () -> Void) -> Bool {
        guard !isCurrent else {
            body()
            return true
        }
        return post(.call(body))
    }

    /// Runs `body` as part of the caller's task, but on this loop's thread.
    package func run<Result: Sendable>(
        _ body: @escaping @concurrent @Sendable () async throws -> Result
    ) async throws -> Result {
        guard !hasEnded else { throw NetworkFault.loopStopped }
        return try await withTaskExecutorPreference(self, operation: body)
    }

    private var hasEnded: Bool { inbox.withLock { $0.ended } }

    private func post(_ work: Work) -> Bool {
        let (accepted, mustWake): (Bool, Bool) = inbox.withLock { inbox in
            if inbox.ended { return (false, false) }
            inbox.work.append(work)
            defer { inbox.woken = true }
            return (true, !inbox.woken)
        }
        if mustWake { wake() }
        return accepted
    }

    private func wake() {
        // Edge-triggered: each write is an event of its own, so nobody has to read the counter.
        var one: UInt64 = 1
        _ = write(wakeup, &one, 8)
    }

    // MARK: The thread

    private func main() {
        threadID.store(UInt(pthread_self()), ordering: .relaxed)
        var events = [epoll_event](repeating: epoll_event(), count: Self.eventsPerPoll)
        while !stopping {
            runReady(rounds: Self.roundsBetweenPolls)
            let count: Int32 = epoll_wait(epoll, &events, Int32(events.count), waitMilliseconds())
            for index in 0..<max(0, Int(count)) {
                let token: UInt64 = events[index].data.u64
                if token == Registry.wakeupToken {
                    takeInbox()
                } else {
                    registry.deliver(events[index].events, to: token)
                }
            }
            // After the sockets: what has arrived in time is not late because this thread was busy.
            fireTimers()
        }
        end()
    }

    private func runReady(rounds: Int) {
        var round: Int = 0
        var batch: [UnownedJob] = []
        while !ready.isEmpty, round < rounds {
            swap(&batch, &ready)
            for job in batch { job.runSynchronously(on: asUnownedTaskExecutor()) }
            batch.removeAll(keepingCapacity: true)
            round += 1
        }
    }

    private func takeInbox() {
        var work: [Work] = []
        inbox.withLock { inbox in
            swap(&work, &inbox.work)
            inbox.woken = false
            if inbox.stopWanted { stopping = true }
        }
        for item in work {
            switch item {
            case .job(let job): ready.append(job)
            case .call(let body): body()
            }
        }
    }

    private func fireTimers() {
        guard !timers.isEmpty else { return }
        let now: UInt64 = MonotonicClock.now
        while let timer = timers.popDue(now) { timer.fire() }
    }

    private func waitMilliseconds() -> Int32 {
        if !ready.isEmpty { return 0 }
        guard let due = timers.next else { return -1 }
        let now: UInt64 = MonotonicClock.now
        guard due > now else { return 0 }
        // Rounded up: waking a moment early would only spin until the timer is due.
        return Int32(clamping: (due - now + 999_999) / 1_000_000)
    }

    /// The last acts of the thread: everything that waits is woken, everything that can run runs.
    private func end() {
        registry.closeAll()
        for timer in timers.removeAll() { timer.fire() }
        for _ in 0..<Self.roundsBetweenPolls {
            takeInbox()
            runReady(rounds: Self.roundsBetweenPolls)
        }
        var left: [Work] = []
        var waiting: [CheckedContinuation<Void, Never>] = []
        inbox.withLock { inbox in
            inbox.ended = true
            swap(&left, &inbox.work)
            swap(&waiting, &inbox.whenEnded)
        }
        for case .call(let body) in left { body() }
        threadID.store(0, ordering: .relaxed)
        for case .job(let job) in left { ready.append(job) }
        for job in ready { globalConcurrentExecutor.enqueue(ExecutorJob(job)) }
        ready.removeAll()
        for continuation in waiting { continuation.resume() }
    }
}
