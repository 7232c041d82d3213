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
        /// What waits for the next round.
        var items: Set<WorkItem> = []
        /// What is left of this one, last first: all of it has its turn before anything that comes meanwhile, so that a
        /// flood of one kind starves no other.
        var round: [WorkItem] = []
        /// When an item is to be run though nothing changed.
        var wakes: [WorkItem: Int64] = [:]
        /// How often in a row an item's plan was refused.
        var refusals: [WorkItem: Int] = [:]
        var isWorking: Bool = false
        /// The last proposal was not taken: said once, not for every item.
        var isUnheard: Bool = false
        var isStopped: Bool = false
        /// Who waits for the item that is being worked on when it is stopped.
        var whenIdle: [CheckedContinuation<Void, Never>] = []
        var sleeper: Task<Void, Never>?
        var sleepsUntil: Int64?
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
            queue.items.formUnion(items)
            guard !queue.isWorking, !queue.items.isEmpty else { return false }
            queue.isWorking = true
            return true
        }
        if starts { Task(executorPreference: loop) { await self.work() } }
    }

    /// Takes nothing more on, and returns when the item that is being worked on is done.
    func stop() async {
        await withCheckedContinuation { continuation in
            let isIdle: Bool = queue.withLock { queue in
                queue.isStopped = true
                queue.items = []
                queue.round = []
                queue.wakes = [:]
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
                    queue.items = []
                    queue.round = []
                    queue.wakes = [:]
                }
                continue
            }
        }
        arrangeSleep()
    }

    private func next() -> WorkItem? {
        let (item, waiting): (WorkItem?, [CheckedContinuation<Void, Never>]) = queue.withLock { queue in
            if queue.round.isEmpty {
                queue.round = queue.items.sorted(by: >)
                queue.items = []
            }
            guard let next: WorkItem = queue.round.popLast() else {
                queue.isWorking = false
                defer { queue.whenIdle = [] }
                return (nil, queue.whenIdle)
            }
            // What was asked for again before its turn is done with this one.
            queue.items.remove(next)
            queue.wakes[next] = nil
            return (next, [])
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
        if let time: Int64 = plan.wakeAt { retry(item, at: time) }
        var wasRefused: Bool = false
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
                    retry(item, after: 60_000)
                case .refused(let refusal):
                    wasRefused = true
                    planAgain(item, refusal)
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
                retry(item, after: 1_000)
            }
            break
        }
        if !wasRefused { queue.withLock { $0.refusals[item] = nil } }
        return true
    }

    /// Somebody was faster: plan again on what is there now.
    ///
    /// At once at first; a plan that is refused again and again is a bug of ours, and each attempt is an entry of the log.
    private func planAgain(_ item: WorkItem, _ refusal: Refusal) {
        let count: Int = queue.withLock { queue in
            queue.refusals[item, default: 0] += 1
            return queue.refusals[item, default: 0]
        }
        guard count > Limits.conflictRetries else { return retry(item, after: 0) }
        logger.notice("a plan is refused again and again", ["item": "\(item)", "refusal": "\(refusal)"])
        retry(item, after: 1_000)
    }

    private func retry(_ item: WorkItem, at time: Int64) {
        queue.withLock { queue in
            if !queue.isStopped { queue.wakes[item] = time }
        }
    }

    private func retry(_ item: WorkItem, after milliseconds: Int64) {
        queue.withLock { queue in
            guard !queue.isStopped else { return }
            if milliseconds == 0 { queue.items.insert(item) } else { queue.wakes[item] = now() + milliseconds }
        }
    }

    /// One sleeper for the earliest of what is to be run later.
    private func arrangeSleep() {
        queue.withLock { queue in
            guard !queue.isStopped, let earliest: Int64 = queue.wakes.values.min() else { return }
            if let planned: Int64 = queue.sleepsUntil, planned <= earliest { return }
            queue.sleeper?.cancel()
            queue.sleepsUntil = earliest
            queue.sleeper = Task(executorPreference: loop) {
                let wait: Int64 = max(1, earliest - self.now())
                guard (try? await self.loop.sleep(milliseconds: Int(clamping: wait))) != nil, !Task.isCancelled else {
                    return
                }
                self.wake()
            }
        }
    }

    private func wake() {
        let time: Int64 = now()
        let due: [WorkItem] = queue.withLock { queue in
            queue.sleepsUntil = nil
            queue.sleeper = nil
            return queue.wakes.filter { $0.value <= time }.map(\.key)
        }
        add(due)
        if due.isEmpty { arrangeSleep() }
    }

    private static func number(_ bytes: ArraySlice<UInt8>) -> UInt64 { bytes.reduce(0) { $0 << 8 | UInt64($1) } }
}
