import Authority
import Certificates
import Crypto
import EventLoop
import Gateway
import Glibc
import JSON
import Limits
import Logging
import RaftCore
import RaftGroup
import Store
import Synchronization

/// Makes backups of this node's state: one at a time, as each takes the state's size on the disk while it is read.
final class BackupDesk: Sendable {
    private let state: ReplicatedState
    private let group: GroupIdentity
    private let folder: DataFolder
    private let product: String
    private let sealingKey: @Sendable (SealedAuthority) -> [UInt8]?
    private let now: @Sendable () -> Int64
    private let isBusy = Mutex(false)

    init(
        state: ReplicatedState,
        group: GroupIdentity,
        folder: DataFolder,
        product: String,
        sealingKey: @escaping @Sendable (SealedAuthority) -> [UInt8]?,
        now: @escaping @Sendable () -> Int64
    ) {
        self.state = state
        self.group = group
        self.folder = folder
        self.product = product
        self.sealingKey = sealingKey
        self.now = now
    }

    /// A backup of what is applied here.
    ///
    /// Whoever asks has read the state consistently before: nothing that was acknowledged until then is missing.
    func prepare() async throws(Problem) -> PreparedBackup {
        let wasBusy: Bool = isBusy.withLock { busy in
            defer { busy = true }
            return busy
        }
        guard !wasBusy else {
            throw .conflict("A backup is being read from this node already: wait for it, or ask another.")
        }
        let slot = Slot(self)
        do throws(NodeFault) {
            return try await Blocking.run { () throws(NodeFault) in try self.write(slot) }
        } catch {
            throw .unavailable("No backup can be made on this node: \(error).")
        }
    }

    /// Taken until nobody reads the backup any more.
    private final class Slot: Sendable {
        private let desk: BackupDesk
        init(_ desk: BackupDesk) { self.desk = desk }
        deinit { desk.isBusy.withLock { $0 = false } }
    }

    private func write(_ slot: Slot) throws(NodeFault) -> PreparedBackup {
        let path: String = "\(folder.snapshots)/backup"
        let status: GroupStatus = state.group.status
        let index: UInt64
        do throws(StoreFault) {
            index = try state.store.snapshot(to: path)
        } catch {
            throw .storage("\(error)")
        }
        let file = try RawFile(reading: path)
        // Without a name it goes by itself, also when this process ends.
        unlink(path)
        let size: Int = try file.size()
        var hash = RunningSHA256()
        var offset: Int = 0
        while offset < size {
            let piece: [UInt8] = try file.read(at: offset, count: Limits.backupPieceBytes)
            guard !piece.isEmpty else { throw .storage("\(path) became shorter while it was read") }
            hash.add(piece)
            offset += piece.count
        }
        let stored: SealedAuthority? = ClusterAuthority.stored(in: state.store.view)
        let header = BackupHeader(
            group: group,
            product: product,
            index: index,
            term: status.term,
            time: now(),
            size: size,
            digest: hash.finish(),
            authority: stored.flatMap { try? $0.parsed() }?.fingerprint,
            sealingKeyID: stored.flatMap { sealingKey($0) }.map { BackupHeader.name(of: $0) }
        )
        let preamble: [UInt8] = BackupFile.preamble(header)
        return PreparedBackup(about: header.json, length: preamble.count + size) { offset, count in
            withExtendedLifetime(slot) {}
            if offset < preamble.count { return Array(preamble[offset..<min(preamble.count, offset + count)]) }
            return try await Blocking.run { () throws(NodeFault) in
                try file.read(at: offset - preamble.count, count: count)
            }
        }
    }
}
