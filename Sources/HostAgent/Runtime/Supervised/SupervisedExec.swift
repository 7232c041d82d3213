import EventLoop
import Glibc
package import HostAgentCore
import HostProtocol
import JSON
import Subprocess
import Synchronization

/// Commands in containers that are supervised: each has a supervisor of its own, which ends it when the connection to it is closed.
extension SupervisedRuntime {
    package func exec(
        _ externalID: String,
        _ request: ExecRequest
    ) async throws(OperationFailure) -> any ExecSession {
        guard let (folder, plan) = own(externalID) else {
            throw OperationFailure("cannot run a command in container \(externalID): there is no such container")
        }
        guard try show(folder, plan).phase == .running else { throw ExecFailure.notRunning(plan.name) }
        let doing: String = "run a command in container \(plan.name)"
        // Not in the data folder, whose path may be too long for a socket.
        try MachineAddresses.makeFolder()
        let path: String = "\(MachineAddresses.folder)/exec-\(getpid()).\(UInt64.random(in: 0 ... .max))"
        let order = ExecOrder(
            folder: folder.path,
            command: request.command,
            isTerminal: request.isTerminal,
            hasInput: request.hasInput,
            columns: request.columns ?? 0,
            rows: request.rows ?? 0
        )
        do {
            let result: SubprocessResult = try await Subprocess.run(
                SubprocessCommand(options.executable, SupervisorProcess.arguments("launch-exec", path)),
                input: JSONWriter.bytes(order.json)
            )
            guard result.status.isSuccess else {
                throw OperationFailure("cannot \(doing): \(result.outputText)", isTransient: true)
            }
            let stream: any ByteStream = try await loop.connect(to: .unix(path: path), before: .after(seconds: 10))
            return SupervisedExecSession(stream, request, plan.name)
        } catch let failure as OperationFailure {
            throw failure
        } catch {
            throw OperationFailure("cannot \(doing): \(error)", isTransient: true)
        }
    }
}

/// A command of a supervised container, over the connection to its supervisor.
actor SupervisedExecSession: ExecSession {
    private static let readBytes: Int = 32 * 1024

    private let stream: any ByteStream
    private let request: ExecRequest
    private let name: String
    private var decoder = ExecFrameDecoder()
    private var waiting: [LogPiece] = []
    private var code: Int32?
    private var inputIsClosed: Bool
    private let isClosed = Atomic<Bool>(false)

    init(_ stream: any ByteStream, _ request: ExecRequest, _ name: String) {
        self.stream = stream
        self.request = request
        self.name = name
        inputIsClosed = !request.hasInput
    }

    func read() async throws(OperationFailure) -> LogPiece? {
        while waiting.isEmpty {
            guard code == nil else { return nil }
            let bytes: [UInt8]
            do {
                bytes = try await stream.read(upTo: Self.readBytes, before: .never)
            } catch {
                if isClosed.load(ordering: .sequentiallyConsistent) || Task.isCancelled { return nil }
                throw lost("\(error)")
            }
            if isClosed.load(ordering: .sequentiallyConsistent) { return nil }
            guard !bytes.isEmpty else { throw lost("its supervisor has ended") }
            guard let frames: [ExecFrame] = decoder.add(bytes) else {
                throw lost("its supervisor speaks another language")
            }
            for frame in frames { take(frame) }
        }
        return waiting.removeFirst()
    }

    private func lost(_ cause: String) -> OperationFailure {
        OperationFailure("the command in container \(name) is lost: \(cause)")
    }

    private func take(_ frame: ExecFrame) {
        switch frame.kind {
        case .output: waiting.append(LogPiece(kind: request.isTerminal ? .tty : .stdout, bytes: frame.bytes))
        case .error: waiting.append(LogPiece(kind: request.isTerminal ? .tty : .stderr, bytes: frame.bytes))
        case .exit: code = Int32(truncatingIfNeeded: frame.bytes.reduce(0) { $0 << 8 | Int($1) })
        case .input, .inputEnd, .size: break
        }
    }

    func write(_ bytes: [UInt8]) async throws(OperationFailure) {
        guard !inputIsClosed else { return }
        var rest: ArraySlice<UInt8> = bytes[...]
        while !rest.isEmpty {
            let part: [UInt8] = Array(rest.prefix(Self.readBytes))
            rest = rest.dropFirst(part.count)
            await send(ExecFrame(kind: .input, bytes: part))
        }
    }

    func finishInput() async {
        guard !inputIsClosed, !request.isTerminal else { return }
        inputIsClosed = true
        await send(ExecFrame(kind: .inputEnd, bytes: []))
    }

    func resize(columns: Int, rows: Int) async {
        guard request.isTerminal else { return }
        await send(.size(columns: columns, rows: rows))
    }

    /// What cannot be sent any more nobody waits for: the end of the output, and the code, say the rest.
    private func send(_ frame: ExecFrame) async {
        do { try await stream.write(frame.encoded, before: .never) } catch { inputIsClosed = true }
    }

    func exitCode() async -> Int32? { code }

    nonisolated func close() {
        guard !isClosed.exchange(true, ordering: .sequentiallyConsistent) else { return }
        stream.close()
    }
}
