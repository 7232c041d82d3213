import EventLoop
import Gateway
import Glibc
import JSON
import Limits
import Logging
import Synchronization

/// Writes a node's trail and access log, behind the requests.
///
/// Lines wait in memory for at most ``Limits/auditFlushMilliseconds``: that much a crash can take. When more wait than may,
/// they are dropped and counted, and the trail says how many: a flood of wrong logins is no flood of writes.
final class Journal: NodeJournal {
    private struct State {
        var events: [(time: Int64, event: JSONObject)] = []
        var dropped: Int64 = 0
        var lines: [(file: String, line: [UInt8])] = []
        var droppedLines: Int64 = 0

        var isEmpty: Bool { events.isEmpty && dropped == 0 && lines.isEmpty && droppedLines == 0 }
    }

    private let folder: DataFolder
    private let now: @Sendable () -> Int64
    private let logger: Logger
    private let state = Mutex(State())
    /// Raised when the first line came that waits.
    private let arrived = Mutex<Signal?>(nil)
    /// Used by one flush at a time.
    private let disk: Mutex<Disk>

    private struct Disk {
        var trail: Trail
        var access: AccessLog
        var isFailing: Bool = false
    }

    init(_ folder: DataFolder, logger: Logger, now: @escaping @Sendable () -> Int64) {
        self.folder = folder
        self.now = now
        self.logger = logger
        disk = Mutex(Disk(trail: Trail(folder: folder.trail), access: AccessLog(folder: folder.accessLogs)))
    }

    func note(_ event: JSONObject) {
        let time: Int64 = now()
        add { state in
            guard state.events.count < Limits.auditQueuedLines else {
                state.dropped += 1
                return
            }
            state.events.append((time, event))
        }
    }

    func access(_ line: [UInt8], file: String) {
        add { state in
            guard state.lines.count < Limits.accessLogQueuedLines else {
                state.droppedLines += 1
                return
            }
            state.lines.append((file, line))
        }
    }

    private func add(_ change: (inout State) -> Void) {
        let isFirst: Bool = state.withLock { state in
            defer { change(&state) }
            return state.isEmpty
        }
        if isFirst { arrived.withLock { $0 }?.raise() }
    }

    /// Until its task is cancelled; what waits then is written.
    func run(on loop: EventLoop) async {
        let something = Signal(loop: loop)
        arrived.withLock { $0 = something }
        while !Task.isCancelled {
            do {
                if state.withLock({ $0.isEmpty }) { _ = try await something.wait(until: .never) }
                try await loop.sleep(milliseconds: Limits.auditFlushMilliseconds)
            } catch {
                break
            }
            await flush()
        }
        await flush()
    }

    func flush() async {
        var taken: State = state.withLock { state in
            defer { state = State() }
            return state
        }
        guard !taken.isEmpty else { return }
        if taken.dropped > 0 {
            taken.events.append((now(), ["event": "trail.dropped", "dropped": .int(taken.dropped)]))
        }
        let work: State = taken
        let isWritten: Bool = await Blocking.run { [self] in
            disk.withLock { disk in
                disk.access.append(work.lines, dropped: work.droppedLines)
                return work.events.isEmpty || disk.trail.append(work.events)
            }
        }
        tell(isWritten, work)
    }

    /// A full disk loses lines of the trail, and the node's log says so.
    private func tell(_ isWritten: Bool, _ work: State) {
        let wasFailing: Bool = disk.withLock { disk in
            defer { disk.isFailing = !isWritten }
            return disk.isFailing
        }
        guard !isWritten else { return }
        state.withLock { $0.dropped += Int64(work.events.count) }
        if !wasFailing {
            logger.error("the audit trail cannot be written", ["folder": .string(folder.trail)])
        }
    }

    func purge(before time: Int64) async {
        await Blocking.run { [self] in disk.withLock { $0.trail.purge(before: time) } }
    }
}

/// Files of lines that nobody relies on: the oldest go when there are too many.
struct AccessLog {
    private let folder: String
    private var name: String?
    private var file: Int32 = -1
    private var size: Int = 0

    init(folder: String) { self.folder = folder }

    mutating func append(_ lines: [(file: String, line: [UInt8])], dropped: Int64) {
        var bytes: [UInt8] = []
        for (file, line) in lines {
            if file != name {
                write(&bytes)
                open(file)
            }
            bytes += line
            bytes.append(10)
            if size + bytes.count > Limits.accessLogFileBytes {
                write(&bytes)
                rotate()
            }
        }
        if dropped > 0 { bytes += Array("{\"dropped\":\(dropped)}\n".utf8) }
        write(&bytes)
    }

    private mutating func open(_ name: String) {
        if file >= 0 { close(file) }
        mkdir(folder, 0o700)
        self.name = name
        let path: String = "\(folder)/\(name)"
        file = LineFiles.openForAppending(path)
        size = LineFiles.size(path)
    }

    private mutating func write(_ bytes: inout [UInt8]) {
        defer { bytes = [] }
        guard file >= 0, !bytes.isEmpty, LineFiles.append(bytes, to: file) else { return }
        size += bytes.count
    }

    private mutating func rotate() {
        guard let name else { return }
        for number in stride(from: Limits.accessLogFiles - 2, through: 1, by: -1) {
            rename("\(folder)/\(name).\(number)", "\(folder)/\(name).\(number + 1)")
        }
        rename("\(folder)/\(name)", "\(folder)/\(name).1")
        open(name)
    }
}
