import WebSocket
import HostProtocol
import Limits
import Synchronization

/// The streams of a host whose containers write ``PuppetOutput`` and whose commands read.
final class PuppetStreams: Sendable {
    private struct State {
        var outputBytes: Int = 0
        var knowsCredit: Bool = true
        var gates: [UInt64: CreditGate] = [:]
        var sent: [UInt64: Int] = [:]
        var ended: Set<UInt64> = []
        var inputBytes: Int = 0
        var inputStream: UInt64?
    }

    private let state = Mutex(State())
    private let send: @Sendable (AgentMessage) async -> Bool

    init(send: @escaping @Sendable (AgentMessage) async -> Bool) { self.send = send }

    func prepare(outputBytes: Int, knowsCredit: Bool) {
        state.withLock { state in
            state.outputBytes = outputBytes
            state.knowsCredit = knowsCredit
        }
    }

    func sent(_ stream: UInt64) -> Int { state.withLock { $0.sent[stream] ?? 0 } }
    func hasEnded(_ stream: UInt64) -> Bool { state.withLock { $0.ended.contains(stream) } }
    var inputBytes: Int { state.withLock { $0.inputBytes } }
    var runs: Bool { state.withLock { $0.inputStream != nil } }

    /// Whether the message was about a stream.
    func take(_ message: ServerMessage) async {
        switch message {
        case .logs(let request): open(request)
        case .credit(let credit): state.withLock { $0.gates[credit.stream] }?.add(credit.bytes)
        case .cancel(let stream): state.withLock { $0.gates[stream] }?.close()
        case .execute(let order):
            state.withLock { $0.inputStream = order.stream }
            _ = await send(.credit(StreamCredit(stream: order.stream, bytes: 0)))
        case .input(let input):
            state.withLock { $0.inputBytes += input.bytes.count }
            if input.isLast {
                _ = await send(.exit(ExecExit(stream: input.stream, code: 0)))
            } else {
                _ = await send(.credit(StreamCredit(stream: input.stream, bytes: input.cost)))
            }
        default: break
        }
    }

    func giveInputCredit() async {
        guard let stream: UInt64 = state.withLock({ $0.inputStream }) else { return }
        _ = await send(.credit(StreamCredit(stream: stream, bytes: UInt64(Limits.hostStreamCreditBytes))))
    }

    private func open(_ request: LogsRequest) {
        let (gate, size): (CreditGate, Int) = state.withLock { state in
            let gate = CreditGate(state.knowsCredit ? request.credit : nil, pieceCost: StreamCredit.cost(bytes: 0))
            state.gates[request.stream] = gate
            return (gate, state.outputBytes)
        }
        Task { [self] in
            var place: Int = 0
            while place < size,
                let count: Int = try? await gate.take(upTo: min(Limits.hostLogChunkBytes - 100, size - place)),
                await send(
                    .log(
                        LogChunk(
                            stream: request.stream,
                            kind: .stdout,
                            bytes: PuppetOutput.bytes(at: place, count: count)
                        )
                    )
                )
            {
                place += count
                state.withLock { $0.sent[request.stream] = place }
            }
            _ = await send(.logEnd(LogEnd(stream: request.stream)))
            state.withLock { _ = $0.ended.insert(request.stream) }
        }
    }
}

extension PuppetHost {
    func prepare(outputBytes: Int, knowsCredit: Bool = true) {
        streams.prepare(outputBytes: outputBytes, knowsCredit: knowsCredit)
    }

    func sent(stream: UInt64) -> Int { streams.sent(stream) }
    var inputBytes: Int { streams.inputBytes }
    func giveInputCredit() async { await streams.giveInputCredit() }

    /// Waits until the stream sends nothing for half a second; gives what it has sent.
    func untilItPauses(stream: UInt64) async throws -> Int {
        var last: Int = 0
        var quiet: Int = 0
        for _ in 0..<400 {
            try await Task.sleep(for: .milliseconds(50))
            let now: Int = streams.sent(stream)
            quiet = now == last && now > 0 ? quiet + 1 : 0
            last = now
            if quiet >= 10 { return now }
        }
        throw RigFault(message: "stream \(stream) never paused; it sent \(last) bytes")
    }

    func untilItEnds(stream: UInt64) async throws {
        for _ in 0..<400 {
            if streams.hasEnded(stream) { return }
            try await Task.sleep(for: .milliseconds(50))
        }
        throw RigFault(message: "stream \(stream) never ended")
    }

    func untilItRuns() async throws {
        for _ in 0..<400 {
            if streams.runs { return }
            try await Task.sleep(for: .milliseconds(50))
        }
        throw RigFault(message: "the command never ran")
    }
}
