import EventLoop
package import HostAgentCore
import HostProtocol
import HTTP
import JSON
import Limits

/// Commands in containers of an engine (Engine API: `POST /containers/{id}/exec`, `POST /exec/{id}/start`).
extension DockerRuntime {
    package func exec(
        _ externalID: String,
        _ request: ExecRequest
    ) async throws(OperationFailure) -> any ExecSession {
        let name: String = String(externalID.prefix(12))
        let doing: String = "run a command in container \(name)"
        // Whoever asks, commands run only in containers of this host.
        guard let there: DockerInspection = try await look(externalID) else {
            throw OperationFailure("cannot \(doing): there is no such container")
        }
        guard let container = there.container(hostUUID: hostUUID) else {
            throw OperationFailure("cannot \(doing): it does not carry this host's label")
        }
        guard container.phase == .running else { throw ExecFailure.notRunning(container.name) }
        let id: String = try await createExec(externalID, request, container.name, doing)
        let answer: HTTPUpgrade = try await startExec(id, request, doing)
        switch answer {
        case .switched(_, let stream, let leftover):
            let session = DockerExecSession(
                engine: engine,
                id: id,
                containerID: externalID,
                request: request,
                stream: stream,
                leftover: leftover
            )
            if request.isTerminal, let columns: Int = request.columns, let rows: Int = request.rows {
                // Engines from 25 on have it from the start; for the others it is said now.
                await session.resize(columns: columns, rows: rows)
            }
            return session
        case .refused(let response):
            let message: String =
                (try? JSONReader.parse(response.body))?["message"]?.string ?? "the engine answered \(response.status)"
            guard let code: Int32 = ExecFailure.code(of: message) else {
                throw OperationFailure("cannot \(doing): \(message)")
            }
            return FailedExec(message: message, code: code, isTerminal: request.isTerminal)
        }
    }

    private func createExec(
        _ externalID: String,
        _ request: ExecRequest,
        _ name: String,
        _ doing: String
    ) async throws(OperationFailure) -> String {
        var body: JSONObject = [
            "Cmd": JSONValue(request.command), "Tty": .bool(request.isTerminal),
            "AttachStdin": .bool(request.hasInput), "AttachStdout": true, "AttachStderr": true,
        ]
        if request.isTerminal, let columns: Int = request.columns, let rows: Int = request.rows {
            body["ConsoleSize"] = [JSONValue(rows), JSONValue(columns)]
        }
        let answer: DockerEngine.Answer = try await engine.call(
            "POST",
            "/containers/\(path(externalID))/exec",
            body: .object(body),
            doing
        )
        switch answer.status {
        case 201:
            guard let id: String = answer.body["Id"]?.string else {
                throw OperationFailure("cannot \(doing): the engine's answer has no id")
            }
            return id
        case 404: throw OperationFailure("cannot \(doing): there is no such container")
        case 409 where answer.message.contains("not running"): throw ExecFailure.notRunning(name)
        default: throw OperationFailure("cannot \(doing): \(answer.message)")
        }
    }

    private func startExec(
        _ id: String,
        _ request: ExecRequest,
        _ doing: String
    ) async throws(OperationFailure) -> HTTPUpgrade {
        let body: JSONValue = ["Detach": false, "Tty": .bool(request.isTerminal)]
        var start: HTTPRequest = engine.request("POST", "/exec/\(path(id))/start", [], body)
        start.headers["Connection"] = "Upgrade"
        start.headers["Upgrade"] = "tcp"
        do {
            return try await engine.client.upgrade(start, to: engine.endpoint)
        } catch {
            throw engine.unreachable(doing, error)
        }
    }
}

/// What goes wrong with commands, in the same words for every runtime.
enum ExecFailure {
    static func notRunning(_ name: String) -> OperationFailure {
        OperationFailure("cannot run a command in container \(name): it does not run; start it first")
    }

    /// 127 or 126 when the message of a runtime says that the program is not there, or may not be run.
    static func code(of message: String) -> Int32? {
        if message.contains("executable file not found") || message.contains("no such file or directory") { return 127 }
        if message.contains("permission denied") || message.contains("exec format error") { return 126 }
        return message.contains("OCI runtime exec failed") ? 126 : nil
    }
}

/// A command that could not be run, as a session: it says why, and has its code.
actor FailedExec: ExecSession {
    private var message: [UInt8]?
    private let code: Int32
    private let isTerminal: Bool

    init(message: String, code: Int32, isTerminal: Bool) {
        self.message = Array((message + (isTerminal ? "\r\n" : "\n")).utf8)
        self.code = code
        self.isTerminal = isTerminal
    }

    func read() async throws(OperationFailure) -> LogPiece? {
        defer { message = nil }
        return message.map { LogPiece(kind: isTerminal ? .tty : .stderr, bytes: $0) }
    }

    func write(_ bytes: [UInt8]) async throws(OperationFailure) {}
    func finishInput() async {}
    func resize(columns: Int, rows: Int) async {}
    func exitCode() async -> Int32? { code }
    nonisolated func close() {}
}
