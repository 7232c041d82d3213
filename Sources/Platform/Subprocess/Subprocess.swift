import Glibc
import Limits

/// Runs programs and hands back what they said.
package enum Subprocess {
    /// Runs `command` to its end, feeding it `input` and collecting what it writes.
    ///
    /// A program that is not done by `deadline` gets SIGTERM and, `Limits.subprocessGraceSeconds` later, SIGKILL; one
    /// that writes more than `outputBytes` to a stream, or whose task is cancelled, is killed. Signals go to its whole
    /// process group, and so does SIGKILL at its end: it leaves nothing running but what moved to a session of its
    /// own. If something it left behind holds its output open, that is awaited for the grace, too, and then cut.
    ///
    /// Blocks no thread of the task pool; costs a thread while it runs.
    package static func run(
        _ command: SubprocessCommand,
        input: [UInt8] = [],
        deadline: Duration = .seconds(Limits.subprocessSeconds),
        outputBytes: Int = Limits.subprocessOutputBytes
    ) async throws(SubprocessError) -> SubprocessResult {
        let wake = WakeSignal()
        let result: Result<SubprocessResult, SubprocessError> = await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let started: Bool = WorkerThread.start {
                    var run = CapturedRun(
                        command: command,
                        input: input,
                        deadline: deadline,
                        outputBytes: outputBytes,
                        wake: wake
                    )
                    continuation.resume(returning: run.result())
                }
                guard !started else { return }
                continuation.resume(
                    returning: .failure(.notStarted(program: command.program, cause: "no thread left to wait for it"))
                )
            }
        } onCancel: {
            wake.signal()
        }
        return try result.get()
    }

    /// Runs `program` with `arguments`; see ``run(_:input:deadline:outputBytes:)``.
    package static func run(
        _ program: String,
        _ arguments: [String],
        environment: [String: String] = [:],
        workingDirectory: String? = nil,
        input: [UInt8] = [],
        deadline: Duration = .seconds(Limits.subprocessSeconds)
    ) async throws(SubprocessError) -> SubprocessResult {
        let command = SubprocessCommand(
            program,
            arguments,
            environment: environment,
            workingDirectory: workingDirectory
        )
        return try await run(command, input: input, deadline: deadline)
    }
}
