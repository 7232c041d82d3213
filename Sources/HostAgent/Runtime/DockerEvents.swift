import EventLoop
import Glibc
import HostAgentCore
import HTTP
import JSON
import Limits

/// Listens to what happens to containers of this host, and listens again when the engine hangs up.
struct DockerEvents: Sendable {
    let engine: DockerEngine
    let hostUUID: String
    let loop: EventLoop

    /// Those that change what is reported; health checks and commands run inside are none.
    private static let kinds: [String] = [
        "create", "start", "die", "destroy", "oom", "pause", "unpause", "rename",
    ]

    /// Ends when its task is cancelled.
    func run(_ continuation: AsyncStream<RuntimeEvent>.Continuation) async {
        var wait: Int = 500
        while !Task.isCancelled {
            if await listen(continuation) { wait = 500 }
            do {
                try await loop.sleep(milliseconds: wait)
            } catch {
                break
            }
            wait = min(wait * 2, 15_000)
        }
        continuation.finish()
    }

    /// Until the engine hangs up; whether it ever spoke.
    private func listen(_ continuation: AsyncStream<RuntimeEvent>.Continuation) async -> Bool {
        let filters: JSONValue = [
            "type": ["container"], "label": .array([.string("\(DockerLabels.host)=\(hostUUID)")]),
            "event": JSONValue(Self.kinds),
        ]
        // The engine answers before it listens; what happens in between it tells because of `since`.
        let since: Int = max(0, time(nil) - 1)
        let answer: HTTPAnswer
        do {
            answer = try await engine.open(
                "GET",
                "/events",
                query: [
                    ("filters", String(decoding: JSONWriter.bytes(filters), as: UTF8.self)),
                    ("since", String(since)),
                ],
                "listen to events",
                pieceSeconds: nil
            )
        } catch {
            return false
        }
        defer { answer.close() }
        guard answer.status == 200 else { return false }
        continuation.tell(.interrupted)
        var lines = LineSplitter(limitBytes: Limits.hostEngineLineBytes)
        while let bytes = try? await answer.next() {
            for line in lines.add(bytes) {
                guard let event: JSONValue = try? JSONReader.parse(line),
                    let uuid: String = event["Actor"]?["Attributes"]?[DockerLabels.instance]?.string
                else { continue }
                continuation.tell(.changed(uuid: uuid))
            }
        }
        return true
    }
}
