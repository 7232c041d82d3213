import Bytes
import Crypto
import EventLoop
import Gateway
import JSON
import Limits
import Logging
import Model
import Services
import Store
import StoreFormat

/// Runs the controllers of the scopes that this node owns: a change comes in, the items that it concerns are planned, the
/// plans proposed. One scope is worked by one task; scopes do not wait for each other.
actor ControllerDriver {
    private let state: ReplicatedState
    private let ownership: Ownership
    private let parsed: ParsedDocuments
    private let loop: EventLoop
    private let logger: Logger
    private let now: @Sendable () -> Int64
    private var workers: [UInt64: ScopeWorker] = [:]

    init(
        state: ReplicatedState,
        ownership: Ownership,
        parsed: ParsedDocuments,
        loop: EventLoop,
        logger: Logger,
        now: @escaping @Sendable () -> Int64
    ) {
        self.state = state
        self.ownership = ownership
        self.parsed = parsed
        self.loop = loop
        self.logger = logger
        self.now = now
    }

    /// Until its task is cancelled or the store is closed.
    func run() async {
        while !Task.isCancelled {
            do {
                try await follow()
                return
            } catch WatchEnded.storeClosed {
                return
            } catch WatchRefusal.storeClosed {
                return
            } catch {
                // Too slow, the horizon has passed, or a snapshot took the state's place: look at everything again, which
                // is what a new owner does.
                logger.notice("controllers start over", ["error": "\(error)"])
                guard (try? await loop.sleep(milliseconds: 200)) != nil else { return }
            }
        }
    }

    private func follow() async throws {
        let watch: Watch = try state.store.watch(from: state.store.view.revision + 1)
        for worker in workers.values { lookAtEverything(worker) }
        while let event: WatchEvent = try await watch.next() {
            // Whoever gets a scope looks at everything in it first.
            guard !workers.isEmpty else { continue }
            let changes: [Change] = event.changes.filter { $0.after.map(Controllers.mayConcern) ?? true }
            guard !changes.isEmpty else { continue }
            let reader = StateReader(state.store.view, parsed)
            for change in changes {
                for item in Controllers.affected(by: change.key, in: reader) { add(item, reader) }
            }
        }
    }

    /// A scope came or went; when this returns for one that went, nothing of it is under way here any more.
    func ownershipChanged(_ change: Ownership.Change) async {
        switch change {
        case .gained(let scope, let epoch):
            await workers.removeValue(forKey: scope)?.stop()
            let worker = ScopeWorker(
                scope: scope,
                epoch: epoch,
                state: state,
                ownership: ownership,
                parsed: parsed,
                loop: loop,
                logger: logger,
                now: now
            )
            workers[scope] = worker
            // A new owner looks at everything of the scope once.
            lookAtEverything(worker)
        case .lost(let scope, let epoch):
            guard let worker: ScopeWorker = workers[scope], worker.epoch == epoch else { return }
            workers[scope] = nil
            await worker.stop()
        }
    }

    /// Ends the workers of all scopes; for a node that stops.
    func stop() async {
        let all: [ScopeWorker] = Array(workers.values)
        workers = [:]
        for worker in all { await worker.stop() }
    }

    private func lookAtEverything(_ worker: ScopeWorker) {
        worker.add(Controllers.everything(in: worker.scope, StateReader(state.store.view, parsed)))
    }

    private func add(_ item: WorkItem, _ reader: StateReader) {
        guard let scope: UInt64 = Controllers.scope(of: item, in: reader) else { return }
        workers[scope]?.add([item])
    }
}
