package import HostAgentCore
import HostProtocol

/// Commands in containers that exist on paper only.
extension SimulatedRuntime {
    package func exec(
        _ externalID: String,
        _ request: ExecRequest
    ) async throws(OperationFailure) -> any ExecSession {
        guard let container: SimulatedContainer = containers[externalID] else {
            throw OperationFailure("cannot run a command in container \(externalID): there is no such container")
        }
        guard container.shown.phase == .running else { throw ExecFailure.notRunning(container.shown.name) }
        return SimulatedExecSession(request, environment: container.environment)
    }
}

/// A command of a pretend shell, as a session.
///
/// Known are `echo`, `cat`, `yes`, `sleep`, `true`, `false`, `exit`, `stty size`, `printenv`, and `sh`, with `-c` and commands between
/// semicolons or with lines of its input. A terminal echoes nothing.
actor SimulatedExecSession: ExecSession {
    /// Output that nobody has read yet; a command with more waits, as it would on a pipe.
    private static let pipeBytes: Int = 64 * 1024

    private var shell: SimulatedShell
    private let request: ExecRequest
    private var output: [LogPiece] = []
    private var outputBytes: Int = 0
    private var isClosed: Bool = false
    private var reader: CheckedContinuation<Void, Never>?
    private var writers: [CheckedContinuation<Void, Never>] = []

    init(_ request: ExecRequest, environment: [String: String]) {
        self.request = request
        shell = SimulatedShell(request, environment: environment)
        shell.start()
        // Without input there is nothing to wait for.
        if !request.hasInput { shell.endOfInput() }
    }

    func read() async throws(OperationFailure) -> LogPiece? {
        while true {
            if isClosed || Task.isCancelled { return nil }
            collect()
            if !output.isEmpty {
                let piece: LogPiece = output.removeFirst()
                outputBytes -= piece.bytes.count
                wakeWriters()
                return piece
            }
            if shell.code != nil { return nil }
            await withTaskCancellationHandler {
                await withCheckedContinuation { continuation in
                    if Task.isCancelled { continuation.resume() } else { reader = continuation }
                }
            } onCancel: {
                Task { await self.wakeReader() }
            }
        }
    }

    func write(_ bytes: [UInt8]) async throws(OperationFailure) {
        while outputBytes >= Self.pipeBytes, !isClosed, shell.code == nil {
            await withCheckedContinuation { writers.append($0) }
        }
        guard !isClosed else { return }
        shell.input(bytes)
        collect()
        wakeReader()
    }

    func finishInput() async {
        guard !request.isTerminal else { return }
        shell.endOfInput()
        collect()
        wakeReader()
    }

    func resize(columns: Int, rows: Int) async {
        guard request.isTerminal else { return }
        shell.size = (columns, rows)
    }

    func exitCode() async -> Int32? { shell.code }

    nonisolated func close() { Task { await self.end() } }

    private func end() {
        isClosed = true
        wakeReader()
        wakeWriters()
    }

    /// What the shell wrote since.
    private func collect() {
        if output.isEmpty { shell.goOn() }
        for (isError, bytes) in shell.takeOutput() {
            let kind: LogKind = request.isTerminal ? .tty : isError ? .stderr : .stdout
            output.append(LogPiece(kind: kind, bytes: request.isTerminal ? Self.onTerminal(bytes) : bytes))
            outputBytes += output.last?.bytes.count ?? 0
        }
    }

    private static func onTerminal(_ bytes: [UInt8]) -> [UInt8] {
        bytes.flatMap { $0 == 0x0A ? [0x0D, 0x0A] : [$0] }
    }

    private func wakeReader() {
        reader?.resume()
        reader = nil
    }

    private func wakeWriters() {
        let waiting: [CheckedContinuation<Void, Never>] = writers
        writers = []
        for writer in waiting { writer.resume() }
    }
}
