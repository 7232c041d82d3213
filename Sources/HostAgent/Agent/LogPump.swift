import HostAgentCore
import HostProtocol
import HostRuntime
import Limits

/// Carries the output of one container to the server, no faster than the server takes it.
struct LogPump: Sendable {
    let output: OutputSender
    let request: LogsRequest
    let externalID: String

    /// Until the output ends, the stream breaks or the task is cancelled.
    func run() async {
        do {
            let options = LogOptions(
                follow: request.follow,
                lines: request.lines,
                timestamps: request.timestamps,
                since: request.since
            )
            let source: any LogSource = try await output.agent.runtime.logs(externalID, options)
            try await withTaskCancellationHandler {
                try await carry(source)
            } onCancel: {
                source.close()
            }
            try await end(nil)
        } catch let failure as OperationFailure {
            try? await end(failure.message)
        } catch {
            // The stream to the server broke: there is nobody to tell.
            return
        }
    }

    private func carry(_ source: any LogSource) async throws {
        defer { source.close() }
        while let piece: LogPiece = try await source.next(), !Task.isCancelled { try await output.send(piece) }
    }

    private func end(_ error: String?) async throws {
        guard !Task.isCancelled else { return }
        try await output.session.send(
            AgentFrame(await output.agent.stamp, .logEnd(LogEnd(stream: request.stream, error: error)))
        )
    }
}
