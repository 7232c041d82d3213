internal import Compose
internal import HTTP
internal import JSON
internal import Limits
internal import Synchronization
internal import WebSocket

/// Prints the output of containers, side by side.
struct LogFollower {
    struct Options: Sendable {
        var follow: Bool
        var lines: Int = 100
        var timestamps: Bool = false
    }

    let project: Project
    let console: Console
    let options: Options

    /// Ends when all outputs have ended; a container whose output cannot be had does not end the others.
    ///
    /// - Throws: `CancellationError`; ``CommandFailure`` when some output could not be had.
    func run(_ containers: [JSONObject]) async throws {
        let width: Int = containers.count > 1 ? containers.map(\.displayName.count).max() ?? 0 : 0
        let failed: Int = try await withThrowingTaskGroup(of: Bool.self) { group in
            for container in containers {
                let prefix: String = width > 0 ? "\(container.displayName.printable.padded(to: width)) | " : ""
                group.addTask { try await follow(container, prefix: prefix) }
            }
            return try await group.reduce(0) { $0 + ($1 ? 0 : 1) }
        }
        if failed > 0 { throw CommandFailure.alreadyTold }
    }

    /// True when the output came to its end.
    private func follow(_ container: JSONObject, prefix: String) async throws -> Bool {
        let lines = LogLines(console: console, prefix: prefix)
        var wanted: Int = options.lines
        let patience = Patience { [console] in console.note("\(container.displayName): \($0)") }
        while true {
            do {
                let current: Int = wanted
                let socket: WebSocket = try await patience.run { try await open(container.id, lines: current) }
                while let message: WebSocketMessage = try await socket.receive() {
                    if case .text(let text) = message { lines.take(text) }
                }
                lines.flush()
                return true
            } catch is CancellationError {
                throw CancellationError()
            } catch let error where (error is APIFault || error is CommandFailure) {
                console.fail("\(container.displayName): \((error as? CommandFailure)?.message ?? "\(error)")")
                return false
            } catch {
                lines.flush()
                guard options.follow else {
                    console.fail("\(container.displayName): the output broke off: \(error)")
                    return false
                }
                // The new stream begins now: what came meanwhile cannot be told from what was already seen.
                console.note(
                    "\(container.displayName): the output broke off; following again, lines in between may be missing"
                )
                wanted = 0
                try await Task.sleep(for: .milliseconds(500))
            }
        }
    }

    private func open(_ id: String, lines: Int) async throws -> WebSocket {
        guard let container: JSONObject = try await project.get("containers", id) else {
            throw CommandFailure("it is no longer there")
        }
        let access: JSONObject = try await project.act(
            "logs",
            on: container,
            ["follow": .bool(options.follow), "lines": JSONValue(lines), "timestamps": .bool(options.timestamps)]
        )
        guard let url: String = access.text("url"), let token: String = access.text("token") else {
            throw CommandFailure("the server gives no address for its output")
        }
        return try await project.client.openSocket("\(url)?token=\(PercentCoding.encode(token))")
    }
}

/// Puts the pieces of one output together to lines.
final class LogLines: Sendable {
    private let console: Console
    private let prefix: String
    private let rest = Mutex<[String: String]>([:])

    init(console: Console, prefix: String) {
        self.console = console
        self.prefix = prefix
    }

    /// A frame: `01 ` for output or `02 ` for errors, then text.
    ///
    /// Its end is the end of a line, unless the piece is so long that the engine may have cut it.
    func take(_ frame: String) {
        guard let space = frame.utf8.firstIndex(of: UInt8(ascii: " ")) else { return }
        let stream = String(frame[..<space])
        var text = String(frame[frame.utf8.index(after: space)...])
        let mayGoOn: Bool = text.utf8.last != UInt8(ascii: "\n") && text.utf8.count >= Limits.clientLogPieceBytes
        text = rest.withLock { rest in
            let whole: String = (rest.removeValue(forKey: stream) ?? "") + text
            if mayGoOn { rest[stream] = whole }
            return whole
        }
        if !mayGoOn { print(text, stream) }
    }

    /// Prints what has no end of line.
    func flush() {
        let left: [String: String] = rest.withLock { rest in
            defer { rest = [:] }
            return rest
        }
        for (stream, text) in left { print(text, stream) }
    }

    private func print(_ text: String, _ stream: String) {
        var out: String = ""
        var lines = text.split(separator: "\n", omittingEmptySubsequences: false)
        if lines.last?.isEmpty == true, lines.count > 1 { lines.removeLast() }
        for line in lines { out += "\(prefix)\(line)\n" }
        if stream == "02" { console.writeError(out) } else { console.write(out) }
    }
}
