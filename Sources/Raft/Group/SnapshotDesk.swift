internal import Crypto
internal import RaftCore
internal import RaftLog
internal import Synchronization

/// Makes, reads, takes in and verifies snapshots, on a thread of its own.
// @unchecked: `outgoing`, `incoming`, `isInstalling` and `transfers` are touched by the thread of `jobs` only.
final class SnapshotDesk: @unchecked Sendable {
    struct Made: Sendable {
        var index: LogIndex
        var size: UInt64
        var digest: [UInt8]
    }

    private struct Incoming {
        var transfer: UInt64
        var about: SnapshotAbout
        var file: SnapshotFile
        var received: UInt64
    }

    private static let blockBytes: Int = 1 << 20

    private let folder: SnapshotFolder
    private let jobs = Mailbox<@Sendable () -> Void>()
    private let thread: WorkerThread
    private var outgoing: SnapshotFile?
    private var incoming: Incoming?
    private var isInstalling: Bool = false
    private var transfers: UInt64 = 0

    init(_ folder: SnapshotFolder) {
        self.folder = folder
        let jobs: Mailbox<@Sendable () -> Void> = jobs
        thread = WorkerThread {
            while let batch = jobs.take() {
                for job in batch { job() }
            }
        }
        // What a crash left.
        discardOutgoing()
    }

    var incomingPath: String { folder.incomingPath }

    /// Waits until the thread has done what it has: nothing touches the folder afterwards.
    func stop() {
        jobs.close()
        thread.join()
    }

    // MARK: Sending

    /// Lets `write` make the file that is to be sent.
    func make(
        _ write: @escaping @Sendable (String) throws -> LogIndex,
        done: @escaping @Sendable (Result<Made, SnapshotFailure>) -> Void
    ) {
        let posted: Bool = jobs.post { [self] in
            do {
                outgoing = nil
                try folder.removeOutgoing()
                let index: LogIndex = try write(folder.outgoingPath)
                let file: SnapshotFile = try folder.openOutgoing()
                outgoing = file
                done(.success(Made(index: index, size: try file.size(), digest: try Self.digest(of: file))))
            } catch {
                done(.failure(SnapshotFailure(reason: "\(error)")))
            }
        }
        if !posted { done(.failure(SnapshotFailure(reason: "this member stops"))) }
    }

    func read(at offset: UInt64, count: Int) async throws(LogFault) -> [UInt8] {
        let result: Result<[UInt8], LogFault> = await ask(ended: .success([])) { [self] in
            guard let outgoing else { return .success([]) }
            do throws(LogFault) {
                return .success(try outgoing.read(at: offset, count: count))
            } catch {
                return .failure(error)
            }
        }
        return try result.get()
    }

    func discardOutgoing() {
        jobs.post { [self] in
            outgoing = nil
            try? folder.removeOutgoing()
        }
    }

    // MARK: Receiving

    func offered(_ about: SnapshotAbout) async -> SnapshotReply {
        await ask(ended: .refused("the member stops")) { [self] in
            guard !isInstalling else { return .later }
            do throws(LogFault) {
                incoming = nil
                let file: SnapshotFile = try folder.openIncoming(about)
                let received: UInt64 = try file.size()
                transfers += 1
                incoming = Incoming(transfer: transfers, about: about, file: file, received: received)
                return .proceed(transfer: transfers, offset: received)
            } catch {
                return .refused("\(error)")
            }
        }
    }

    func took(_ bytes: [UInt8], at offset: UInt64, transfer: UInt64) async -> SnapshotReply {
        await ask(ended: .refused("the member stops")) { [self] in
            guard let current = incoming, current.transfer == transfer else { return Self.replaced }
            guard offset == current.received, UInt64(bytes.count) <= current.about.size - current.received else {
                return .refused("bytes at \(offset) do not follow the \(current.received) that are here")
            }
            do throws(LogFault) {
                try current.file.write(bytes, at: offset)
            } catch {
                incoming = nil
                return .refused("\(error)")
            }
            let received: UInt64 = offset + UInt64(bytes.count)
            incoming?.received = received
            return .proceed(transfer: transfer, offset: received)
        }
    }

    /// Checks what has come in and keeps it from being replaced until ``installed()`` or ``dropped()``.
    func verify(transfer: UInt64) async -> Result<SnapshotAbout, SnapshotFailure> {
        await ask(ended: .failure(SnapshotFailure(reason: "the member stops"))) { [self] in
            guard let current = incoming, current.transfer == transfer else {
                return .failure(SnapshotFailure(reason: "another transfer took the place of this one"))
            }
            guard current.received == current.about.size else {
                return .failure(
                    SnapshotFailure(reason: "\(current.received) of \(current.about.size) bytes have come")
                )
            }
            do throws(LogFault) {
                try current.file.flush()
                guard try Self.digest(of: current.file) == current.about.digest else {
                    incoming = nil
                    try folder.removeIncoming()
                    return .failure(SnapshotFailure(reason: "what has come is not what was sent: its SHA-256 differs"))
                }
            } catch {
                incoming = nil
                return .failure(SnapshotFailure(reason: "\(error)"))
            }
            incoming = nil
            isInstalling = true
            return .success(current.about)
        }
    }

    /// The group's thread installed the snapshot, or did not, and the log needs it no more.
    func finishInstall() {
        jobs.post { [self] in
            isInstalling = false
            // What is left over is looked at again at the next start.
            try? folder.finishInstall()
        }
    }

    /// Notes what is being installed, and lets `replace` put it in the place of the state.
    func install(
        _ about: SnapshotAbout,
        _ replace: @escaping @Sendable (String) throws -> Void,
        done: @escaping @Sendable (Result<Void, SnapshotFailure>) -> Void
    ) {
        let posted: Bool = jobs.post { [self] in
            do {
                try folder.beginInstall(about)
                try replace(folder.incomingPath)
                done(.success(()))
            } catch {
                done(.failure(SnapshotFailure(reason: "\(error)")))
            }
        }
        if !posted { done(.failure(SnapshotFailure(reason: "the member stops"))) }
    }

    // MARK: Within

    private static let replaced: SnapshotReply = .refused("another transfer took the place of this one")

    private static func digest(of file: SnapshotFile) throws(LogFault) -> [UInt8] {
        var digest = RunningSHA256()
        var offset: UInt64 = 0
        while true {
            let block: [UInt8] = try file.read(at: offset, count: blockBytes)
            guard !block.isEmpty else { break }
            digest.add(block)
            offset += UInt64(block.count)
        }
        return digest.finish()
    }

    private func ask<Answer: Sendable>(
        ended: Answer,
        _ work: @escaping @Sendable () -> Answer
    ) async -> Answer {
        await withCheckedContinuation { continuation in
            if !jobs.post({ continuation.resume(returning: work()) }) { continuation.resume(returning: ended) }
        }
    }
}

/// Why a snapshot did not come about.
struct SnapshotFailure: Error, Hashable, Sendable {
    var reason: String
}
