import Gateway
import JSON
import Logging
import RaftCore
import RaftGroup
import RaftLog
import Store
import StoreFormat
import Synchronization

/// The replicated heart of a node: log, group and store of one data folder.
struct NodeCore: Sendable {
    let state: ReplicatedState
    private let logger: Logger
    private let lock: HeldLock

    /// Opens the folder's log and store, and keeps every other process out of it.
    static func open(
        _ folder: DataFolder,
        logger: Logger,
        fatal: @escaping @Sendable (String) -> Void
    ) throws(NodeFault) -> NodeCore {
        let raftLogger: Logger = logger.labelled("raft")
        let lock: DirectoryLock
        let log: FileLog
        let store: Store
        do {
            lock = try DirectoryLock(folder: folder.path)
            store = try Store.open(folder: folder.state)
            log = try FileLog(opening: folder.log, knownCommitted: store.appliedIndex)
        } catch {
            throw .storage("\(error)")
        }
        guard log.base <= store.appliedIndex else {
            throw .memberLost(
                name: (try? folder.configuration().name) ?? "a member",
                what:
                    "\(folder.state) ends at entry \(store.appliedIndex), but the log in \(folder.log) begins after entry "
                    + "\(log.base) (put back the state that belongs to this log, if there is a copy)"
            )
        }
        let machine = StoreMachine(store: store) { fatal("\($0)") }
        let group = RaftGroup<StoreMachine>(
            storage: log,
            machine: machine,
            observer: { Self.tell($0, raftLogger) },
            fatal: { fatal("\($0)") }
        )
        return NodeCore(state: ReplicatedState(store: store, group: group), logger: logger, lock: HeldLock(lock))
    }

    private static func tell(_ observation: Observation, _ logger: Logger) {
        switch observation {
        case .becameLeader(let term): logger.notice("became leader", ["raft.term": JSONValue(term)])
        case .steppedDown(let term, let cause):
            logger.notice("stepped down", ["raft.term": JSONValue(term), "cause": .string("\(cause)")])
        default: logger.debug("observed", ["raft.observation": .string("\(observation)")])
        }
    }

    func checkpointAndClose() async {
        do {
            _ = try await Blocking.run("checkpoint") { () throws(StoreFault) in try state.store.checkpoint() }
        } catch {
            logger.error("the last checkpoint failed; the log holds everything", ["error": .string("\(error)")])
        }
        await close()
    }

    /// Ends the group and gives the folder back.
    func close() async {
        await state.group.shutdown()
        lock.release()
    }
}

/// The folder's lock, until it is given back: not when the last reference happens to go.
private final class HeldLock: Sendable {
    private let lock: Mutex<DirectoryLock?>

    init(_ lock: DirectoryLock) { self.lock = Mutex(lock) }

    func release() { lock.withLock { $0 = nil } }
}
