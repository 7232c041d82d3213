import EventLoop
import Glibc
import HostAgentCore
import HostProtocol
import JSON
import Limits
import Synchronization

/// A command in an engine's container, over the connection that the engine turned into its input and output.
actor DockerExecSession: ExecSession {
    private static let readBytes: Int = 32 * 1024

    private let engine: DockerEngine
    private let id: String
    private let containerID: String
    private let request: ExecRequest
    private let stream: any ByteStream
    private var leftover: [UInt8]
    private var demultiplexer: LogDemultiplexer
    private var waiting: [LogPiece] = []
    /// The first bytes of the output: where the engine says that it could not run the program.
    private var opening: [UInt8] = []
    private var inputIsClosed: Bool = false
    private let hasEnded = Atomic<Bool>(false)
    private let isClosed = Atomic<Bool>(false)

    init(
        engine: DockerEngine,
        id: String,
        containerID: String,
        request: ExecRequest,
        stream: any ByteStream,
        leftover: [UInt8]
    ) {
        self.engine = engine
        self.id = id
        self.containerID = containerID
        self.request = request
        self.stream = stream
        self.leftover = leftover
        demultiplexer = LogDemultiplexer(isTerminal: request.isTerminal)
    }

    private var name: String { String(containerID.prefix(12)) }

    func read() async throws(OperationFailure) -> LogPiece? {
        while waiting.isEmpty {
            let bytes: [UInt8] = try await nextBytes()
            guard !bytes.isEmpty else {
                hasEnded.store(true, ordering: .sequentiallyConsistent)
                return nil
            }
            if opening.count < 512 { opening.append(contentsOf: bytes.prefix(512)) }
            guard let pieces = demultiplexer.add(bytes) else {
                close()
                throw OperationFailure(
                    "the engine's output of a command in \(name) is not in the form that its API promises"
                )
            }
            waiting = pieces.map { LogPiece(kind: $0.kind, bytes: $0.bytes) }
        }
        return waiting.removeFirst()
    }

    private func nextBytes() async throws(OperationFailure) -> [UInt8] {
        if !leftover.isEmpty {
            defer { leftover = [] }
            return leftover
        }
        do {
            return try await stream.read(upTo: Self.readBytes, before: .never)
        } catch {
            if isClosed.load(ordering: .sequentiallyConsistent) || Task.isCancelled { return [] }
            throw OperationFailure("the command in container \(name) is lost: its stream broke (\(error))")
        }
    }

    func write(_ bytes: [UInt8]) async throws(OperationFailure) {
        guard !bytes.isEmpty, !inputIsClosed else { return }
        // What cannot be written any more nobody reads: the end of the output, and the code, say the rest.
        do { try await stream.write(bytes, before: .never) } catch { inputIsClosed = true }
    }

    func finishInput() async {
        guard !inputIsClosed, !request.isTerminal else { return }
        inputIsClosed = true
        await stream.finishWriting()
    }

    func resize(columns: Int, rows: Int) async {
        guard request.isTerminal else { return }
        // A terminal of the wrong size is no reason to end a session.
        _ = try? await engine.call(
            "POST",
            "/exec/\(id)/resize",
            query: [("h", String(rows)), ("w", String(columns))],
            "set the size of a terminal in container \(name)"
        )
    }

    func exitCode() async -> Int32? {
        // The engine closes the stream a moment before it has the code.
        for _ in 0..<100 {
            guard let state: JSONValue = await inspect() else { return nil }
            if state["Running"]?.bool == false, let code: Int64 = state["ExitCode"]?.int {
                return corrected(Int32(truncatingIfNeeded: code))
            }
            guard (try? await stream.loop.sleep(milliseconds: 50)) != nil else { return nil }
        }
        return nil
    }

    /// Engines before 28 say 126 also when there is no such program.
    private func corrected(_ code: Int32) -> Int32 {
        let text = String(decoding: opening, as: UTF8.self)
        guard code == 126, text.contains("OCI runtime exec failed") else { return code }
        return ExecFailure.code(of: text) ?? code
    }

    private func inspect() async -> JSONValue? {
        let answer: DockerEngine.Answer? = try? await engine.call("GET", "/exec/\(id)/json", "look at a command")
        return answer?.status == 200 ? answer?.body : nil
    }

    nonisolated func close() {
        guard !isClosed.exchange(true, ordering: .sequentiallyConsistent) else { return }
        stream.close()
        guard !hasEnded.load(ordering: .sequentiallyConsistent) else { return }
        Task(executorPreference: stream.loop) { await self.endProcess() }
    }

    /// The engine leaves a command alone whose client went away, and has no call to end it: its process is told.
    private func endProcess() async {
        for signal in [SIGHUP, SIGKILL] {
            guard let state: JSONValue = await inspect(), state["Running"]?.bool == true,
                let pid: Int32 = state["Pid"]?.int.flatMap({ Int32(exactly: $0) }), pid > 1,
                // Only where the engine's numbers are this machine's, and the process is of that container.
                Self.controlGroups(of: pid).contains(containerID)
            else { return }
            kill(pid, signal)
            guard (try? await stream.loop.sleep(milliseconds: Limits.subprocessGraceSeconds * 1_000)) != nil else {
                return
            }
        }
    }

    private static func controlGroups(of pid: Int32) -> String {
        (try? StateFile(path: "/proc/\(pid)/cgroup").read()).flatMap { $0 }.map { String(decoding: $0, as: UTF8.self) }
            ?? ""
    }
}
