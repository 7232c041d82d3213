import Dispatch
import Glibc
import Limits
import StoreFormat
import Synchronization

/// The store's two files, and what waits to be written to them.
///
/// Whoever applies only appends to a list in memory. Everything that touches the disk runs under
/// ``files``, on this object's own queue or in the caller of a blocking function. Lock order: `files`,
/// then `feed`.
final class StoreDisk: Sendable {
    /// Where a test may stop and look at the folder.
    enum Step: Sendable {
        case historyFlushed, checkpointWritten, checkpointCommitted
        /// Of an installation, in this order, after `historyFlushed`.
        case snapshotCopied, checkpointClosed, snapshotRenamed, folderFlushed, historyBegun
    }

    struct Files {
        /// Nil after an installation that failed half-way: what is on disk is whole, but only a new start may use it.
        var state: StateFile?
        var history: HistoryFile
        /// Records that changed since the last checkpoint, and when they last did.
        var dirty: [RecordKey: Revision] = [:]
        var checkpointed: Revision
    }

    struct Feed {
        var entries: [HistoryEntry] = []
        var changeCount: Int = 0
        var last: Revision
        var isScheduled: Bool = false
    }

    /// What readers ask for without waiting for the disk.
    struct Progress {
        var historyFloor: Revision
        var historyLast: Revision
        var checkpointed: Revision
        /// When that was, or when the store was opened with it.
        var checkpointedAt: ContinuousClock.Instant = .now
        var fault: StoreFault?
        var isHalting: Bool = false
        /// An installation failed half-way.
        var mustRestart: Bool = false
    }

    let folder: String
    let files: Mutex<Files>
    let feed: Mutex<Feed>
    let progress: Mutex<Progress>
    private let queue = DispatchQueue(label: "store.disk")
    let reader: HistoryReader

    /// Opens or makes the files in `folder`, and hands over the state that is in them.
    static func open(folder: String) throws(StoreFault) -> (StoreDisk, StoreView) {
        guard mkdir(folder, 0o700) == 0 || errno == EEXIST else {
            throw StoreFault(
                file: folder,
                problem: "cannot make the folder: \(String(cString: strerror(errno)))",
                nextStep: "Make sure that the folder above it exists and is writable."
            )
        }
        StateFile.discard("\(folder)/\(incoming)")
        let state: StateFile = try StateFile(path: "\(folder)/\(StateFile.name)")
        let view: StoreView = try state.load()
        let history: HistoryFile = try HistoryFile(path: "\(folder)/\(HistoryFile.name)")
        try history.begin(after: view.revision)
        return (StoreDisk(folder, state, history, view.revision), view)
    }

    private init(
        _ folder: String,
        _ state: sending StateFile,
        _ history: sending HistoryFile,
        _ revision: Revision
    ) {
        self.folder = folder
        reader = HistoryReader(path: history.path)
        progress = Mutex(
            Progress(historyFloor: history.floor, historyLast: history.last, checkpointed: revision)
        )
        feed = Mutex(Feed(last: revision))
        files = Mutex(Files(state: state, history: history, checkpointed: revision))
    }

    /// Takes note of an applied entry.
    ///
    /// Called by the applier before the state is published, so that what is here always covers what a view shows.
    /// Returns what is to be done about the amount.
    func note(_ entry: HistoryEntry?, at revision: Revision) -> Pressure {
        feed.withLock { feed in
            feed.last = revision
            if let entry {
                feed.entries.append(entry)
                feed.changeCount += max(1, entry.changes.count)
            }
            if feed.changeCount >= Limits.historyPendingChanges { return .full }
            guard feed.changeCount >= Limits.checkpointChanges, !feed.isScheduled else { return .none }
            feed.isScheduled = true
            return .worthwhile
        }
    }

    enum Pressure { case none, worthwhile, full }

    /// Runs `work` on the disk's own thread.
    func inBackground(_ work: @escaping @Sendable () -> Void) { queue.async(execute: work) }

    /// Writes what waits into history.
    func flushHistory() throws(StoreFault) -> Revision {
        try files.withLock { (files) throws(StoreFault) in try flush(&files) }
    }

