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
            } catch {
                // Too slow, or the horizon has passed: look at everything again, which is what a new owner does.
                logger.notice("controllers start over", ["error": "\(error)"])
                guard (try? await loop.sleep(milliseconds: 200)) != nil else { return }
            }
        }
    }

    private func follow() async throws {
        let watch: Watch = try state.store.watch(from: state.store.view.revision + 1)
        for scope in ownership.scopes { take(scope) }
        try await claim()
        while let event: WatchEvent = try await watch.next() {
            let reader = StateReader(state.store.view, parsed)
            var hasNewScopes = false
            for change in event.changes {
                if change.key.table == .account, change.before == nil { hasNewScopes = true }
                for item in Controllers.affected(by: change.key, in: reader) { add(item, reader) }
            }
            if hasNewScopes { try await claim() }
        }
    }

    private func claim() async throws {
        for scope in try await ownership.takeAll() { take(scope) }
    }

    /// A new owner looks at everything of the scope once.
    private func take(_ scope: UInt64) {
        let worker: ScopeWorker = worker(of: scope)
        worker.add(Controllers.everything(in: scope, StateReader(state.store.view, parsed)))
    }

    private func add(_ item: WorkItem, _ reader: StateReader) {
        guard let scope: UInt64 = Controllers.scope(of: item, in: reader), ownership.epoch(of: scope) != nil else {
            return
        }
        worker(of: scope).add([item])
    }

    private func worker(of scope: UInt64) -> ScopeWorker {
        if let worker: ScopeWorker = workers[scope] { return worker }
        let worker = ScopeWorker(
            scope: scope,
            state: state,
            ownership: ownership,
            parsed: parsed,
            loop: loop,
            logger: logger,
            now: now
        )
        workers[scope] = worker
        return worker
    }
}
