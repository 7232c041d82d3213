package import StoreFormat
import Synchronization

/// How a store is, in numbers for those who look after it.
package struct StoreFigures: Sendable {
    package let revision: Revision
    package let records: Int
    package let sessions: Int
    package let watches: Int
    /// The rest is nil for a store without files.
    package let disk: Disk?

    package struct Disk: Sendable {
        /// What a start would begin from.
        package let checkpointed: Revision
        /// Since that was written, or since the store was opened with it.
        package let checkpointAge: Duration
        /// The revisions that history holds, both included.
        package let historyFirst: Revision
        package let historyLast: Revision
        /// Changes that history does not hold yet.
        package let pendingChanges: Int
        /// The last attempt to write failed.
        package let isBehind: Bool
    }
}

extension Store {
    /// Takes a few locks for a moment; does not touch the disk.
    package var figures: StoreFigures {
        let view: StoreView = view
        return StoreFigures(
            revision: view.revision,
            records: view.recordCount,
            sessions: view.sessionCount,
            watches: watchCount,
            disk: disk?.figures
        )
    }
}

extension StoreDisk {
    var figures: StoreFigures.Disk {
        let pending: Int = feed.withLock { $0.changeCount }
        return progress.withLock { progress in
            StoreFigures.Disk(
                checkpointed: progress.checkpointed,
                checkpointAge: progress.checkpointedAt.duration(to: .now),
                historyFirst: progress.historyFloor,
                historyLast: progress.historyLast,
                pendingChanges: pending,
                isBehind: progress.fault != nil
            )
        }
    }
}