    func flush(_ files: inout Files) throws(StoreFault) -> Revision {
        let (entries, last): ([HistoryEntry], Revision) = feed.withLock { ($0.entries, $0.last) }
        for entry in entries { for change in entry.changes { files.dirty[change.key] = entry.revision } }
        do throws(StoreFault) {
            try files.history.append(entries, upTo: last)
        } catch {
            progress.withLock { $0.fault = error }
            throw error
        }
        progress.withLock { if $0.fault?.isOutOfSpace ?? false { $0.fault = nil } }
        feed.withLock { feed in
            // More may have come meanwhile; they stand behind.
            feed.entries.removeFirst(entries.count)
            feed.changeCount = feed.entries.reduce(0) { $0 + max(1, $1.changes.count) }
            feed.isScheduled = false
        }
        let (floor, written): (Revision, Revision) = (files.history.floor, files.history.last)
        progress.withLock { progress in
            progress.historyFloor = floor
            progress.historyLast = written
        }
        return written
    }

    /// Writes history, then the checkpoint at `view()`, and reads it back.
    ///
    /// In this order: history is never behind the checkpoint, so no entry is missing from it when the
    /// state starts from there.
    func checkpoint(_ view: @Sendable () -> StoreView, _ step: @Sendable (Step) -> Void) throws(StoreFault) -> Revision
    {
        try files.withLock { (files) throws(StoreFault) in
            // Taken first: what is noted covers at least what it shows.
            let view: StoreView = view()
            _ = try flush(&files)
            step(.historyFlushed)
            guard view.revision > files.checkpointed else { return files.checkpointed }
            do throws(StoreFault) {
                try openState(files).write(view, changed: Set(files.dirty.keys)) { step(.checkpointWritten) }
            } catch {
                progress.withLock { $0.fault = error }
                throw error
            }
            // What changed after the view is dirty still.
            files.dirty = files.dirty.filter { $0.value > view.revision }
            files.checkpointed = view.revision
            let revision: Revision = view.revision
            progress.withLock { progress in
                progress.checkpointed = revision
                progress.checkpointedAt = .now
                progress.fault = nil
            }
            step(.checkpointCommitted)
            return revision
        }
    }

    func openState(_ files: Files) throws(StoreFault) -> StateFile {
        guard let state: StateFile = files.state else {
            throw fault
                ?? StoreFault(
                    file: folder,
                    problem: "the checkpoint is closed",
                    nextStep: "Start this node again: what is on its disk is whole."
                )
        }
        return state
    }

    func cutHistory(below revision: Revision) throws(StoreFault) {
        try files.withLock { (files) throws(StoreFault) in
            try files.history.cut(below: revision)
            let floor: Revision = files.history.floor
            progress.withLock { $0.historyFloor = floor }
        }
    }

    /// Returns the revision of the copy.
    func copyState(to target: String) throws(StoreFault) -> Revision {
        try files.withLock { (files) throws(StoreFault) in
            try openState(files).copy(to: target)
            return files.checkpointed
        }
    }

    var mustRestart: Bool { progress.withLock { $0.mustRestart } }
    var fault: StoreFault? { progress.withLock { $0.fault } }
    var waitsForSpace: Bool {
        guard progress.withLock({ $0.fault?.isOutOfSpace ?? false }) else { return false }
        return feed.withLock { $0.changeCount >= Limits.historyHeldChanges }
    }
    /// True for the first who asks.
    func beginHalting() -> Bool {
        progress.withLock { progress in
            defer { progress.isHalting = true }
            return !progress.isHalting
        }
    }

    var historyLast: Revision { progress.withLock { $0.historyLast } }
    var safeToCompactBelow: Revision { progress.withLock { min($0.checkpointed, $0.historyLast) + 1 } }
}

extension StoreDisk: WatchHistory {
    var lowestRevision: Revision { progress.withLock { $0.historyFloor } }

    func read(
        from revision: Revision,
        below end: Revision,
        limit: Int,
        _ deliver: @escaping @Sendable (HistoryPage?) -> Void
    ) {
        inBackground { [reader] in
            do throws(StoreFault) {
                deliver(try reader.page(from: revision, below: end, limit: limit))
            } catch {
                deliver(nil)
            }
        }
    }
}
