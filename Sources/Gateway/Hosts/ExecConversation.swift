import Limits
import WebSocket

/// One command and its client.
struct ExecConversation: Sendable {
    let socket: WebSocket
    let form: ExecForm

    /// Until the command ends, the client goes, or the task is cancelled; then the command is ended, too.
    func carry(_ running: ExecStream, hasOutput: Bool) async {
        await withTaskCancellationHandler {
            await withTaskGroup(of: Void.self) { group in
                group.addTask {
                    await takeInput(running)
                    running.cancel()
                }
                group.addTask {
                    // Also while input is held up, and nothing is read from the client.
                    while (try? await Task.sleep(for: .seconds(Limits.streamPingSeconds))) != nil {
                        guard (try? await socket.ping()) != nil else { return running.cancel() }
                    }
                }
                await giveOutput(running, hasOutput: hasOutput)
                running.cancel()
                group.cancelAll()
            }
        } onCancel: {
            running.cancel()
        }
    }

    /// Says why there is no command, or no more of it.
    func fail(_ reason: String) async {
        switch form {
        case .base64:
            let text = OutputChunk(isError: true, bytes: Array((reason + "\r\n").utf8))
            try? await socket.send(text: form.output(text))
        case .tagged: try? await socket.send(text: "fail \(reason)")
        }
        await socket.close(code: 1011, reason: reason)
    }

    private func takeInput(_ running: ExecStream) async {
        while let message: WebSocketMessage = try? await socket.receive() {
            switch form.word(message) {
            // A command that has ended takes nothing: its end is on its way.
            case .input(let bytes)?: try? await running.write(bytes)
            case .end?: try? await running.finishInput()
            case .size(let size)?: try? await running.resize(size)
            case nil:
                await socket.close(code: 1003, reason: "this is no message that the stream of a command has")
                return
            }
        }
    }

    private func giveOutput(_ running: ExecStream, hasOutput: Bool) async {
        do {
            for try await event in running.events {
                switch event {
                case .output(let chunk):
                    if hasOutput { try await socket.send(text: form.output(chunk)) }
                case .exit(let code):
                    // Clients of the original take a closing with any reason for a failure.
                    guard form == .tagged else { return await socket.close(code: 1000) }
                    try await socket.send(text: "exit \(code)")
                    return await socket.close(code: 1000, reason: "exit \(code)")
                }
            }
        } catch {
            await fail("The command is lost: \(error).")
        }
    }
}
