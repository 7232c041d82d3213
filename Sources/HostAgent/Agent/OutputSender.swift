import WebSocket
import HostAgentCore
import HostProtocol
import HostRuntime
import Limits

/// Sends the output of one stream to the server, no faster than the server gives credit for it.
struct OutputSender: Sendable {
    let agent: Agent
    let session: AgentSession
    let stream: UInt64
    let gate: CreditGate

    /// - Throws: `CancellationError`, and what the stream to the server broke with.
    func send(_ piece: LogPiece) async throws {
        var rest: ArraySlice<UInt8> = piece.bytes[...]
        // Of a line that comes in parts only the first has the time.
        var time: String? = piece.time
        while !rest.isEmpty {
            let granted: Int = try await gate.take(upTo: min(rest.count, Limits.hostLogChunkBytes))
            let part: ArraySlice<UInt8> = rest.prefix(granted)
            rest = rest.dropFirst(part.count)
            let chunk = LogChunk(stream: stream, kind: piece.kind, bytes: Array(part), time: time)
            time = nil
            try await session.send(AgentFrame(await agent.stamp, .log(chunk)))
        }
    }
}
