import WebSocket
import EventLoop
import Gateway
import HostProtocol
import Limits
import Synchronization

/// Output of containers and commands over the host's stream, each within its credit.
extension HostSession {
    struct OpenStreams {
        var next: UInt64 = 1
        var open: [UInt64: OpenStream] = [:]
        /// No host is there any more.
        var isOver: Bool = false
    }

    struct OpenStream {
        let output = StreamOutput()
        /// Of a command; nil for the output of a container.
        var input: CommandInput?
    }

    /// What a command takes.
    final class CommandInput: Sendable {
        /// The host says how much it takes.
        let gate = CreditGate(0, pieceCost: StreamCredit.cost(bytes: 0))
        /// Ends with the host's first word about the command: nil when it runs, else why not.
        let started: AsyncStream<String?>
        private let start: AsyncStream<String?>.Continuation

        init() { (started, start) = AsyncStream.makeStream(bufferingPolicy: .bufferingOldest(1)) }

        func answer(_ error: String?) {
            start.yield(error)
            start.finish()
        }
    }

    func openLogs(uuid: String, _ request: LogRequest) async throws(HostUnavailable) -> LogStream {
        let (stream, opened): (UInt64, OpenStream) = try open(nil)
        let wanted = LogsRequest(
            stream: stream,
            uuid: uuid,
            follow: request.follow,
            lines: request.lines.map { UInt64(max(0, $0)) },
            timestamps: request.timestamps,
            since: request.since.flatMap { UInt64($0) },
            credit: UInt64(Limits.hostStreamCreditBytes)
        )
        try await start(.logs(wanted), stream)
        let chunks = AsyncThrowingStream<OutputChunk, any Error> { [weak self] in
            while let event: ExecEvent = try await opened.output.next({ await self?.grant(stream, $0) }) {
                if case .output(let chunk) = event { return chunk }
            }
            return nil
        }
        return LogStream(chunks: chunks) { [weak self] in self?.cancel(stream) }
    }

    func openExec(uuid: String, _ request: ExecRequest) async throws(HostUnavailable) -> ExecStream {
        let input = CommandInput()
        let (stream, opened): (UInt64, OpenStream) = try open(input)
        let order = ExecOrder(
            stream: stream,
            uuid: uuid,
            command: request.command,
            isTerminal: request.isTerminal,
            hasInput: request.hasInput,
            columns: request.size.map { UInt64(max(0, $0.columns)) },
            rows: request.size.map { UInt64(max(0, $0.rows)) },
            credit: UInt64(Limits.hostStreamCreditBytes)
        )
        try await start(.execute(order), stream)
        if let error: String = await refusal(input) {
            cancel(stream)
            throw HostUnavailable(message: error)
        }
        let events = AsyncThrowingStream<ExecEvent, any Error> { [weak self] in
            try await opened.output.next { await self?.grant(stream, $0) }
        }
        return ExecStream(
            events: events,
            write: { [weak self] in try await self?.write($0, to: stream, input) },
            finishInput: { [weak self] in
                // The end waits for its turn, as what went before it did.
                _ = try await input.gate.take(upTo: 1)
                try await self?.send(.input(ExecInput(stream: stream, bytes: [], isLast: true)))
            },
            resize: { [weak self] size in
                try await self?.send(
                    .resize(
                        ExecResize(
                            stream: stream,
                            columns: UInt64(max(0, size.columns)),
                            rows: UInt64(max(0, size.rows))
                        )
                    )
                )
            },
            cancel: { [weak self] in self?.cancel(stream) }
        )
    }

    // MARK: What it hides

    private func open(_ input: CommandInput?) throws(HostUnavailable) -> (UInt64, OpenStream) {
        let opened = OpenStream(input: input)
        let stream: UInt64? = streams.withLock { streams in
            guard !streams.isOver else { return nil }
            defer { streams.next += 1 }
            streams.open[streams.next] = opened
            return streams.next
        }
        guard let stream else { throw HostUnavailable(message: "The host 1h\(host) went away just now; try again.") }
        return (stream, opened)
    }

