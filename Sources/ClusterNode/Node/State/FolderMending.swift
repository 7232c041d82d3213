import Glibc
import JSON
import Logging
import RaftCore
import RaftLog
import Store

/// Opens a node's state and log; what is damaged is put aside and fetched from the other nodes.
///
/// The state is a copy of what the log says, and the log one of what the others have: whatever of the two is damaged, the
/// other nodes have it. Only who this node is and how it voted cannot be fetched; of that there are two copies.
struct FolderMending {
    let folder: DataFolder
    let snapshots: SnapshotFolder
    let logger: Logger

    /// - Throws: ``LogFault``, ``StoreFault``: also when there is no other node that could have what is missing.
    func open(halt: @escaping @Sendable (StoreFault) -> Void) throws -> (Store, FileLog) {
        let store: Store
        do throws(StoreFault) {
            store = try Store.open(folder: folder.state, halt: halt)
        } catch {
            guard error.isDamaged else { throw error }
            return try withoutState(error, halt: halt)
        }
        do throws(LogFault) {
            return (store, try log(knownCommitted: store.appliedIndex))
        } catch {
            guard case .damaged = error else { throw error }
            return try withDamagedLog(store, error, halt: halt)
        }
    }

    private func log(knownCommitted: LogIndex) throws(LogFault) -> FileLog {
        try FileLog(opening: folder.log, knownCommitted: knownCommitted, snapshots: snapshots)
    }

    /// The log is damaged: it goes on from before the damage, or, when the state is beyond that, both begin anew.
    private func withDamagedLog(
        _ store: Store,
        _ fault: LogFault,
        halt: @escaping @Sendable (StoreFault) -> Void
    ) throws -> (Store, FileLog) {
        let applied: LogIndex = store.appliedIndex
        let salvaged: SalvagedLog = try salvage(fault, applied: applied, keepsNothing: false)
        if salvaged.end >= applied, let log = try? log(knownCommitted: applied) { return (store, log) }
        _ = try salvage(fault, applied: applied, keepsNothing: true)
        return try anew(halt: halt)
    }

    /// The state is damaged: it is made anew from the log, when that is whole from its beginning, or from another node.
    private func withoutState(
        _ fault: StoreFault,
        halt: @escaping @Sendable (StoreFault) -> Void
    ) throws -> (Store, FileLog) {
        if let log = try? log(knownCommitted: 0), log.base == 0 { return (try stateAnew(halt: halt), log) }
        // The log is closed again before it is cut.
        do throws(LogFault) {
            _ = try salvage(
                .damaged(file: fault.file, offset: 0, reason: fault.problem),
                applied: 0,
                keepsNothing: true
            )
        } catch {
            throw fault
        }
        return try anew(halt: halt)
    }

    private func salvage(_ fault: LogFault, applied: LogIndex, keepsNothing: Bool) throws(LogFault) -> SalvagedLog {
        let salvaged: SalvagedLog = try FileLog.salvage(
            in: folder.log,
            applied: applied,
            keepsNothing: keepsNothing
        )
        logger.error(
            "damage in the data folder; what is missing is fetched from the other nodes",
            [
                "cause": .string("\(fault)"), "kept": .string(salvaged.keptIn),
                "raft.index": JSONValue(salvaged.end), "raft.mending": JSONValue(salvaged.mending),
            ]
        )
        return salvaged
    }

    private func anew(halt: @escaping @Sendable (StoreFault) -> Void) throws -> (Store, FileLog) {
        let store: Store = try stateAnew(halt: halt)
        return (store, try log(knownCommitted: 0))
    }

    /// Keeps the old state beside the new, empty one.
    private func stateAnew(halt: @escaping @Sendable (StoreFault) -> Void) throws -> Store {
        var number: Int = 1
        while access("\(folder.state).damaged-\(number)", F_OK) == 0 { number += 1 }
        guard rename(folder.state, "\(folder.state).damaged-\(number)") == 0 else {
            throw NodeFault.storage(
                "cannot put \(folder.state) aside: \(String(cString: strerror(errno))). Move it away, and start again"
            )
        }
        return try Store.open(folder: folder.state, halt: halt)
    }
}
