import EventLoop
import Gateway
import JSON
import Limits
import Logging
import Model
import Ownership
import Services
import Store
import StoreFormat
import Synchronization

/// Which scopes this node owns, and under which epochs.
///
/// The state says who owns a scope; this follows it. A node acts only under epochs that were given while this process
/// runs: what the state said when it started belongs to an earlier process, and is taken again under a new epoch, so that
/// nothing which that one left under way can act any more.
final class Ownership: Sendable {
    /// A scope came or went.
    enum Change: Hashable, Sendable {
        case gained(scope: UInt64, epoch: UInt64)
        case lost(scope: UInt64, epoch: UInt64)

        var scope: UInt64 {
            switch self {
            case .gained(let scope, _), .lost(let scope, _): scope
            }
        }
    }

    private let state: any StateProviding & Proposing
    private let node: String
    private let loop: EventLoop
    private let logger: Logger
    private let now: @Sendable () -> Int64
    /// How long a scope that was released waits for its new owner.
    private let patience: Int
    private let table = Mutex(Table())

    private struct Table {
        /// What this process may act under.
        var held: [UInt64: UInt64] = [:]
        /// Epochs up to here are not for this process: an earlier one had them, or it has given them back.
        var floor: [UInt64: UInt64] = [:]
        var listeners: [@Sendable (Change) async -> Void] = []
        /// The last change of each scope that is still being told; it waits for those before it.
        var telling: [UInt64: (number: UInt64, task: Task<Void, Never>)] = [:]
        var nextTelling: UInt64 = 0
        /// Who looks again after each change.
        var waiters: [UInt64: AsyncStream<Void>.Continuation] = [:]
        var nextWaiter: UInt64 = 0
    }

    init(
        state: any StateProviding & Proposing,
        node: String,
        loop: EventLoop,
        logger: Logger,
        now: @escaping @Sendable () -> Int64,
        patience: Int = 2 * Int(Limits.ownershipDrainMilliseconds)
    ) {
        self.patience = patience
        self.state = state
        self.node = node
        self.loop = loop
        self.logger = logger
        self.now = now
    }

    /// The epoch under which this node may act for the scope; nil when it may not.
    func epoch(of scope: UInt64) -> UInt64? { table.withLock { $0.held[scope] } }

    var scopes: [UInt64] { table.withLock { $0.held.keys.sorted() } }

    /// Called with each change, those of one scope one after the other; for ``run()`` to be started after the last one.
    ///
    /// Scopes do not wait for each other: giving one up may have to wait for a transaction that nobody answers.
    func listen(_ body: @escaping @Sendable (Change) async -> Void) {
        table.withLock { $0.listeners.append(body) }
    }

    /// Follows the state until its task is cancelled or the store is closed.
    func run() async {
        guard let inherited: [OwnershipStep] = await inherited() else { return }
        await withTaskGroup(of: Void.self) { tasks in
            // Some at a time: they share the flushes of the log.
            for lane in 0..<min(Limits.ownershipTakes, inherited.count) {
                tasks.addTask(executorPreference: loop) {
                    for index in stride(from: lane, to: inherited.count, by: Limits.ownershipTakes) {
                        await self.take(inherited[index])
                    }
                }
            }
            for await _ in state.store.scopeChanges() {
                if Task.isCancelled { break }
                follow()
            }
            tasks.cancelAll()
        }
    }

    /// What the state says that this node owns, when this process starts: nothing is done under these epochs, and all
    /// of it is to be taken anew.
    ///
    /// nil when the task was cancelled.
    private func inherited() async -> [OwnershipStep]? {
        while !Task.isCancelled {
            guard let view: StoreView = try? await state.currentView() else {
                guard (try? await loop.sleep(milliseconds: 100)) != nil else { return nil }
                continue
            }
            table.withLock { table in
                view.forEachScope { scope, owner in
                    if owner.node == node { table.floor[scope] = max(table.floor[scope] ?? 0, owner.epoch) }
                    return true
                }
            }
            // In environments of long ago there is nothing left to do.
            var alive = LiveScopes()
            return OwnershipPlan.reclaim(node, alive.scopes(in: view))
        }
        return nil
    }

    /// Under a new epoch, unless somebody else has it by now; again until one or the other is known.
    private func take(_ step: OwnershipStep) async {
        guard case .assign(let scope, let node, let epoch, _) = step else { return }
        while !Task.isCancelled {
            do throws(ProposalFault) {
                _ = try await state.propose(.assignment(of: scope, to: node, after: epoch, time: now()))
                return
            } catch {
                guard (try? await loop.sleep(milliseconds: 200)) != nil else { return }
            }
        }
    }

