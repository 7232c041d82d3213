package import Bytes
import Limits
package import StoreFormat
import Synchronization

/// The replicated state of one member: entries of the log go in, in order; views and watches come out.
///
/// One thread applies; any thread takes views and watches. Taking a view is a copy of some references:
/// it waits at most for the one transaction that is being applied, and apply never waits for those who hold
/// views. While nobody holds one, apply changes the trees in place (ten times cheaper than copying paths).
/// Nothing here is durable by itself: the log is; see `Store+Disk.swift` for what is written behind.
package final class Store: Sendable {
    /// Keeps appliers in order until their entry is recorded for watches.
    ///
    /// Taken before ``state``.
    private let applying: Mutex<Void> = Mutex(())
    private let state: Mutex<StoreView>
    private let hub: WatchHub
    private let scopes = ScopeWatches()
    /// Nil for a store that lives in memory only.
    let disk: StoreDisk?
    /// What is done when history cannot be written and too much waits for it.
    let halt: @Sendable (StoreFault) -> Void

    /// An empty state that lives in memory only.
    package convenience init() {
        self.init(StoreView(), disk: nil)
    }

    init(
        _ view: StoreView,
        disk: StoreDisk?,
        watchMemory: Int = Limits.watchMemoryEvents,
        halt: @escaping @Sendable (StoreFault) -> Void = Store.trap
    ) {
        self.halt = halt
        var view: StoreView = view
        view.noteChangeOfEverything()
        state = Mutex(view)
        hub = WatchHub(after: view.revision, history: disk, memory: watchMemory)
        self.disk = disk
    }

    /// The state as it is now.
    package var view: StoreView { state.withLock { $0 } }

    /// The last entry that was applied; the log goes on with the next one.
    package var appliedIndex: Revision { state.withLock { $0.revision } }

    /// Applies the entry at `index`, which lies above all that were applied before.
    package func apply(index: Revision, _ transaction: Transaction) -> TransactionOutcome {
        apply(index: index, transaction, isValid: false)
    }

    /// - Parameter isValid: it has been checked against the rules of its format.
    private func apply(index: Revision, _ transaction: Transaction, isValid: Bool) -> TransactionOutcome {
        let (applied, pressure): (Applied, StoreDisk.Pressure) = applying.withLock { _ in
            let (applied, pressure): (Applied, StoreDisk.Pressure) = state.withLock { state in
                let applied: Applied = state.apply(index: index, transaction, isValid: isValid)
                // Before anybody can see it in a view.
                return (applied, disk?.note(applied.history(of: transaction), at: index) ?? .none)
            }
            hub.record(RevisionChanges(revision: index, changes: applied.changes))
            return (applied, pressure)
        }
        if applied.assignsScopes { scopes.tell() }
        relieve(pressure)
        return applied.outcome
    }

    /// Applies an entry as it stands in the log.
    ///
    /// - Throws: ``UnreadableEntry``: this member must stop. It does not know what its peers made of the entry.
    package func apply(index: Revision, encoded: [UInt8]) throws(UnreadableEntry) -> TransactionOutcome {
        let transaction: Transaction
        do {
            transaction = try Transaction(decoding: encoded)
        } catch {
            throw UnreadableEntry(index: index, fault: error)
        }
        return apply(index: index, transaction, isValid: true)
    }

    /// Counts entries of the log that are Raft's own (a leader's first, a change of members) as applied.
    package func advance(to index: Revision) {
        applying.withLock { _ in
            let moved: Bool = state.withLock { state in
                precondition(index >= state.revision, "entry \(index) lies below the applied \(state.revision)")
                guard index > state.revision else { return false }
                state.revision = index
                _ = disk?.note(nil, at: index)
                return true
            }
            if moved { hub.record(RevisionChanges(revision: index, changes: [])) }
        }
    }

    /// Puts another state in the place of this one: views that were taken before stay as they are, watches end.
    ///
    /// - Parameter beside: runs under the same lock, before anybody can see the new state.
    func replace(with view: StoreView, _ beside: () -> Void) {
        applying.withLock { _ in
            state.withLock { state in
                precondition(view.revision > state.revision, "\(view.revision) does not lie above \(state.revision)")
                beside()
                state = view
                state.noteChangeOfEverything()
            }
            hub.replace(after: view.revision, historyHolds: disk?.historyLast ?? 0)
        }
        scopes.tell()
    }

    /// Says that scope assignments may have changed: once at the start, and after each entry or snapshot that
    /// may have changed them.
    ///
    /// Coalesced: however much happens before the reader looks again, it is told once. What it is told is where to look,
    /// never what to see: it takes a view. Ends when the store closes, or its task is cancelled. One reader for each.
    package func scopeChanges() -> AsyncStream<Void> { scopes.open() }

    /// Watches from a revision on, it included; it may lie in the future.
    ///
    /// To follow a list, watch from `view.revision + 1` of the view that was listed.
    package func watch(from revision: Revision, filter: WatchFilter = WatchFilter()) throws(WatchRefusal) -> Watch {
        Watch(try hub.open(from: revision, filter), hub)
    }

    /// The lowest revision that ``watch(from:filter:)`` takes.
    package var lowestWatchRevision: Revision { hub.lowest }

    /// Tells quiet watches how far they are; called from time to time.
    package func bookmarkWatches() { hub.bookmarkAll() }

    /// How many watches are open.
    package var watchCount: Int { hub.openCount }

    func historyHolds(upTo revision: Revision) { hub.historyHolds(upTo: revision) }

    /// Ends all watches and streams of scope changes: the node stops.
    package func closeWatches() {
        hub.closeAll()
        scopes.close()
    }
}

/// An entry of the log that this build cannot read.
package struct UnreadableEntry: Error, Hashable, Sendable, CustomStringConvertible {
    package var index: Revision
    package var fault: DecodingFault

    package var description: String {
        """
        log entry \(index) cannot be applied: \(fault). Skipping it would fork the state, so this member stops. \
        Start it with the version that the other members run; if that is this version, mend the log from a peer.
        """
    }

    package static func == (left: UnreadableEntry, right: UnreadableEntry) -> Bool {
        left.index == right.index && left.fault == right.fault
    }

    package func hash(into hasher: inout Hasher) { hasher.combine(index) }
}
