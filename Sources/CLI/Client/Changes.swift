internal import JSON
internal import Limits
internal import WebSocket

/// What happens in an environment, as the server tells it.
enum Change: Sendable {
    /// A resource as it is now.
    case resource(JSONObject)
    /// The stream begins, or begins again: what happened before is to be read by GET.
    case connected
    /// A second has passed.
    case tick
}

extension Project {
    /// Changes from now on, for as long as somebody iterates.
    ///
    /// A stream that breaks is opened again.
    func changes() -> AsyncStream<Change> {
        // A change that is dropped because nobody was quick enough is found by the next GET.
        AsyncStream(Change.self, bufferingPolicy: .bufferingNewest(Limits.subscribeQueuedMessages)) { continuation in
            let task = Task {
                await withTaskGroup(of: Void.self) { group in
                    group.addTask { await follow(continuation) }
                    group.addTask {
                        while !Task.isCancelled {
                            try? await Task.sleep(for: .seconds(1))
                            continuation.yield(.tick)
                        }
                    }
                }
                continuation.finish()
            }
            continuation.onTermination = { _ in task.cancel() }
        }
    }

    private func follow(_ continuation: AsyncStream<Change>.Continuation) async {
        var pause: Int = 200
        while !Task.isCancelled {
            do {
                // Pings come every five seconds; a stream without them is dead.
                let socket: WebSocket = try await client.openSocket(
                    "\(base)/subscribe?eventNames=resource.change",
                    silenceMilliseconds: Limits.clientSilenceSeconds * 1_000
                )
                pause = 200
                continuation.yield(.connected)
                while let message: WebSocketMessage = try await socket.receive() {
                    guard case .text(let text) = message, let event: JSONValue = try? JSONReader.parse(text) else {
                        continue
                    }
                    if let resource: JSONObject = event["data"]?["resource"]?.object {
                        continuation.yield(.resource(resource))
                    }
                }
            } catch {
                // Whoever waits also asks by GET, and says what is wrong when that fails, too.
            }
            try? await Task.sleep(for: .milliseconds(pause))
            pause = min(pause * 2, Limits.clientPauseMilliseconds)
        }
    }
}
