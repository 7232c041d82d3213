import EventLoop
import Gateway
import JSON
import Limits
import Logging
import Metrics
import RaftCore
import RaftGroup
import RaftLog
import RaftTransport
import Store
import StoreFormat
import Synchronization

/// The replicated heart of a node: log, group, store and transport of one data folder.
struct NodeCore: Sendable {
    /// What a node needs to speak with others.
    struct Peering: Sendable {
        var security: NodeSecurity
        var loops: Loops
    }

    let state: ReplicatedState
    let directory: PeerDirectory
    let metrics: MetricsRegistry
    let alarms: Alarms
    /// Catches the state at an entry that was agreed on.
    let marks: StateMarks
    /// nil in a process that is alone.
    let links: PeerLinks?
    private let logger: Logger
    private let lock: HeldLock

    var transport: RaftTransport? { state.transport }

    /// Opens the folder's log and store, and keeps every other process out of it.
    ///
    /// - Parameter peering: nil for a process that is alone, such as the one that founds a cluster.
    static func open(
        _ folder: DataFolder,
        _ configuration: NodeConfiguration,
        peering: Peering? = nil,
        logger: Logger,
        fatal: @escaping @Sendable (String) -> Void
    ) throws(NodeFault) -> NodeCore {
        let raftLogger: Logger = logger.labelled("raft")
        let lock: DirectoryLock
        let log: FileLog
        let store: Store
        let snapshots: SnapshotFolder
        do {
            lock = try DirectoryLock(folder: folder.path)
            // A node must be able to start on a full disk: only it can delete what fills it.
            if let space = DiskSpace(of: folder.log), space.free < Limits.diskStartBytes {
                try FileLog.yieldReserve(in: folder.log)
            }
            snapshots = try SnapshotFolder(path: folder.snapshots)
            (store, log) = try FolderMending(folder: folder, snapshots: snapshots, logger: raftLogger).open {
                fatal("\($0)")
            }
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
        let metrics = MetricsRegistry()
        let directory = PeerDirectory(store: store, told: configuration.peers.map(PeerDirectory.Peer.init))
        let links: PeerLinks? = peering.map { peering in
            PeerLinks(
                cluster: configuration.group.cluster,
                directory: directory,
                context: peering.security.clientContext,
                place: configuration.peer.map { configuration.place(of: $0) } ?? ""
            )
        }
        var transport: RaftTransport?
        if let links, let peering {
            transport = RaftTransport(
                group: configuration.group,
                id: configuration.member,
                dialing: links,
                loops: peering.loops,
                logger: raftLogger,
                metrics: metrics
            )
        }
        let alarms = Alarms(logger: raftLogger, now: { WallClock.milliseconds })
        if let target: LogIndex = log.mending { RaftNotices.mending(target, alarms, configuration.name, folder) }
        let names: @Sendable (MemberID) -> String = { directory.peer($0)?.name ?? "member \($0)" }
        transport?.onNewerEntry = { member, kind in
            fatal(
                "\(names(member)) sends log entries of kind \(kind), which this program does not know. Skipping them would fork "
                    + "the state, so this node stops. Start it with the version that the other nodes run"
            )
        }
        let machine = StoreMachine(store: store, halt: fatal)
        let group = RaftGroup<StoreMachine>(
            storage: log,
            machine: machine,
            transport: transport ?? NoPeers(),
            snapshots: snapshots,
            // More than memory should hold waits for the state's own files, and these have no space.
            holds: { store.waitsForSpace },
            meters: RaftMeters(metrics),
            observer: { observation in
                RaftNotices.tell(observation, names, raftLogger)
                RaftNotices.alarm(observation, alarms, folder)
            },
            fatal: { fatal("\($0)") }
        )
        return NodeCore(
            state: ReplicatedState(store: store, group: group, transport: transport),
            directory: directory,
            metrics: metrics,
            alarms: alarms,
            marks: machine.marks,
            links: links,
            logger: logger,
            lock: HeldLock(lock)
        )
    }

    /// Ends the group: every proposal that is under way is answered, and nothing more is applied.
    func shutdown() async {
        transport?.stop()
        await state.group.shutdown()
    }

    func checkpointAndClose() async {
        await shutdown()
        do {
            _ = try await Blocking.run { () throws(StoreFault) in try state.store.checkpoint() }
        } catch {
            logger.error("the last checkpoint failed; the log holds everything", ["error": .string("\(error)")])
        }
        await close()
    }

    /// Ends the group and gives the folder back.
    func close() async {
        await shutdown()
        lock.release()
    }
}

/// The folder's lock, until it is given back: not when the last reference happens to go.
private final class HeldLock: Sendable {
    private let lock: Mutex<DirectoryLock?>

    init(_ lock: DirectoryLock) { self.lock = Mutex(lock) }

    func release() { lock.withLock { $0 = nil } }
}