    /// Compares what is held with what the state says.
    private func follow() {
        let view: StoreView = state.store.view
        let waiters: [AsyncStream<Void>.Continuation] = table.withLock { table in
            for (scope, epoch) in table.held.sorted(by: { $0.key < $1.key }) {
                guard let owner: ScopeOwner = view.epoch(scope), owner.node == node, owner.epoch == epoch else {
                    table.held[scope] = nil
                    arrange(.lost(scope: scope, epoch: epoch), in: &table)
                    continue
                }
            }
            view.forEachScope { scope, owner in
                guard owner.node == node, owner.epoch > table.floor[scope, default: 0],
                    table.held[scope] != owner.epoch
                else { return true }
                table.held[scope] = owner.epoch
                arrange(.gained(scope: scope, epoch: owner.epoch), in: &table)
                return true
            }
            return Array(table.waiters.values)
        }
        for waiter in waiters { waiter.yield() }
    }

    /// Has a change told after those of the same scope before it: arranged under the lock under which the change is made,
    /// so that nobody hears of a loss after the gain that followed it.
    private func arrange(_ change: Change, in table: inout Table) {
        let scope: UInt64 = change.scope
        let before: Task<Void, Never>? = table.telling[scope]?.task
        table.nextTelling += 1
        let number: UInt64 = table.nextTelling
        let task = Task(executorPreference: loop) {
            await before?.value
            await self.tell(change)
            self.table.withLock { table in
                if table.telling[scope]?.number == number { table.telling[scope] = nil }
            }
        }
        table.telling[scope] = (number, task)
    }

    /// Returns when everything that has changed so far was told.
    func settle() async {
        for telling in table.withLock({ $0.telling.values.map(\.task) }) { await telling.value }
    }

    private func tell(_ change: Change) async {
        switch change {
        case .gained(let scope, let epoch):
            logger.notice("scope taken", ["scope": .init(scope), "scope.epoch": .init(epoch)])
        case .lost(let scope, let epoch):
            logger.notice("scope left", ["scope": .init(scope), "scope.epoch": .init(epoch)])
        }
        for listener in table.withLock({ $0.listeners }) { await listener(change) }
    }

    /// Gives a scope back before it moves: returns when nothing of it is under way here.
    ///
    /// Asked a second time it waits for the same end. Asked about an epoch that has not come here yet, it lets it pass. If no new
    /// owner is named within some seconds (the leader that asked may have gone), the scope is taken again.
    func release(_ scope: UInt64, epoch: UInt64) async {
        let (isNews, telling): (Bool, Task<Void, Never>?) = table.withLock { table in
            let isHeld: Bool = table.held[scope] == epoch
            let isToCome: Bool = max(table.held[scope] ?? 0, table.floor[scope] ?? 0) < epoch
            if isHeld {
                table.held[scope] = nil
                arrange(.lost(scope: scope, epoch: epoch), in: &table)
            }
            if isHeld || isToCome { table.floor[scope] = epoch }
            return (isHeld || isToCome, table.telling[scope]?.task)
        }
        await telling?.value
        guard isNews else { return }
        Task(executorPreference: loop) {
            guard (try? await self.loop.sleep(milliseconds: self.patience)) != nil,
                let owner: ScopeOwner = self.state.store.view.epoch(scope), owner.epoch == epoch
            else { return }
            let left = OwnershipView.Scope(id: scope, owner: owner.node, epoch: epoch)
            for step in OwnershipPlan.reclaim(self.node, [left]) { await self.take(step) }
        }
    }

    /// The epoch of a scope, once this node has it: an environment is assigned a moment after it was made.
    ///
    /// - Throws: ``HostFault`` when another node owns it, or nobody has given it to this one for some seconds.
    func wait(for scope: UInt64) async throws -> UInt64 {
        let (looks, continuation) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
        let id: UInt64 = table.withLock { table in
            table.nextWaiter += 1
            table.waiters[table.nextWaiter] = continuation
            return table.nextWaiter
        }
        let patience = Task(executorPreference: loop) {
            try? await self.loop.sleep(milliseconds: Limits.ownershipWaitSeconds * 1_000)
            continuation.finish()
        }
        defer {
            patience.cancel()
            table.withLock { $0.waiters[id] = nil }
        }
        continuation.yield()
        for await _ in looks {
            if let epoch: UInt64 = epoch(of: scope) { return epoch }
            if let owner: ScopeOwner = state.store.view.epoch(scope), owner.node != node { throw HostFault.moved }
        }
        try Task.checkCancellation()
        throw HostFault.notOwned
    }
}

extension Transaction {
    /// Gives a scope to a node, if its epoch is still the one that is known.
    static func assignment(of scope: UInt64, to node: String, after epoch: UInt64, time: Int64) -> Transaction {
        Transaction(
            time: time,
            actor: "system",
            requestID: "ownership",
            preconditions: [.epoch(scope: scope, epoch)],
            writes: [.assignScope(scope: .known(scope), node: node)]
        )
    }
}
