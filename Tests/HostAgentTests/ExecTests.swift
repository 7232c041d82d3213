import HostAgent
import HostProtocol
import Limits
import Logging
import Synchronization
import Testing

/// Commands and credit on an agent's stream.
@Suite(.timeLimit(.minutes(1))) struct AgentExecTests {
    /// A bench whose instance `a` runs.
    private func run(_ body: (AgentBench) async throws -> Void) async throws {
        try await AgentBench.run { bench in
            let agent: Task<AgentFault?, Never> = try bench.start()
            try await bench.server.welcome()
            try await bench.server.sync([spec("a")])
            try await bench.server.untilCondition("a", .running)
            try await body(bench)
            agent.cancel()
            _ = await agent.value
        }
    }

    private func order(
        _ stream: UInt64,
        _ command: [String],
        tty: Bool = false,
        input: Bool = false,
        credit: UInt64 = 1_000_000
    ) -> ServerMessage {
        .execute(
            ExecOrder(
                stream: stream,
                uuid: "a",
                command: command,
                isTerminal: tty,
                hasInput: input,
                columns: tty ? 100 : nil,
                rows: tty ? 30 : nil,
                credit: credit
            )
        )
    }

    @Test func `a command is said to run, its output comes, and then its code`() async throws {
        try await run { bench in
            try await bench.server.send(order(9, ["sh", "-c", "echo one; echo two >&2; exit 4"]))
            #expect(try await bench.server.exit(9) == ExecExit(stream: 9, code: 4))
            #expect(bench.server.credits(9) == [0], "said before anything else, and there is no input to give for")
            #expect(bench.server.output(9, .stdout) == "one\n")
            #expect(bench.server.output(9, .stderr) == "two\n")
        }
    }

    @Test func `input, its end and sizes reach the command`() async throws {
        try await run { bench in
            try await bench.server.send(order(9, ["sh"], tty: true, input: true))
            try await bench.server.send(.input(ExecInput(stream: 9, bytes: Array("stty size\n".utf8))))
            try await bench.server.until(9, says: "30 100\r\n")
            try await bench.server.send(.resize(ExecResize(stream: 9, columns: 77, rows: 11)))
            // The size goes beside the input: it is there soon, not at once.
            try await eventually("the new size") {
                try await bench.server.send(.input(ExecInput(stream: 9, bytes: Array("stty size\n".utf8))))
                return bench.server.output(9, .tty).contains("11 77\r\n") ? true : nil
            }
            try await bench.server.send(order(10, ["cat"], input: true))
            try await bench.server.send(.input(ExecInput(stream: 10, bytes: Array("to the end".utf8), isLast: true)))
            #expect(try await bench.server.exit(10).code == 0)
            #expect(bench.server.output(10, .stdout) == "to the end")
            #expect(bench.server.credits(10) == [UInt64(Limits.hostStreamCreditBytes)])
            try await bench.server.send(.input(ExecInput(stream: 9, bytes: Array("exit 5\n".utf8))))
            #expect(try await bench.server.exit(9).code == 5)
        }
    }

    @Test func `no more output is sent than there is credit for, and other streams go on`() async throws {
        try await run { bench in
            try await bench.server.send(order(9, ["yes"], credit: 10_000))
            try await eventually("the credit is used up") { bench.server.cost(9) == 10_000 ? true : nil }
            // Another command lives its whole life meanwhile.
            try await bench.server.send(order(10, ["echo", "hi"]))
            #expect(try await bench.server.exit(10).code == 0)
            #expect(bench.server.cost(9) == 10_000)
            try await bench.server.send(.credit(StreamCredit(stream: 9, bytes: 5_000)))
            try await eventually("the new credit is used up") { bench.server.cost(9) == 15_000 ? true : nil }
            let text: String = bench.server.output(9, .stdout)
            #expect(text == String(String(repeating: "y\n", count: text.utf8.count).prefix(text.utf8.count)))
            try await bench.server.send(.cancel(stream: 9))
            try await bench.server.send(order(11, ["echo", "after"]))
            #expect(try await bench.server.exit(11).code == 0)
            #expect(!bench.server.hasExit(9), "who cancelled wants to hear nothing more")
        }
    }

    @Test func `output that was asked for without a credit is sent as it comes`() async throws {
        try await run { bench in
            try await bench.server.send(.logs(LogsRequest(stream: 4, uuid: "a", follow: false)))
            try await eventually("the end") { bench.server.hasLogEnd(4) ? true : nil }
            #expect(bench.server.cost(4) > 0)
        }
    }

    @Test func `what cannot be run is an exit with a reason`() async throws {
        try await run { bench in
            try await bench.server.send(order(9, ["no-such"]))
            #expect(try await bench.server.exit(9).code == 127)
            try await bench.server.send(
                .execute(ExecOrder(stream: 10, uuid: "none", command: ["id"], credit: 1_000))
            )
            #expect(try await bench.server.exit(10).error?.contains("no container of instance none") == true)
            try await bench.server.sync([spec("b", command: ["exit", "0"])])
            try await bench.server.untilCondition("b", .stopped)
            try await bench.server.send(.execute(ExecOrder(stream: 11, uuid: "b", command: ["id"], credit: 1_000)))
            let exit: ExecExit = try await bench.server.exit(11)
            #expect(exit.code == nil && exit.error?.contains("does not run; start it first") == true)
        }
    }

    @Test func `input beyond its credit ends the command, not the agent`() async throws {
        try await run { bench in
            try await bench.server.send(order(9, ["cat"], input: true, credit: 100))
            let piece = [UInt8](repeating: 0x61, count: 64)
            for _ in 0..<10_000 { try await bench.server.send(.input(ExecInput(stream: 9, bytes: piece))) }
            try await eventually("it is ended") {
                bench.logs.records.contains { "\($0)".contains("more input than it may") } ? true : nil
            }
            try await bench.server.send(order(10, ["echo", "hi"]))
            #expect(try await bench.server.exit(10).code == 0)
        }
    }
}

extension FakeServer {
    private func find<Result>(_ body: ([AgentMessage]) -> Result) -> Result {
        state.withLock { state in body(state.frames.map(\.message)) }
    }

    func exit(_ stream: UInt64) async throws -> ExecExit {
        try await eventually("the exit of \(stream)") {
            find { messages in
                messages.compactMap { if case .exit(let exit) = $0, exit.stream == stream { exit } else { nil } }.first
            }
        }
    }

    func hasExit(_ stream: UInt64) -> Bool {
        find { $0.contains { if case .exit(let exit) = $0 { exit.stream == stream } else { false } } }
    }

    func hasLogEnd(_ stream: UInt64) -> Bool {
        find { $0.contains { if case .logEnd(let end) = $0 { end.stream == stream } else { false } } }
    }

    func credits(_ stream: UInt64) -> [UInt64] {
        find {
            $0.compactMap { if case .credit(let credit) = $0, credit.stream == stream { credit.bytes } else { nil } }
        }
    }

    private func chunks(_ stream: UInt64) -> [LogChunk] {
        find { $0.compactMap { if case .log(let chunk) = $0, chunk.stream == stream { chunk } else { nil } } }
    }

    func cost(_ stream: UInt64) -> UInt64 { chunks(stream).reduce(0) { $0 + $1.cost } }

    func output(_ stream: UInt64, _ kind: LogKind) -> String {
        String(decoding: chunks(stream).filter { $0.kind == kind }.flatMap(\.bytes), as: UTF8.self)
    }

    func until(_ stream: UInt64, says text: String) async throws {
        try await eventually("\(stream) says \(text)") { output(stream, .tty).contains(text) ? true : nil }
    }
}
