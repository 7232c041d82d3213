import Bytes
import HostAgent
import HostProtocol
import HostRuntime
import JSON
import Logging
import Synchronization
import Testing

@Suite(.timeLimit(.minutes(2))) struct AgentTests {
    @Test func `an agent registers once, connects with its key, runs what it is told and reports it`() async throws {
        try await AgentBench.run { bench in
            let agent: Task<AgentFault?, Never> = try bench.start()
            let hello: Hello = try await bench.server.welcome()
            #expect(hello.facts.hostname == "alpha")
            #expect(hello.facts.address == "127.1.0.9")
            #expect(hello.facts.runtime == "simulated")
            #expect(hello.facts.labels["zone"] == "b")
            #expect(hello.facts.memory > 0)
            #expect(hello.knownIncarnation == nil)
            try await bench.server.sync([spec("a")])
            try await bench.server.untilCondition("a", .running)
            #expect(bench.server.reports.first?.isFull == true)
            #expect(bench.server.last("a")?.startCount == 1)
            agent.cancel()
            #expect(await agent.value == nil)
            #expect(try bench.containers() == ["a": "running"])

            let registrations: [JSONValue] = bench.server.state.withLock { $0.registrations }
            #expect(registrations.count == 1)
            #expect(registrations.first?["key"]?.string == hello.facts.hostUUID)
            let authorizations: [String] = bench.server.state.withLock { $0.authorizations }
            #expect(authorizations.first == "Basic " + Base64.encode(Array("registrationToken:TOKEN".utf8)))
            #expect(authorizations.last == "Basic " + Base64.encode(Array("AK:SK".utf8)))
        }
    }

    @Test func `an agent that starts again is the same host, holds what it held and restarts no container`()
        async throws
    {
        try await AgentBench.run { bench in
            let first: Task<AgentFault?, Never> = try bench.start()
            let hello: Hello = try await bench.server.welcome()
            try await bench.server.sync([spec("a")])
            try await bench.server.untilCondition("a", .running)
            first.cancel()
            _ = await first.value
            let second: Task<AgentFault?, Never> = try bench.start(token: nil)
            let again: Hello = try await bench.server.welcome(connection: 2)
            #expect(again.facts.hostUUID == hello.facts.hostUUID)
            #expect(again.knownIncarnation == "aa")
            #expect(again.knownRevision == 2)
            try await bench.server.untilCondition("a", .running)
            #expect(bench.server.last("a")?.startCount == 1)
            #expect(bench.server.state.withLock { $0.registrations.count } == 1)
            second.cancel()
            _ = await second.value
        }
    }

    @Test func `frames of an old epoch and of another cluster delete and double nothing`() async throws {
        try await AgentBench.run { bench in
            bench.server.state.withLock { $0.epoch = 5 }
            let agent: Task<AgentFault?, Never> = try bench.start()
            try await bench.server.welcome()
            try await bench.server.sync([spec("a")])
            try await bench.server.untilCondition("a", .running)
            let order = Sync(
                isFull: true,
                instances: [spec("b", revision: 9)],
                tombstones: [Tombstone(uuid: "a", number: 1, generation: 1, revision: 9)]
            )
            try await bench.server.send(.sync(order), FrameStamp(incarnation: "aa", epoch: 4, revision: 99))
            try await bench.server.send(.sync(order), FrameStamp(incarnation: "bb", epoch: 9, revision: 99))
            try await bench.server.send(.ping)
            try await eventually("pong") {
                bench.server.state.withLock { $0.frames.contains { $0.message == .pong } } ? true : nil
            }
            #expect(try bench.containers() == ["a": "running"])
            #expect(bench.logs.records.filter { $0.message == "frame refused" }.count == 2)
            agent.cancel()
            _ = await agent.value
        }
    }

    @Test func `a stream that breaks is opened again, with a full report`() async throws {
        try await AgentBench.run { bench in
            let agent: Task<AgentFault?, Never> = try bench.start()
            try await bench.server.welcome()
            try await bench.server.sync([spec("a")])
            try await bench.server.untilCondition("a", .running)
            await bench.server.disconnect()
            try await bench.server.welcome(connection: 2)
            try await eventually("full report") { bench.server.reports.first { $0.isFull } }
            #expect(bench.server.last("a")?.condition == .running)
            // Only a tombstone removes.
            try await bench.server.sync([])
            try await eventually("orphan") { bench.server.reports.last?.orphans?.first?.uuid == "a" ? true : nil }
            #expect(try bench.containers() == ["a": "running"])
            try await bench.server.sync([], tombstones: [Tombstone(uuid: "a", number: 1, generation: 1, revision: 9)])
            try await bench.server.untilCondition("a", .gone)
            #expect(try bench.containers() == [:])
            agent.cancel()
            _ = await agent.value
        }
    }

    @Test func `output of a container comes as it is asked for, and ends with a word`() async throws {
        try await AgentBench.run { bench in
            let agent: Task<AgentFault?, Never> = try bench.start()
            try await bench.server.welcome()
            try await bench.server.sync([spec("a", command: ["sh", "-c", "exit 3"])])
            try await bench.server.untilCondition("a", .stopped)
            #expect(bench.server.last("a")?.exitCode == 3)
            try await bench.server.send(
                .logs(LogsRequest(stream: 4, uuid: "a", follow: true, lines: 1, timestamps: true))
            )
            try await bench.server.send(.logs(LogsRequest(stream: 5, uuid: "none", follow: false)))
            let end: LogEnd = try await eventually("the end of stream 4") {
                bench.server.state.withLock { state in
                    state.frames.compactMap { frame -> LogEnd? in
                        if case .logEnd(let end) = frame.message, end.stream == 4 { end } else { nil }
                    }.first
                }
            }
            #expect(end.error == nil)
            let chunks: [LogChunk] = bench.server.state.withLock { state in
                state.frames.compactMap { if case .log(let chunk) = $0.message { chunk } else { nil } }
            }
            #expect(chunks.map { String(decoding: $0.bytes, as: UTF8.self) } == ["web-a: ends with code 3\n"])
            #expect(chunks.first?.time != nil)
            try await eventually("the refusal of stream 5") {
                bench.server.state.withLock { state in
                    state.frames.contains { frame in
                        if case .logEnd(let end) = frame.message { end.stream == 5 && end.error != nil } else { false }
                    }
                } ? true : nil
            }
            agent.cancel()
            _ = await agent.value
        }
    }

    @Test func `a foreign or expired token ends the agent with the server's reason`() async throws {
        try await AgentBench.run { bench in
            bench.server.state.withLock { $0.registerStatus = 401 }
            let fault: AgentFault? = await (try bench.start()).value
            #expect(fault?.exitCode == 1)
            #expect(fault?.message.contains("foreign") == true)
            #expect(fault?.message.contains("token") == true)
        }
    }

    @Test func `a host that was removed ends its agent with code 3 and keeps its containers`() async throws {
        try await AgentBench.run { bench in
            let agent: Task<AgentFault?, Never> = try bench.start()
            try await bench.server.welcome()
            try await bench.server.sync([spec("a")])
            try await bench.server.untilCondition("a", .running)
            bench.server.state.withLock { $0.streamStatus = 401 }
            await bench.server.disconnect()
            let fault: AgentFault? = await agent.value
            #expect(fault?.exitCode == 3)
            #expect(try bench.containers() == ["a": "running"])
        }
    }

    @Test func `a folder in use by another agent is refused, naming its process`() async throws {
        try await AgentBench.run { bench in
            let agent: Task<AgentFault?, Never> = try bench.start()
            try await bench.server.welcome()
            let fault: AgentFault? = await (try bench.start()).value
            #expect(fault?.message.contains("in use by process") == true, "\(fault?.message ?? "")")
            agent.cancel()
            _ = await agent.value
        }
    }

    @Test func `without a token, a host that is not registered says what it needs`() async throws {
        try await AgentBench.run { bench in
            let fault: AgentFault? = await (try bench.start(token: nil)).value
            #expect(fault?.message.contains("--token") == true)
        }
    }

    @Test func `auto does not fall back to a simulation`() async throws {
        try await AgentBench.run { bench in
            var configuration: AgentConfiguration = try bench.configuration()
            configuration.runtime = .auto
            configuration.dockerHost = "unix:///tmp/no-such-engine.sock"
            let logger = Logger(label: "agent", level: .debug, sink: bench.logs)
            do throws(AgentFault) {
                try await Agent.run(configuration, logger: logger)
                Issue.record("it ran")
            } catch {
                #expect(error.message.contains("no container runtime works here"))
            }
        }
    }
}

struct ServerURLTests {
    @Test(arguments: [
        ("http://h:8080", "http://h:8080"), ("http://h", "http://h:80"), ("http://h:1/v2-beta/", "http://h:1"),
        ("http://h:1/a/b/v1/scripts/TOKEN?x=1", "http://h:1/a/b"), ("http://[::1]:8080/", "http://[::1]:8080"),
        ("https://h", "https://h:443"), ("https://h:8443/v2-beta", "https://h:8443"),
    ])
    func `addresses that people have at hand are understood`(text: String, shown: String) throws {
        #expect(try ServerURL(text).description == shown)
    }

    @Test(arguments: ["", "h:80", "https://", "ftp://h", "http://", "http://h:99999", "http://u@h", "http://[::1"])
    func `others are refused`(text: String) {
        #expect(throws: AgentFault.self) { try ServerURL(text) }
    }
}
