internal import Limits
package import RaftCore
internal import Synchronization

/// Writes the log on a thread of its own: while one flush runs, the next batch gathers (group commit).
package final class LogWriter: Sendable {
    /// What the disk has now; one call a batch.
    package struct Completion: Sendable {
        package var ballot: Ballot?
        package var write: UInt64?
        /// The log was begun anew after a snapshot.
        package var reset: LogPosition?
    }

    /// What one batch was and how long it took; told after its flush.
    package struct Batch: Sendable {
        package var entries: Int = 0
        /// Of the entries' payloads.
        package var bytes: Int = 0
        /// From the first byte that was written to the end of the flush.
        package var flushNanoseconds: UInt64 = 0
        /// From when the oldest write of the batch was handed over to the end of the flush.
        package var waitedNanoseconds: UInt64 = 0
    }

    private enum Job: Sendable {
        case write(DiskWrite, since: UInt64)
        case compact(through: LogIndex)
        case finishMending
    }

    private let jobs: Mailbox<Job>
    private let thread: WorkerThread
    private let work = DiskWork()

    /// - Parameters:
    ///   - holds: whether nothing is to be written now, because what lies behind the log cannot take more; asked before
    ///     each batch, and again and again while it says so.
    ///   - stalled: called with true when writing waits (for space, or because of `holds`), and with false when it goes on.
    ///   - measured: hears of each batch that held something, on the log's thread; must not block.
    ///   - completion: called on the log's thread after each batch; must not block.
    ///   - fatal: the disk failed. Nothing was retried and nothing more is written; the process must end.
    package init(
        storage: sending any LogStorage,
        holds: @escaping @Sendable () -> Bool = { false },
        stalled: @escaping @Sendable (Bool) -> Void = { _ in },
        measured: @escaping @Sendable (Batch) -> Void = { _ in },
        completion: @escaping @Sendable (Completion) -> Void,
        fatal: @escaping @Sendable (LogFault) -> Void
    ) {
        let jobs = Mailbox<Job>()
        self.jobs = jobs
        let owned = ThreadOwned(storage)
        let work: DiskWork = work
        thread = WorkerThread {
            let queue = Queue(jobs, stalled)
            do throws(LogFault) {
                owned.value.whenFull { queue.waits(owned.value) }
                while let batch = queue.next() {
                    let begun: UInt64 = MonotonicTime.now
                    var about: Batch = Self.about(batch)
                    let since: UInt64 = Self.oldest(batch) ?? begun
                    work.since.store(since, ordering: .relaxed)
                    while holds(), queue.waits(owned.value) {}
                    try Self.run(batch, on: owned.value, completion)
                    queue.goesOn()
                    work.since.store(0, ordering: .relaxed)
                    guard Self.oldest(batch) != nil else { continue }
                    let end: UInt64 = MonotonicTime.now
                    about.flushNanoseconds = end - begun
                    about.waitedNanoseconds = end - since
                    measured(about)
                }
                try owned.value.close()
            } catch {
                jobs.close()
                // Without space nothing of the batch was acknowledged, and nothing that was is in doubt.
                if case .full = error {} else { fatal(error) }
            }
            owned.release()
        }
    }

    /// What the thread takes its work from; while it waits for space it takes what gives some back, and keeps the rest.
    private final class Queue {
        private let jobs: Mailbox<Job>
        private let stalled: @Sendable (Bool) -> Void
        private var kept: [Job] = []
        private var isStalled: Bool = false

        init(_ jobs: Mailbox<Job>, _ stalled: @escaping @Sendable (Bool) -> Void) {
            self.jobs = jobs
            self.stalled = stalled
        }

        func next() -> [Job]? {
            guard kept.isEmpty else {
                defer { kept = [] }
                return kept
            }
            return jobs.take()
        }

        /// Waits a moment; false when the member stops.
        func waits(_ storage: any LogStorage) -> Bool {
            if !isStalled {
                isStalled = true
                stalled(true)
            }
            let pause = UInt64(Limits.raftSpacePauseMilliseconds) * 1_000_000
            guard let batch = jobs.take(until: MonotonicTime.now + pause) else { return false }
            for job in batch {
                if case .compact(let index) = job { try? storage.compact(through: index) } else { kept.append(job) }
            }
            return true
        }

        func goesOn() {
            guard isStalled else { return }
            isStalled = false
            stalled(false)
        }
    }

    package func submit(_ writes: [DiskWrite]) {
        let now: UInt64 = MonotonicTime.now
        jobs.post(all: writes.map { .write($0, since: now) })
    }

    /// Writes that wait for the disk, besides those that it is at.
    package var queued: Int { jobs.count }

    /// How long what the disk is at has been waiting; 0 when it rests.
    package var unflushedNanoseconds: UInt64 {
        let since: UInt64 = work.since.load(ordering: .relaxed)
        let now: UInt64 = MonotonicTime.now
        return since == 0 || since > now ? 0 : now - since
    }

    package func finishMending() { jobs.post(.finishMending) }

    package func compact(through index: LogIndex) { jobs.post(.compact(through: index)) }

    /// Writes what is waiting, closes the storage and ends the thread.
    package func stop() {
        jobs.close()
        thread.join()
    }

    private static func run(
        _ batch: [Job],
        on storage: any LogStorage,
        _ completion: (Completion) -> Void
    ) throws(LogFault) {
        var done = Completion()
        var compaction: LogIndex?
        var isMended: Bool = false
        for job in batch {
            switch job {
            case .compact(let index): compaction = max(index, compaction ?? 0)
            case .finishMending: isMended = true
            case .write(let change, _):
                try storage.write(change)
                switch change {
                case .ballot(let ballot): done.ballot = ballot
                case .append(_, let write): done.write = write
                case .reset(let position, _): done.reset = position
                case .truncate: break
                }
            }
        }
        try storage.flush()
        if done.ballot != nil || done.write != nil || done.reset != nil { completion(done) }
        if isMended { try storage.finishMending() }
        if let compaction { try storage.compact(through: compaction) }
    }
}

extension LogWriter {
    private static func about(_ batch: [Job]) -> Batch {
        var about = Batch()
        for case .write(.append(let entries, _), _) in batch {
            about.entries += entries.count
            for entry in entries { about.bytes += entry.payload.count }
        }
        return about
    }

    /// When the first write of a batch was handed over; nil for one that only gives old entries back.
    private static func oldest(_ batch: [Job]) -> UInt64? {
        for case .write(_, let since) in batch { return since }
        return nil
    }
}

/// What the disk is at.
private final class DiskWork: Sendable {
    /// When the oldest write of the batch was handed over, on the monotonic clock; 0 while the disk rests.
    let since = Atomic<UInt64>(0)
}

/// Hands the storage to the log's thread.
// @unchecked: set before the thread starts, used by that thread alone afterwards.
private final class ThreadOwned: @unchecked Sendable {
    private var storage: (any LogStorage)?

    init(_ storage: any LogStorage) { self.storage = storage }

    var value: any LogStorage {
        guard let storage else { preconditionFailure("the storage was released") }
        return storage
    }

    func release() { storage = nil }
}
