import CLinux
import Glibc
import HostAgentCore
import HostProtocol
import JSON
import Logging

/// Runs one container from its start to its end: the process that stays when the agent goes.
///
/// One thread. It writes the container's output to its log, carries its published ports, notes its end with the exit code, and ends it when
/// it is told to: SIGTERM asks the container to stop and kills it when its time is over, SIGUSR1 kills it.
final class Supervisor {
    private static let signals: [Int32] = [SIGCHLD, SIGTERM, SIGINT, SIGHUP, SIGUSR1]
    /// How long output may still come when the first process has ended.
    private static let drainMilliseconds: Int64 = 1_000

    private let folder: ContainerFolder
    private let plan: ContainerPlan
    private let log: OutputLog
    private let ports = PublishedPorts()
    private var child: RunningChild
    private var state: ContainerState
    private let signals: Int32
    /// When it is killed, once it was asked to stop.
    private var killAt: Int64?
    private var exitCode: Int32?
    private var drainUntil: Int64?

    /// From the lock on the folder to the end of the container.
    ///
    /// - Parameter tell: told once whether it runs.
    static func run(_ folder: ContainerFolder, _ tell: (OperationFailure?) -> Void) -> Int32 {
        do throws(OperationFailure) {
            guard let lock: ContainerLock = try takeLock(folder) else {
                tell(nil)
                return 0
            }
            defer { withExtendedLifetime(lock) {} }
            guard let plan: ContainerPlan = folder.plan() else {
                throw OperationFailure("cannot start \(folder.id): its plan cannot be read; remove it")
            }
            let supervisor: Supervisor = try Supervisor(folder, plan)
            tell(nil)
            supervisor.live()
            // Whoever reads the number now must not take it for a living supervisor's.
            truncate(folder.lockPath, 0)
            return 0
        } catch {
            tell(error)
            return 1
        }
    }

    /// nil when another supervisor runs the container.
    private static func takeLock(_ folder: ContainerFolder) throws(OperationFailure) -> ContainerLock? {
        let end: Int64 = ShimClock.milliseconds + 10_000
        var looks: Int = 0
        while ShimClock.milliseconds < end {
            if let lock: ContainerLock = folder.lock() {
                guard lock.sign() else { throw FolderTree.failure("write", folder.lockPath) }
                return lock
            }
            // Held for a moment by one who looks, or by a supervisor whose container has just ended.
            looks += 1
            if looks > 20, folder.state()?.phase == .running { return nil }
            usleep(5_000)
        }
        throw OperationFailure("cannot start \(folder.id): \(folder.lockPath) stays locked", isTransient: true)
    }

    private init(_ folder: ContainerFolder, _ plan: ContainerPlan) throws(OperationFailure) {
        self.folder = folder
        self.plan = plan
        var set = sigset_t()
        sigemptyset(&set)
        for number in Self.signals { sigaddset(&set, number) }
        sigprocmask(SIG_BLOCK, &set, nil)
        signals = CLinux.signalfd(-1, &set, Int32(SFD_CLOEXEC) | Int32(SFD_NONBLOCK))
        guard signals >= 0 else { throw FolderTree.failure("listen to signals for", "container \(plan.name)") }
        // The container's processes become this one's children when their parents end.
        _ = clinux_adopt_orphans()
        SupervisorGroup.leave()
        log = OutputLog(folder)
        try ports.bind(plan.isolation == .process ? PlainStart.forwarded(plan.ports) : plan.ports)

        let startedAt: String = LogTime.now().description
        let before: ContainerState? = folder.state()
        var noted: ContainerState?
        /// Noted before the program runs: a container that ends at once has run.
        func note(_ child: RunningChild) throws(OperationFailure) {
            let notes: [String] = plan.notes + child.notes
            let state = ContainerState(
                phase: .running,
                process: child.process,
                startedAt: startedAt,
                address: child.address == "0.0.0.0" ? nil : child.address,
                message: notes.isEmpty ? nil : notes.joined(separator: "; ")
            )
            do {
                try folder.write(state)
            } catch {
                throw OperationFailure("cannot start container \(plan.name): \(error)", isTransient: true)
            }
            noted = state
        }
        do {
            switch plan.isolation {
            case .oci:
                let start = OCIStart(folder: folder, plan: plan)
                try start.mountLayers()
                child = try start.start(note)
            case .process: child = try PlainStart(folder: folder, plan: plan).start(note)
            }
        } catch {
            // It has not run: what was noted is taken back.
            if let before { try? folder.write(before) } else { unlink(folder.stateFile.path) }
            throw error
        }
        guard let noted else { preconditionFailure("a container runs and was not noted") }
        state = noted
        ports.network = child.network
        if let address = child.address, address != "0.0.0.0" { ports.target = address }
    }

