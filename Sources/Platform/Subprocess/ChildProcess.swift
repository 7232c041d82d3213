import CLinux
import Glibc
import Limits
import Synchronization

/// A program that runs beside this process for as long as it likes, such as a server.
///
/// It does not end with this object or this process: its owner ends it with ``stop(grace:)``.
package final class ChildProcess: Sendable {
    /// Where a standard stream of the program goes.
    package enum Stream: Sendable {
        /// To this process's own stream.
        case inherit
        /// To nowhere.
        case null
        /// To a descriptor of the caller's, which stays the caller's.
        case descriptor(Int32)
        /// To the end of this file, which is made if absent.
        case appendTo(String)
    }

    private struct State {
        var status: SubprocessStatus?
        var waiters: [CheckedContinuation<SubprocessStatus, Never>] = []
        /// We told it to end, and so also all that it started.
        var isStopping = false
    }

    package let program: String
    package let processID: Int32
    private let ownGroup: Bool
    private let state = Mutex(State())

    /// Starts `command` with nothing on its standard input.
    ///
    /// - Parameter ownGroup: Gives it a process group of its own: ctrl-C in this terminal does not reach it, and
    ///   signals from here reach its own children, too.
    package static func spawn(
        _ command: SubprocessCommand,
        standardOutput: Stream = .inherit,
        standardError: Stream = .inherit,
        ownGroup: Bool = true
    ) throws(SubprocessError) -> ChildProcess {
        let input = Descriptor.open("/dev/null", O_RDONLY)
        let output: Descriptor = try open(standardOutput, own: STDOUT_FILENO, command)
        let error: Descriptor = try open(standardError, own: STDERR_FILENO, command)
        guard input.isOpen else { throw .notStarted(program: command.program, cause: "/dev/null: \(systemMessage())") }
        let process: pid_t = try Launch.start(
            command,
            standardInput: input.number,
            standardOutput: output.number,
            standardError: error.number,
            ownGroup: ownGroup
        )
        let child = ChildProcess(program: command.program, processID: process, ownGroup: ownGroup)
        guard WorkerThread.start({ child.awaitEnd() }) else {
            Glibc.kill(ownGroup ? -process : process, SIGKILL)
            _ = SubprocessStatus.reap(process)
            throw .notStarted(program: command.program, cause: "no thread left to wait for it")
        }
        return child
    }

    private init(program: String, processID: Int32, ownGroup: Bool) {
        self.program = program
        self.processID = processID
        self.ownGroup = ownGroup
    }

    /// A descriptor of our own for the stream, so that it may be closed whatever it was made from.
    private static func open(
        _ stream: Stream,
        own: Int32,
        _ command: SubprocessCommand
    ) throws(SubprocessError) -> Descriptor {
        let descriptor: Descriptor
        let name: String
        switch stream {
        case .inherit: (descriptor, name) = (Descriptor(owning: fcntl(own, F_DUPFD_CLOEXEC, 3)), "stream \(own)")
        case .null: (descriptor, name) = (.open("/dev/null", O_WRONLY), "/dev/null")
        case .descriptor(let number):
            (descriptor, name) = (Descriptor(owning: fcntl(number, F_DUPFD_CLOEXEC, 3)), "descriptor \(number)")
        case .appendTo(let path): (descriptor, name) = (.open(path, O_WRONLY | O_CREAT | O_APPEND), path)
        }
        guard descriptor.isOpen else {
            throw .notStarted(program: command.program, cause: "its output to \(name): \(systemMessage())")
        }
        return descriptor
    }

    /// Nil while it runs.
    package var status: SubprocessStatus? { state.withLock { $0.status } }

    /// Asks it to end (SIGTERM).
    package func terminate() { signal(SIGTERM) }

    /// Ends it (SIGKILL).
    package func kill() { signal(SIGKILL) }

    /// Sends a signal to its group, or to it alone if it has none of its own; does nothing once it has ended.
    package func signal(_ number: Int32) {
        state.withLock { state in
            // Under the lock that reaping takes: the process id cannot become another process's meanwhile.
            guard state.status == nil else { return }
            if number == SIGTERM || number == SIGKILL { state.isStopping = true }
            Glibc.kill(ownGroup ? -processID : processID, number)
        }
    }

    /// How it ended, once it has.
    ///
    /// Returns only then, not when the waiting task is cancelled.
    package func wait() async -> SubprocessStatus {
        await withCheckedContinuation { continuation in
            let known: SubprocessStatus? = state.withLock { state in
                if state.status == nil { state.waiters.append(continuation) }
                return state.status
            }
            if let known { continuation.resume(returning: known) }
        }
    }

    /// Asks it to end, ends it by force after `grace`, and returns how it ended.
    ///
    /// When the waiting task is cancelled, the grace is over.
    package func stop(grace: Duration = .seconds(Limits.subprocessGraceSeconds)) async -> SubprocessStatus {
        terminate()
        return await withTaskGroup(of: Void.self) { group in
            group.addTask {
                // Also cut short when the program has ended in time; then there is nothing left to kill.
                try? await Task.sleep(for: grace)
                self.kill()
            }
            let status: SubprocessStatus = await self.wait()
            group.cancelAll()
            return status
        }
    }

    /// Runs on a thread of its own until the program ends.
    private func awaitEnd() {
        var information = siginfo_t()
        // Leaves the ended process in place, so that nothing can take its id before the lock is held.
        while waitid(P_PID, id_t(processID), &information, WEXITED | WNOWAIT) < 0, errno == EINTR {}
        let waiters: [CheckedContinuation<SubprocessStatus, Never>]
        let status: SubprocessStatus
        (status, waiters) = state.withLock { state in
            // Those of its group that did not heed the request must not outlive it unseen.
            if ownGroup, state.isStopping { Glibc.kill(-processID, SIGKILL) }
            // Nil only if this process ignores SIGCHLD, which loses every status.
            let status: SubprocessStatus = SubprocessStatus.reap(processID) ?? .signalled(SIGKILL)
            state.status = status
            defer { state.waiters = [] }
            return (status, state.waiters)
        }
        for waiter in waiters { waiter.resume(returning: status) }
    }
}
