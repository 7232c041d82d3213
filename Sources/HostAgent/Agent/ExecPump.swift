import HostAgentCore
import HostProtocol
import HostRuntime
import Limits

/// Carries one command: its input from the server, its output and its end to the server.
struct ExecPump: Sendable {
    let output: OutputSender
    let order: ExecOrder
    let externalID: String
    let feed: ExecFeed

    /// Until the command ends, the stream breaks or the task is cancelled.
    func run() async {
        do {
            let request = ExecRequest(
                command: order.command,
                isTerminal: order.isTerminal,
                hasInput: order.hasInput,
                columns: order.columns.map { Int(clamping: $0) },
                rows: order.rows.map { Int(clamping: $0) }
            )
            let running: any ExecSession = try await output.agent.runtime.exec(externalID, request)
            let code: Int32? = try await withTaskCancellationHandler {
                try await carry(running)
            } onCancel: {
                running.close()
            }
            try await end(code, nil)
        } catch let failure as OperationFailure {
            try? await end(nil, failure.message)
        } catch {
            // The stream to the server broke: there is nobody to tell.
            return
        }
    }

    private func carry(_ running: any ExecSession) async throws -> Int32? {
        defer { running.close() }
        // That it runs is said also where there is no input to give credit for.
        try await grant(order.hasInput ? UInt64(Limits.hostStreamCreditBytes) : 0)
        return try await withThrowingTaskGroup(of: Void.self) { group in
            defer { group.cancelAll() }
            group.addTask { try await carryInput(running) }
            group.addTask {
                for await size in feed.sizes { await running.resize(columns: size.columns, rows: size.rows) }
            }
            while let piece: LogPiece = try await running.read(), !Task.isCancelled { try await output.send(piece) }
            try Task.checkCancellation()
            let code: Int32? = await running.exitCode()
            // Whatever still waits to write has nobody to write to any more.
            running.close()
            return code
        }
    }

    private func carryInput(_ running: any ExecSession) async throws {
        var used: UInt64 = 0
        for await piece in feed.input {
            try await running.write(piece.bytes)
            if piece.isLast { return await running.finishInput() }
            used += piece.cost
            guard used >= UInt64(Limits.hostStreamCreditBytes / 2) else { continue }
            try await grant(used)
            used = 0
        }
    }

    private func grant(_ bytes: UInt64) async throws {
        try await send(.credit(StreamCredit(stream: order.stream, bytes: bytes)))
    }

    private func end(_ code: Int32?, _ error: String?) async throws {
        guard !Task.isCancelled else { return }
        let unknown: String? = code == nil ? "the command ended, but its exit code could not be found out" : nil
        try await send(
            .exit(ExecExit(stream: order.stream, code: code.map { Int64($0) }, error: error ?? unknown))
        )
    }

    private func send(_ message: AgentMessage) async throws {
        try await output.session.send(AgentFrame(await output.agent.stamp, message))
    }
}

/// What the server sent for a command and the command has not taken yet; bounded by the credit that was given for it.
struct ExecFeed: Sendable {
    struct Size: Sendable {
        var columns: Int
        var rows: Int
    }

    let input: AsyncStream<ExecInput>
    /// Only the newest counts.
    let sizes: AsyncStream<Size>
    private let stream: UInt64
    private let inputEnd: AsyncStream<ExecInput>.Continuation
    private let sizesEnd: AsyncStream<Size>.Continuation

    init(stream: UInt64) {
        self.stream = stream
        (input, inputEnd) = AsyncStream.makeStream(
            // Each piece costs at least so much of the credit.
            bufferingPolicy: .bufferingOldest(Limits.hostStreamCreditBytes / Limits.hostStreamPieceCost)
        )
        (sizes, sizesEnd) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
    }

    /// Returns false when more came than there was credit for.
    func take(_ bytes: [UInt8], isLast: Bool) -> Bool {
        guard bytes.count <= Limits.hostStreamCreditBytes else { return false }
        if case .dropped = inputEnd.yield(ExecInput(stream: stream, bytes: bytes, isLast: isLast)) { return false }
        return true
    }

    func resize(columns: UInt64, rows: UInt64) {
        sizesEnd.yield(Size(columns: Int(clamping: columns), rows: Int(clamping: rows)))
    }
}