    // MARK: Its life

    private func live() {
        while true {
            let now: Int64 = ShimClock.milliseconds
            if let killAt, now >= killAt {
                end(by: SIGKILL)
                self.killAt = nil
            }
            if exitCode != nil, isDrained || now >= drainUntil ?? now { break }
            wait(until: [killAt, drainUntil].compactMap { $0 }.min(), now)
        }
        finish()
    }

    private var isDrained: Bool { child.output < 0 && child.error < 0 }

    private func wait(until moment: Int64?, _ now: Int64) {
        var entries: [pollfd] = [pollfd(fd: signals, events: Int16(POLLIN), revents: 0)]
        for descriptor in [child.output, child.error] where descriptor >= 0 {
            entries.append(pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0))
        }
        entries += ports.interests()
        let milliseconds: Int32 = moment.map { Int32(clamping: max(0, $0 - now)) } ?? (entries.count > 3 ? 10_000 : -1)
        guard poll(&entries, nfds_t(entries.count), milliseconds) > 0 else { return }
        var ready: [Int32: Int16] = [:]
        for entry in entries where entry.revents != 0 { ready[entry.fd] = entry.revents }
        if ready[child.output] != nil { child.output = read(child.output, plan.isTerminal ? .tty : .stdout) }
        if ready[child.error] != nil { child.error = read(child.error, .stderr) }
        if ready[signals] != nil { takeSignals() }
        ports.handle(ready)
    }

    /// - Returns: -1 once nothing more comes.
    private func read(_ descriptor: Int32, _ kind: LogKind) -> Int32 {
        var chunk = [UInt8](repeating: 0, count: 64 * 1024)
        let count: Int = Glibc.read(descriptor, &chunk, chunk.count)
        if count > 0 {
            log.add(kind, chunk[..<count])
            return descriptor
        }
        if count < 0, errno == EAGAIN || errno == EINTR { return descriptor }
        // A terminal whose programs have ended gives an error instead of an end.
        close(descriptor)
        return -1
    }

    private func takeSignals() {
        var information = signalfd_siginfo()
        let size: Int = MemoryLayout<signalfd_siginfo>.size
        while Glibc.read(signals, &information, size) == size {
            switch Int32(information.ssi_signo) {
            case SIGCHLD: reap()
            case SIGTERM, SIGINT:
                guard killAt == nil, exitCode == nil else { continue }
                end(by: plan.stopSignal)
                killAt = ShimClock.milliseconds + Int64(plan.stopSeconds) * 1_000
            case SIGUSR1: end(by: SIGKILL)
            default: continue
            }
        }
    }

    /// The process is this one's child and not reaped: its number is nobody else's.
    private func end(by signal: Int32) {
        guard exitCode == nil else { return }
        kill(child.process, signal)
        // One that has stopped itself hears nothing else.
        if signal != SIGKILL { kill(child.process, SIGCONT) }
    }

    private func reap() {
        var raw: Int32 = 0
        while true {
            let process: pid_t = waitpid(-1, &raw, WNOHANG)
            guard process > 0 else { return }
            guard process == child.process else { continue }
            exitCode = ShimProcess.exitCode(raw)
            killAt = nil
            drainUntil = ShimClock.milliseconds + Self.drainMilliseconds
            if plan.isolation == .process { SupervisorGroup.killRest() }
        }
    }

    private func finish() {
        log.finish()
        ports.close()
        let wasOutOfMemory: Bool = plan.isolation == .oci && SupervisorGroup.ranOutOfMemory(plan.cgroup)
        if plan.isolation == .oci { OCIStart(folder: folder, plan: plan).clear() }
        let code: Int64 = Int64(exitCode ?? 137)
        state.end(
            code: code,
            message: wasOutOfMemory
                ? "ended with code \(code): the kernel killed it, since it used more memory than it may" : nil
        )
        // A disk that is full now may not be in a moment; the agent finds out otherwise that nobody supervises it.
        for _ in 0..<100 {
            if (try? folder.write(state)) != nil { return }
            usleep(100_000)
        }
    }
}