    private func start(_ message: ServerMessage, _ stream: UInt64) async throws(HostUnavailable) {
        do {
            try await send(message)
        } catch {
            streams.withLock { streams in streams.open[stream] = nil }
            throw HostUnavailable(message: "The host's stream broke: \(error).")
        }
    }

    /// Why the command does not run; nil when it does.
    private func refusal(_ input: CommandInput) async -> String? {
        let timeout = Task(executorPreference: room.loop) {
            try await self.room.loop.sleep(milliseconds: Limits.hostExecStartSeconds * 1_000)
            input.answer(HostFault.noAnswer.description)
        }
        defer { timeout.cancel() }
        for await answer in input.started { return answer }
        return HostFault.streamEnded.description
    }

    private func write(_ bytes: [UInt8], to stream: UInt64, _ input: CommandInput) async throws {
        var rest: ArraySlice<UInt8> = bytes[...]
        while !rest.isEmpty {
            let granted: Int = try await input.gate.take(upTo: min(rest.count, Limits.hostLogChunkBytes))
            try await send(.input(ExecInput(stream: stream, bytes: Array(rest.prefix(granted)))))
            rest = rest.dropFirst(granted)
        }
    }

    private func grant(_ stream: UInt64, _ bytes: UInt64) async {
        // A stream that broke ends by itself.
        try? await send(.credit(StreamCredit(stream: stream, bytes: bytes)))
    }

    private func cancel(_ stream: UInt64) {
        guard let open: OpenStream = streams.withLock({ $0.open.removeValue(forKey: stream) }) else { return }
        open.output.cancel()
        open.input?.gate.close()
        Task(executorPreference: room.loop) { try? await self.send(.cancel(stream: stream)) }
    }

    // MARK: From the host

    func pass(_ chunk: HostProtocol.LogChunk) {
        guard let open: OpenStream = streams.withLock({ $0.open[chunk.stream] }) else { return }
        let text: [UInt8] = chunk.time.map { Array("\($0) ".utf8) + chunk.bytes } ?? chunk.bytes
        let piece = OutputChunk(isError: chunk.kind == .stderr, bytes: text)
        guard !open.output.put(.output(piece), cost: chunk.cost) else { return }
        streams.withLock { streams in streams.open[chunk.stream] = nil }
        open.input?.gate.close()
        Task(executorPreference: room.loop) { try? await self.send(.cancel(stream: chunk.stream)) }
    }

    func passCredit(_ credit: StreamCredit) {
        guard let input: CommandInput = streams.withLock({ $0.open[credit.stream] })?.input else { return }
        input.answer(nil)
        input.gate.add(credit.bytes)
    }

    func finish(_ end: LogEnd) {
        finish(end.stream, end.error.map { .failure(HostFault.runtime($0)) } ?? .success(()))
    }

    func finish(_ exit: ExecExit) {
        guard let open: OpenStream = streams.withLock({ $0.open[exit.stream] }), let input: CommandInput = open.input
        else { return }
        if let code: Int64 = exit.code {
            _ = open.output.put(.exit(code: Int(clamping: code)), cost: 0)
            input.answer(nil)
            finish(exit.stream, .success(()))
        } else {
            let error: String = exit.error ?? "the host does not say how the command ended"
            input.answer(error)
            finish(exit.stream, .failure(HostFault.runtime(error)))
        }
    }

    private func finish(_ stream: UInt64, _ end: Result<Void, any Error>) {
        guard let open: OpenStream = streams.withLock({ $0.open.removeValue(forKey: stream) }) else { return }
        open.output.finish(end)
        open.input?.gate.close()
    }

    func endStreams() {
        let open: [OpenStream] = streams.withLock { streams in
            defer { streams.open = [:] }
            streams.isOver = true
            return Array(streams.open.values)
        }
        for stream in open {
            stream.output.finish(.failure(HostFault.streamEnded))
            stream.input?.gate.close()
            stream.input?.answer(HostFault.streamEnded.description)
        }
    }
}
