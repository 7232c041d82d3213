internal import Bytes
internal import Limits
internal import WebSocket

/// A command's stream in the form `tagged`, and the terminal at this end.
struct ExecChannel: Sendable {
    let socket: WebSocket
    let terminal: TerminalPort
    let hasInput: Bool
    let isTerminal: Bool

    /// Until the command ends; returns its exit code.
    ///
    /// - Throws: ``CommandFailure`` when it could not be run or was lost; `CancellationError`.
    func run() async throws -> Int32 {
        try await withThrowingTaskGroup(of: Int32?.self) { group in
            defer { group.cancelAll() }
            group.addTask { try await takeOutput() }
            if hasInput {
                group.addTask {
                    await giveInput()
                    return nil
                }
            }
            if isTerminal {
                group.addTask {
                    for await _ in terminal.sizeChanges() {
                        guard let size = terminal.size() else { continue }
                        try? await socket.send(text: "size \(size.columns)x\(size.rows)")
                    }
                    return nil
                }
            }
            do {
                while let ended: Int32? = try await group.next() {
                    if let code: Int32 = ended { return code }
                }
            } catch {
                // Only the output's end is told: input that cannot be sent any more follows from it.
                await socket.close()
                throw error
            }
            throw CommandFailure.alreadyTold
        }
    }

    private func takeOutput() async throws -> Int32 {
        do {
            return try await withTaskCancellationHandler {
                try await readOutput()
            } onCancel: {
                Task { await socket.close() }
            }
        } catch let error as CommandFailure {
            throw error
        } catch {
            if Task.isCancelled { throw CancellationError() }
            throw CommandFailure(
                "the connection to the server broke (\(error)); the server ends the command when it notices"
            )
        }
    }

    private func readOutput() async throws -> Int32 {
        while let message: WebSocketMessage = try await socket.receive() {
            guard case .text(let text) = message, let space = text.firstIndex(of: " ") else { continue }
            let rest = String(text[text.index(after: space)...])
            switch text[..<space] {
            case "out": terminal.write(Base64.decode(rest) ?? [], false)
            case "err": terminal.write(Base64.decode(rest) ?? [], true)
            case "exit":
                await socket.close()
                return Int32(rest) ?? 1
            case "fail":
                await socket.close()
                throw CommandFailure(rest.printable)
            default: continue
            }
        }
        try Task.checkCancellation()
        let reason: String = await socket.closeReason.map { $0.reason.isEmpty ? "code \($0.code)" : $0.reason } ?? ""
        throw CommandFailure("the server ended the command's stream: \(reason.printable)")
    }

    private func giveInput() async {
        while let bytes: [UInt8] = await terminal.read() {
            guard (try? await socket.send(text: "in \(Base64.encode(bytes))")) != nil else { return }
        }
        if !Task.isCancelled { try? await socket.send(text: "end") }
    }
}
