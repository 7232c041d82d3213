@testable import HostAgent
import HostProtocol
import HostRuntime
import JSON
import Logging
import Synchronization
import TestSupport
import Testing

@Suite(.timeLimit(.minutes(2))) struct FailoverTests {
    @Test(arguments: [false, true])
    func `an agent learns of the other servers and goes there when its own dies`(isSecure: Bool) async throws {
        let authority: TestAuthority? = isSecure ? try TestAuthority() : nil
        try await AgentBench.run(authority: authority) { bench in
            let other: FakeServer = try .start(authority: authority)
            bench.server.state.withLock { $0.servers = [bench.server.url, other.url, "ftp://no", "http://10.0.0.1:1"] }
            let agent: Task<AgentFault?, Never> = try bench.start(token: isSecure ? bench.pinnedToken : "T")
            try await bench.server.welcome()
            try await bench.server.sync([spec("a")])
            try await bench.server.untilCondition("a", .running)
            await bench.server.stop()
            // What it held is known by every server of the cluster.
            other.state.withLock { $0.revision = 2 }
            let hello: Hello = try await other.welcome()
            #expect(hello.knownRevision == 2)
            try await other.untilCondition("a", .running)
            #expect(other.last("a")?.startCount == 1)
            agent.cancel()
            _ = await agent.value
            // Written down: after a restart the server that is left is found, though nobody names it.
            let again: Task<AgentFault?, Never> = try bench.start(token: nil)
            try await other.welcome(connection: 2)
            again.cancel()
            _ = await again.value
            await other.stop()
        }
    }

    @Test func `servers told of on the stream are kept on disk, of the agent's own scheme`() async throws {
        try await AgentBench.run { bench in
            let agent: Task<AgentFault?, Never> = try bench.start()
            try await bench.server.welcome(servers: ["https://h:1", "http://h:2"])
            let kept: () throws -> [JSONValue]? = {
                guard let bytes: [UInt8] = try StateFile(path: "\(bench.folder)/servers.json").read() else {
                    return nil
                }
                return try JSONReader.parse(bytes)["servers"]?.array
            }
            try await eventually("servers.json") { try kept() == ["http://h:2"] ? true : nil }
            try await bench.server.send(.servers(["http://h:3", "http://0.0.0.0:1", "http://h:4/"]))
            try await eventually("servers.json") { try kept() == ["http://h:3", "http://h:4"] ? true : nil }
            agent.cancel()
            _ = await agent.value
        }
    }

    @Test func `an environment that moves costs no wait, and the host stays at its server`() async throws {
        try await AgentBench.run { bench in
            let other: FakeServer = try .start()
            let agent: Task<AgentFault?, Never> = try bench.start(urls: [bench.server.url, other.url])
            try await bench.server.welcome()
            bench.server.state.withLock { $0.epoch = 2 }
            try await bench.server.send(.moved(withinMilliseconds: 0))
            let hello: Hello = try await bench.server.welcome(connection: 2)
            #expect(hello.knownEpoch == 2)
            #expect(other.state.withLock { $0.connections } == 0)
            #expect(bench.logs.records.contains { $0.message == "leaving the server's stream" })
            agent.cancel()
            _ = await agent.value
            await other.stop()
        }
    }

    @Test func `a host that only one server refuses goes to the others`() async throws {
        try await AgentBench.run { bench in
            let other: FakeServer = try .start()
            bench.server.state.withLock { $0.streamStatus = 401 }
            let agent: Task<AgentFault?, Never> = try bench.start(urls: [bench.server.url, other.url])
            try await other.welcome()
            agent.cancel()
            _ = await agent.value
            await other.stop()
        }
    }

    @Test func `addresses of two schemes are refused`() async throws {
        try await AgentBench.run { bench in
            let fault: AgentFault? = await (try bench.start(urls: ["http://h:1", "https://h:2"])).value
            #expect(fault?.message.contains("falls back") == true)
        }
    }
}

struct ServerRoundTests {
    private let servers: [ServerURL]

    init() throws {
        servers = try ["http://a:1", "http://b:1", "http://c:1", "http://d:1"].map { try ServerURL($0) }
    }

    private func rest(_ round: inout ServerRound, _ seed: UInt64) -> [ServerURL] {
        var random = Seeded(seed)
        var tried: [ServerURL] = []
        while let url: ServerURL = round.next(given: [servers[0], servers[1]], learned: servers, using: &random) {
            tried.append(url)
        }
        return tried
    }

    @Test func `a round tries each server once, those of the configuration first`() {
        for seed: UInt64 in 0..<50 {
            var round = ServerRound()
            let tried: [ServerURL] = rest(&round, seed)
            #expect(tried.count == 4 && Set(tried) == Set(servers) && tried.prefix(2) == servers.prefix(2))
            let again: [ServerURL] = rest(&round, seed)
            #expect(Set(again) == Set(servers) && again.last == tried.last, "the one that just failed comes last")
        }
    }

    @Test func `the server that broke comes last, the one that said goodbye first`() {
        var firsts: Set<ServerURL> = []
        for seed: UInt64 in 0..<50 {
            var round = ServerRound()
            round.begin(.without(servers[2]))
            let tried: [ServerURL] = rest(&round, seed)
            #expect(tried.last == servers[2])
            firsts.insert(tried[0])
            round.begin(.with(servers[2]))
            #expect(rest(&round, seed).first == servers[2])
        }
        #expect(firsts.count == 3, "hosts do not all go to the same one")
    }
}
