import EventLoop
import Gateway
import JSON
import Limits
import Logging
import Model
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
    }

    private let state: ReplicatedState
    private let node: String
    private let loop: EventLoop
    private let logger: Logger
    private let now: @Sendable () -> Int64
    private let table = Mutex(Table())

    private struct Table {
        /// What this process may act under.
        var held: [UInt64: UInt64] = [:]
        /// Epochs up to here are not for this process: an earlier one had them, or it has given them back.
        var floor: [UInt64: UInt64] = [:]
        var listeners: [@Sendable (Change) async -> Void] = []
        /// Who looks again after each change.
        var waiters: [UInt64: AsyncStream<Void>.Continuation] = [:]
        var nextWaiter: UInt64 = 0
    }

    init(
        state: ReplicatedState,
        node: String,
        loop: EventLoop,
        logger: Logger,
        now: @escaping @Sendable () -> Int64
    ) {
        self.state = state
        self.node = node
        self.loop = loop
        self.logger = logger
        self.now = now
    }

    /// The epoch under which this node may act for the scope; nil when it may not.
    func epoch(of scope: UInt64) -> UInt64? { table.withLock { $0.held[scope] } }

    var scopes: [UInt64] { table.withLock { $0.held.keys.sorted() } }

    /// Called with each change, one after the other; for ``run()`` to be started after the last one.
    func listen(_ body: @escaping @Sendable (Change) async -> Void) {
        table.withLock { $0.listeners.append(body) }
    }

    /// The scopes of a state: the cluster, and every environment that is not removed.
    static func scopes(in view: StoreView) -> [UInt64] {
        [0]
            + view.numbers(.account, Array("kind=project".utf8)).filter { number in
                guard let record: Record = view.get(RecordKey(.account, number)),
                    let account = try? AccountRecord(document: record.document)
                else { return false }
                return account.removed == nil
            }
    }

    /// Follows the state until its task is cancelled or the store is closed.
    func run() async {
        await retake()
        await follow()
        for await _ in state.store.scopeChanges() {
            if Task.isCancelled { return }
            await follow()
        }
    }

    /// What the state says that this node owns, when this process starts, is taken anew.
    private func retake() async {
        while !Task.isCancelled {
            guard let view: StoreView = try? await state.currentView() else {
                guard (try? await loop.sleep(milliseconds: 100)) != nil else { return }
                continue
            }
            var mine: [(scope: UInt64, epoch: UInt64)] = []
            view.forEachScope { scope, owner in
                if owner.node == node { mine.append((scope, owner.epoch)) }
                return true
            }
            table.withLock { table in
                for each in mine { table.floor[each.scope] = each.epoch }
            }
            for each in mine { await take(each.scope, after: each.epoch) }
            return
        }
    }

    /// Under a new epoch, unless somebody else has it by now; again until one or the other is known.
    private func take(_ scope: UInt64, after epoch: UInt64) async {
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
    private func follow() async {
        let view: StoreView = state.store.view
        let changes: [Change] = table.withLock { table in
            var changes: [Change] = []
            for (scope, epoch) in table.held.sorted(by: { $0.key < $1.key }) {
                guard let owner: ScopeOwner = view.epoch(scope), owner.node == node, owner.epoch == epoch else {
                    table.held[scope] = nil
                    changes.append(.lost(scope: scope, epoch: epoch))
                    continue
                }
            }
            view.forEachScope { scope, owner in
                guard owner.node == node, owner.epoch > table.floor[scope, default: 0],
                    table.held[scope] != owner.epoch
                else { return true }
                table.held[scope] = owner.epoch
                changes.append(.gained(scope: scope, epoch: owner.epoch))
                return true
            }
            return changes
        }
        for change in changes { await tell(change) }
        for waiter in table.withLock({ Array($0.waiters.values) }) { waiter.yield() }
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
    /// If no new owner is named within some seconds (its leader may have gone), it is taken again.
    func release(_ scope: UInt64, epoch: UInt64) async {
        let isHeld: Bool = table.withLock { table in
            guard table.held[scope] == epoch else { return false }
            table.held[scope] = nil
            table.floor[scope] = epoch
            return true
        }
        guard isHeld else { return }
        await tell(.lost(scope: scope, epoch: epoch))
        Task(executorPreference: loop) {
            guard (try? await self.loop.sleep(milliseconds: 2 * Int(Limits.ownershipDrainMilliseconds))) != nil,
                let owner: ScopeOwner = self.state.store.view.epoch(scope), owner.node == self.node,
                owner.epoch == epoch
            else { return }
            await self.take(scope, after: epoch)
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
