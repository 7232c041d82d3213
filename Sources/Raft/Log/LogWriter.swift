internal import Limits
package import RaftCore

/// Writes the log on a thread of its own: while one flush runs, the next batch gathers (group commit).
package final class LogWriter: Sendable {
    /// What the disk has now; one call a batch.
    package struct Completion: Sendable {
        package var ballot: Ballot?
        package var write: UInt64?
        /// The log was begun anew after a snapshot.
        package var reset: LogPosition?
    }

    private enum Job: Sendable {
        case write(DiskWrite)
        case compact(through: LogIndex)
        case finishMending
    }

    private let jobs: Mailbox<Job>
    private let thread: WorkerThread

    /// - Parameters:
    ///   - holds: whether nothing is to be written now, because what lies behind the log cannot take more; asked before
    ///     each batch, and again and again while it says so.
    ///   - stalled: called with true when writing waits (for space, or because of `holds`), and with false when it goes on.
    ///   - completion: called on the log's thread after each batch; must not block.
    ///   - fatal: the disk failed. Nothing was retried and nothing more is written; the process must end.
    package init(
        storage: sending any LogStorage,
        holds: @escaping @Sendable () -> Bool = { false },
        stalled: @escaping @Sendable (Bool) -> Void = { _ in },
        completion: @escaping @Sendable (Completion) -> Void,
        fatal: @escaping @Sendable (LogFault) -> Void
    ) {
        let jobs = Mailbox<Job>()
        self.jobs = jobs
        let owned = ThreadOwned(storage)
        thread = WorkerThread {
            let queue = Queue(jobs, stalled)
            do throws(LogFault) {
                owned.value.whenFull { queue.waits(owned.value) }
                while let batch = queue.next() {
                    while holds(), queue.waits(owned.value) {}
                    try Self.run(batch, on: owned.value, completion)
                    queue.goesOn()
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
            guard let batch = jobs.take(until: Mailbox<Job>.now() + pause) else { return false }
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

    package func submit(_ writes: [DiskWrite]) { jobs.post(all: writes.map(Job.write)) }

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
            case .write(let change):
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
