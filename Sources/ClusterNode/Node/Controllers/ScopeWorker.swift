import Bytes
import Crypto
import EventLoop
import Gateway
import JSON
import Limits
import Logging
import Services
import Store
import StoreFormat
import Synchronization

/// Works through one scope's items under one epoch, one at a time, in rounds, lowest first.
///
/// An item that waits to be run again is in the queue once. It ends when the scope is lost, and is not used again.
final class ScopeWorker: Sendable {
    let scope: UInt64
    let epoch: UInt64
    private let state: ReplicatedState
    private let ownership: Ownership
    private let parsed: ParsedDocuments
    private let loop: EventLoop
    private let logger: Logger
    private let now: @Sendable () -> Int64
    private let queue = Mutex(Queue())

    private struct Queue {
        var work = WorkQueue()
        var isWorking: Bool = false
        /// The last proposal was not taken: said once, not for every item.
        var isUnheard: Bool = false
        var isStopped: Bool = false
        /// Who waits for the item that is being worked on when it is stopped.
        var whenIdle: [CheckedContinuation<Void, Never>] = []
        var sleeper: Task<Void, Never>?
        var sleepsUntil: Int64?

        /// Whether somebody must begin to work now.
        mutating func begin() -> Bool {
            guard !isWorking, !work.isIdle else { return false }
            isWorking = true
            return true
        }
    }

    init(
        scope: UInt64,
        epoch: UInt64,
        state: ReplicatedState,
        ownership: Ownership,
        parsed: ParsedDocuments,
        loop: EventLoop,
        logger: Logger,
        now: @escaping @Sendable () -> Int64
    ) {
        self.scope = scope
        self.epoch = epoch
        self.state = state
        self.ownership = ownership
        self.parsed = parsed
        self.loop = loop
        self.logger = logger.with(["scope": JSONValue(scope)])
        self.now = now
    }

    func add(_ items: some Sequence<WorkItem>) {
        let starts: Bool = queue.withLock { queue in
            guard !queue.isStopped else { return false }
            queue.work.add(items)
            return queue.begin()
        }
        if starts { Task(executorPreference: loop) { await self.work() } }
    }

    /// Takes nothing more on, and returns when the item that is being worked on is done.
    func stop() async {
        await withCheckedContinuation { continuation in
            let isIdle: Bool = queue.withLock { queue in
                queue.isStopped = true
                queue.work.clear()
                queue.sleeper?.cancel()
                queue.sleeper = nil
                guard queue.isWorking else { return true }
                queue.whenIdle.append(continuation)
                return false
            }
            if isIdle { continuation.resume() }
        }
    }

    private func work() async {
        while let item: WorkItem = next() {
            guard await run(item) else {
                // Lost: the state says so, and the ownership will hear of it.
                queue.withLock { queue in
                    queue.isStopped = true
                    queue.work.clear()
                }
                continue
            }
        }
        arrangeSleep()
    }

    private func next() -> WorkItem? {
        let (item, waiting): (WorkItem?, [CheckedContinuation<Void, Never>]) = queue.withLock { queue in
            if let next: WorkItem = queue.work.next() { return (next, []) }
            queue.isWorking = false
            defer { queue.whenIdle = [] }
            return (nil, queue.whenIdle)
        }
        for continuation in waiting { continuation.resume() }
        return item
    }

    /// Returns false when this node must not act for the scope any more.
    private func run(_ item: WorkItem) async -> Bool {
        guard ownership.epoch(of: scope) == epoch else { return false }
        let seed: [UInt8] = SecureRandom.bytes(16)
        let context = ControlContext(
            scope: scope,
            epoch: epoch,
            time: now(),
            uuids: UUIDSource(seed: (high: Self.number(seed[0..<8]), low: Self.number(seed[8..<16]))),
            requestID: "controller-\(item.controller)-\(item.number)",
            clusterLevel: ClusterLevel.of(state.store.view)
        )
        let plan: Plan = Controllers.run(item, StateReader(state.store.view, parsed), context)
        for note in plan.notes { logger.debug("planned", ["item": "\(item)", "note": .string(note)]) }
        if let time: Int64 = plan.wakeAt { change { $0.put(item, off: time - context.time, at: Self.clock) } }
        var ending: WorkQueue.Ending = .done
        for transaction in plan.transactions {
            do throws(ProposalFault) {
                switch try await state.propose(transaction) {
                case .committed:
                    queue.withLock { $0.isUnheard = false }
                    continue
                case .refused(.epochChanged(_, let held, let actual)):
                    logger.notice("scope lost", ["scope.epoch": .init(held), "scope.newEpoch": .init(actual)])
                    return false
                case .refused(.invalid(let reason)):
                    // A bug of ours: told, and not tried again at once, or it would go round for ever.
                    logger.error(
                        "a controller's transaction is invalid",
                        ["item": "\(item)", "error": .string(reason)]
                    )
                    ending = .invalid
                case .refused(let refusal):
                    logger.debug("a plan was refused", ["item": "\(item)", "refusal": "\(refusal)"])
                    ending = .refused
                }
            } catch {
                let isNews: Bool = queue.withLock { queue in
                    defer { queue.isUnheard = true }
                    return !queue.isUnheard
                }
                logger.log(
                    isNews ? .notice : .debug,
                    "a plan could not be proposed",
                    ["item": "\(item)", "error": "\(error)"]
                )
                ending = .unheard
            }
            break
        }
        let isHopeless: Bool = change { $0.end(item, ending, at: Self.clock) } ?? false
        if isHopeless { logger.notice("a plan is refused again and again", ["item": "\(item)"]) }
        return true
    }

    /// Milliseconds of a clock that never jumps.
    private static var clock: Int64 { Int64(MonotonicClock.now / 1_000_000) }

    @discardableResult
    private func change<Answer>(_ body: (inout WorkQueue) -> Answer) -> Answer? {
        queue.withLock { queue in queue.isStopped ? nil : body(&queue.work) }
    }

    /// One sleeper for the earliest of what is to be run later.
    private func arrangeSleep() {
        queue.withLock { queue in
            guard !queue.isStopped, let earliest: Int64 = queue.work.earliest else { return }
            if let planned: Int64 = queue.sleepsUntil, planned <= earliest { return }
            queue.sleeper?.cancel()
            queue.sleepsUntil = earliest
            queue.sleeper = Task(executorPreference: loop) {
                let wait: Int64 = max(1, earliest - Self.clock)
                guard (try? await self.loop.sleep(milliseconds: Int(clamping: wait))) != nil, !Task.isCancelled else {
                    return
                }
                self.wake()
            }
        }
    }

    private func wake() {
        let (starts, sleepsOn): (Bool, Bool) = queue.withLock { queue in
            queue.sleepsUntil = nil
            queue.sleeper = nil
            guard !queue.isStopped else { return (false, false) }
            queue.work.wake(at: Self.clock)
            return (queue.begin(), queue.work.isIdle)
        }
        if starts { Task(executorPreference: loop) { await self.work() } }
        if sleepsOn { arrangeSleep() }
    }

    private static func number(_ bytes: ArraySlice<UInt8>) -> UInt64 { bytes.reduce(0) { $0 << 8 | UInt64($1) } }
}
