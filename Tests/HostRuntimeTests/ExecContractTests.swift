import HostAgentCore
import HostProtocol
import HostRuntime
import Testing

/// Commands in containers, alike for every runtime.
@Suite(.serialized, .timeLimit(.minutes(2))) struct ExecContractTests {
    @Test(arguments: RuntimeUnderTest.available)
    func `a command's output comes, the two kinds apart, and then its code`(kind: RuntimeUnderTest) async throws {
        try await run(kind) { runtime, container in
            let request = ExecRequest(command: ["sh", "-c", "echo one; echo two >&2; exit 3"])
            let ended = try await finish(try await runtime.exec(container, request))
            #expect(ended.output[.stdout] == "one\n")
            #expect(ended.output[.stderr] == "two\n")
            #expect(ended.code == 3)
        }
    }

    @Test(arguments: RuntimeUnderTest.available)
    func `words reach the program as they are`(kind: RuntimeUnderTest) async throws {
        try await run(kind) { runtime, container in
            let ended = try await finish(
                try await runtime.exec(container, ExecRequest(command: ["echo", "a  b", "$HOME;"]))
            )
            #expect(ended.output == [.stdout: "a  b $HOME;\n"])
            #expect(ended.code == 0)
        }
    }

    @Test(arguments: RuntimeUnderTest.available)
    func `what is written is what the command reads, up to the end`(kind: RuntimeUnderTest) async throws {
        try await run(kind) { runtime, container in
            let session: any ExecSession = try await runtime.exec(
                container,
                ExecRequest(command: ["cat"], hasInput: true)
            )
            let sent: [UInt8] = (0..<300_000).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ $0 >> 8) }
            let writing = Task {
                for start in stride(from: 0, to: sent.count, by: 10_000) {
                    try await session.write(Array(sent[start..<start + 10_000]))
                }
                await session.finishInput()
            }
            var received: [UInt8] = []
            while let piece: LogPiece = try await session.read() {
                #expect(piece.kind == .stdout)
                received += piece.bytes
            }
            try await writing.value
            #expect(received == sent)
            #expect(await session.exitCode() == 0)
            session.close()
        }
    }

    @Test(arguments: RuntimeUnderTest.available)
    func `without input a command that reads sees the end at once`(kind: RuntimeUnderTest) async throws {
        try await run(kind) { runtime, container in
            let ended = try await finish(try await runtime.exec(container, ExecRequest(command: ["cat"])))
            #expect(ended.output.isEmpty)
            #expect(ended.code == 0)
        }
    }

    @Test(arguments: RuntimeUnderTest.available)
    func `a terminal has the size that it was given, and the one that it is given later`(
        kind: RuntimeUnderTest
    ) async throws {
        try await run(kind) { runtime, container in
            let session: any ExecSession = try await runtime.exec(
                container,
                ExecRequest(command: ["sh"], isTerminal: true, hasInput: true, columns: 123, rows: 45)
            )
            try await session.write(Array("stty size\n".utf8))
            var seen: String = try await read(session, until: "45 123")
            await session.resize(columns: 99, rows: 11)
            try await session.write(Array("stty size\n".utf8))
            seen = try await read(session, until: "11 99")
            #expect(!seen.isEmpty)
            try await session.write(Array("exit 7\n".utf8))
            while let piece: LogPiece = try await session.read() { #expect(piece.kind == .tty) }
            #expect(await session.exitCode() == 7)
            session.close()
        }
    }

    @Test(arguments: RuntimeUnderTest.available)
    func `a program that is not there is 127, with a text that names it`(kind: RuntimeUnderTest) async throws {
        try await run(kind) { runtime, container in
            let ended = try await finish(
                try await runtime.exec(container, ExecRequest(command: ["no-such-program", "x"]))
            )
            #expect(ended.code == 127)
            #expect(ended.output.values.joined().contains("no-such-program"))
        }
    }

    @Test(arguments: RuntimeUnderTest.available)
    func `a container that does not run, or is not there, is an error that says so`(
        kind: RuntimeUnderTest
    ) async throws {
        try await run(kind) { runtime, container in
            _ = try await runtime.stop(container)
            await #expect {
                _ = try await runtime.exec(container, ExecRequest(command: ["echo"]))
            } throws: {
                ($0 as? OperationFailure)?.message.contains("it does not run; start it first") == true
            }
            await #expect {
                _ = try await runtime.exec("none", ExecRequest(command: ["echo"]))
            } throws: {
                ($0 as? OperationFailure)?.message.contains("there is no such container") == true
            }
        }
    }

    @Test(arguments: RuntimeUnderTest.available)
    func `a command that is closed lets its reader go`(kind: RuntimeUnderTest) async throws {
        try await run(kind) { runtime, container in
            let session: any ExecSession = try await runtime.exec(
                container,
                ExecRequest(command: ["sleep", "1000"], hasInput: true)
            )
            let reading = Task { while let _ = try? await session.read() {} }
            session.close()
            await reading.value
            // The container itself goes on.
            #expect(try await runtime.inspect(uuid: "exec-1")?.phase == .running)
        }
    }

    @Test(arguments: RuntimeUnderTest.available)
    func `output without end is made no faster than it is read`(kind: RuntimeUnderTest) async throws {
        try await run(kind) { runtime, container in
            let session: any ExecSession = try await runtime.exec(container, ExecRequest(command: ["yes"]))
            var count: Int = 0
            while count < 2_000_000, let piece: LogPiece = try await session.read() { count += piece.bytes.count }
            #expect(count >= 2_000_000)
            session.close()
        }
    }

    // MARK: What they share

    private func run(
        _ kind: RuntimeUnderTest,
        _ body: (any ContainerRuntime, _ externalID: String) async throws -> Void
    ) async throws {
        try await kind.run { runtime in
            let made = try await runtime.create(spec("exec-1", image: kind.image))
            _ = try await runtime.start(made.externalID)
            try await body(runtime, made.externalID)
        }
    }

    private func finish(_ session: any ExecSession) async throws -> (output: [LogKind: String], code: Int32?) {
        var output: [LogKind: String] = [:]
        while let piece: LogPiece = try await session.read() {
            output[piece.kind, default: ""] += String(decoding: piece.bytes, as: UTF8.self)
        }
        let code: Int32? = await session.exitCode()
        session.close()
        return (output, code)
    }

    private func read(_ session: any ExecSession, until text: String) async throws -> String {
        var seen: String = ""
        while !seen.contains(text), let piece: LogPiece = try await session.read() {
            seen += String(decoding: piece.bytes, as: UTF8.self)
        }
        #expect(seen.contains(text))
        return seen
    }
}
