import Glibc
import RaftCore
import RaftLog
import Store

/// A data folder whose node does not run, read for what it still knows.
struct Survivor: Sendable {
    let folder: DataFolder
    let configuration: NodeConfiguration
    /// The end of its log.
    let last: LogPosition
    /// Of its log's end, committed or not.
    let members: Configuration
    /// Up to here the cluster had agreed, as far as this folder knows for sure.
    let certain: UInt64
    /// Held as long as this is.
    private let lock: DirectoryLock

    /// Reads the folder, and keeps its node from starting meanwhile.
    init(_ folder: DataFolder) throws(NodeFault) {
        self.folder = folder
        configuration = try folder.configuration()
        do throws(LogFault) {
            lock = try DirectoryLock(folder: folder.path)
        } catch {
            if case .inUse(_, let process) = error {
                throw .recovery("\(folder.path) is in use by process \(process): stop the node first")
            }
            throw .storage("\(error)")
        }
        let (log, applied): (LogContents, UInt64) = try Self.open(folder)
        last = log.last
        certain = applied
        members =
            log.entries.last { $0.kind == .configuration }.flatMap { Configuration(encoded: $0.payload) }
            ?? log.baseConfiguration
    }

    private static func open(_ folder: DataFolder) throws(NodeFault) -> (LogContents, UInt64) {
        let store: Store = try Self.store(folder)
        return (try Self.log(folder, store), store.appliedIndex)
    }

    private static func store(_ folder: DataFolder) throws(NodeFault) -> Store {
        do throws(StoreFault) {
            return try Store.open(folder: folder.state)
        } catch {
            throw .storage("\(error)")
        }
    }

    private static func log(_ folder: DataFolder, _ store: Store) throws(NodeFault) -> LogContents {
        let log: FileLog
        do throws(LogFault) {
            log = try FileLog(
                opening: folder.log,
                knownCommitted: store.appliedIndex,
                snapshots: try SnapshotFolder(path: folder.snapshots)
            )
        } catch {
            throw .storage("\(error)")
        }
        guard log.base <= store.appliedIndex else {
            throw .storage(
                "\(folder.state) ends at entry \(store.appliedIndex), but the log beside it begins after \(log.base)"
            )
        }
        return log.contents()
    }

    /// The state with everything in the log applied, whether it was acknowledged to anybody or not.
    ///
    /// Worked out on a copy in `scratch`, so that the folder itself stays as it is; the copy's history is left there for what
    /// comes after, its checkpoint is not.
    func load(in scratch: DataFolder) throws(NodeFault) -> StoreView {
        try DataFolder(scratch.state).create()
        for name in ["state.db", "state.db-wal", "history.db", "history.db-wal"] {
            try RawFile.copy("\(folder.state)/\(name)", to: "\(scratch.state)/\(name)")
        }
        let view: StoreView = try replayed(in: scratch)
        for suffix in ["", "-wal", "-shm"] { unlink("\(scratch.state)/state.db\(suffix)") }
        return view
    }

    private func replayed(in scratch: DataFolder) throws(NodeFault) -> StoreView {
        let store: Store = try Self.store(scratch)
        let log: LogContents = try Self.log(folder, store)
        do throws(UnreadableEntry) {
            for entry in log.entries where entry.index > store.appliedIndex {
                if entry.kind == .data {
                    _ = try store.apply(index: entry.index, encoded: entry.payload)
                } else {
                    store.advance(to: entry.index)
                }
            }
        } catch {
            throw .recovery("\(error)")
        }
        do throws(StoreFault) {
            _ = try store.checkpoint()
        } catch {
            throw .storage("\(error)")
        }
        return store.view
    }
}
