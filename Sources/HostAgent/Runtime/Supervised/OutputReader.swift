import Glibc
import HostAgentCore
import HostProtocol
import Limits
import Logging
import Synchronization

/// Reads a container's log from its files, and what is added while it runs.
actor OutputReader: LogSource {
    private let folder: ContainerFolder
    private let options: LogOptions
    /// Entries before this time are left out; as text, since the form sorts.
    private let since: String
    private let isClosed = Atomic<Bool>(false)
    /// Who waits for more, and whether something came while nobody did.
    private var waiter: CheckedContinuation<Void, Never>?
    private var isTold: Bool = false
    /// The folder is gone, or cannot be watched.
    private var isDeaf: Bool = false
    /// The files to read, the first one next.
    private var files: [Int32]
    private var bytes: [UInt8] = []
    private var position: Int = 0
    private var waiting: [LogPiece] = []
    private var skipped: Int
    /// What the folder's watch tells; taken by the task that hands it on.
    private var told: AsyncStream<String>?
    private var forwarder: Task<Void, Never>?

    /// - Throws: when the log cannot be opened.
    init(_ folder: ContainerFolder, _ options: LogOptions, _ watch: FolderWatch) throws(OperationFailure) {
        self.folder = folder
        self.options = options
        since = LogTime(milliseconds: Int64(clamping: options.since ?? 0) * 1_000).description
        // Before the first look, so that nothing is missed after it.
        let told: AsyncStream<String>? = options.follow ? watch.changes(in: folder.path) : nil
        let newest: Int32 = open(folder.logPath, O_RDONLY | O_CLOEXEC)
        let older: Int32 = open(folder.olderLogPath, O_RDONLY | O_CLOEXEC)
        // Between the two the newest may have become the older one.
        files = Self.isSame(newest, older) ? [newest] : [older, newest]
        if files.count == 1, older >= 0 { Glibc.close(older) }
        files.removeAll { $0 < 0 }
        skipped = 0
        if let lines: UInt64 = options.lines { skipped = max(0, Self.count(files, since) - Int(clamping: lines)) }
        self.told = told
    }

    deinit {
        forwarder?.cancel()
        for file in files { Glibc.close(file) }
    }

    func next() async throws(OperationFailure) -> LogPiece? {
        while waiting.isEmpty {
            guard !isClosed.load(ordering: .sequentiallyConsistent), !Task.isCancelled else { return nil }
            if readOn() { continue }
            if moveOn() { continue }
            guard options.follow else { return nil }
            // The end is noted after the last output: looked at first, then the output once more.
            let isOver: Bool = !isRunning
            if readOn() || moveOn() { continue }
            if isOver || isClosed.load(ordering: .sequentiallyConsistent) { return nil }
            if isDeaf { return nil }
            await waitForMore()
        }
        return waiting.removeFirst()
    }

    nonisolated func close() {
        isClosed.store(true, ordering: .sequentiallyConsistent)
        Task { await tell() }
    }

    private func tell() {
        isTold = true
        waiter?.resume()
        waiter = nil
    }

    private func deafen() {
        isDeaf = true
        tell()
    }

    private func waitForMore() async {
        if let told {
            self.told = nil
            forwarder = Task { [weak self] in
                for await _ in told { await self?.tell() }
                await self?.deafen()
            }
        }
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                if isTold || Task.isCancelled { continuation.resume() } else { waiter = continuation }
                isTold = false
            }
        } onCancel: {
            Task { await self.tell() }
        }
    }

    private var isRunning: Bool {
        guard folder.state()?.phase == .running, let supervisor: Int32 = folder.supervisor() else { return false }
        Glibc.close(supervisor)
        return true
    }

    // MARK: Files

    /// Whether something was there.
    private func readOn() -> Bool {
        guard let file: Int32 = files.first else { return false }
        let chunk: [UInt8] = .init(unsafeUninitializedCapacity: Limits.hostLogChunkBytes) { buffer, count in
            count = max(0, read(file, buffer.baseAddress, buffer.count))
        }
        guard !chunk.isEmpty else { return false }
        bytes += chunk
        take()
        return true
    }

    private func take() {
        while let end: Int = bytes[position...].firstIndex(of: 0x0A) {
            defer { position = end + 1 }
            guard let entry = OutputEntry(bytes[position..<end]), entry.time >= since else { continue }
            guard skipped == 0 else {
                skipped -= 1
                continue
            }
            waiting.append(
                LogPiece(
                    kind: entry.kind,
                    bytes: Array(entry.text) + (entry.isWhole ? [0x0A] : []),
                    time: options.timestamps ? entry.time : nil
                )
            )
        }
        bytes.removeFirst(position)
        position = 0
    }

    /// To the next file, if there is one: the log may have been exchanged.
    private func moveOn() -> Bool {
        guard let file: Int32 = files.first else {
            let newest: Int32 = open(folder.logPath, O_RDONLY | O_CLOEXEC)
            guard newest >= 0 else { return false }
            files = [newest]
            return true
        }
        if files.count > 1 {
            Glibc.close(files.removeFirst())
            return true
        }
        let newest: Int32 = open(folder.logPath, O_RDONLY | O_CLOEXEC)
        guard newest >= 0 else { return false }
        guard !Self.isSame(file, newest) else {
            Glibc.close(newest)
            return false
        }
        // What came in between to the file that is read is not missed: it is read to its end once more.
        files.append(newest)
        return true
    }

    private static func isSame(_ left: Int32, _ right: Int32) -> Bool {
        var (one, other) = (stat(), stat())
        guard left >= 0, right >= 0, fstat(left, &one) == 0, fstat(right, &other) == 0 else { return false }
        return one.st_ino == other.st_ino && one.st_dev == other.st_dev
    }

    /// How many entries there are from `since` on; leaves the files where they were.
    private static func count(_ files: [Int32], _ since: String) -> Int {
        var count: Int = 0
        for file in files {
            var offset: off_t = 0
            var rest: [UInt8] = []
            while true {
                let chunk: [UInt8] = .init(unsafeUninitializedCapacity: Limits.hostLogChunkBytes) { buffer, count in
                    count = max(0, pread(file, buffer.baseAddress, buffer.count, offset))
                }
                guard !chunk.isEmpty else { break }
                offset += off_t(chunk.count)
                rest += chunk
                var start: Int = 0
                while let end: Int = rest[start...].firstIndex(of: 0x0A) {
                    if let entry = OutputEntry(rest[start..<end]), entry.time >= since { count += 1 }
                    start = end + 1
                }
                rest.removeFirst(start)
            }
        }
        return count
    }
}
