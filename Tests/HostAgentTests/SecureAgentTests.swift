import Bytes
import HostAgent
import HostProtocol
import JSON
import Logging
import Synchronization
import Testing

@Suite(.timeLimit(.minutes(2))) struct SecureAgentTests {
    static let day: Int64 = 86_400_000
    static let host: String = "drover://\(TestAuthority.cluster)/host/3"

    @Test func `over https the token's authority is trusted, and the stream shows a certificate and no key`()
        async throws
    {
        try await AgentBench.run(authority: try TestAuthority()) { bench in
            let agent: Task<AgentFault?, Never> = try bench.start(token: bench.pinnedToken)
            try await bench.server.welcome()
            try await bench.server.sync([spec("a")])
            try await bench.server.untilCondition("a", .running)
            #expect(bench.server.state.withLock { $0.certified } == [Self.host])
            #expect(bench.server.state.withLock { $0.authorizations.last } == "", "the key stays at home")
            #expect(bench.server.state.withLock { $0.registrations.count } == 1)
            #expect(!bench.logs.records.contains { "\($0.message)".contains("plain text") })
            agent.cancel()
            _ = await agent.value
            // Ever after the token is not needed.
            let again: Task<AgentFault?, Never> = try bench.start(token: nil)
            try await bench.server.welcome(connection: 2)
            #expect(bench.server.state.withLock { $0.certified } == [Self.host, Self.host])
            again.cancel()
            _ = await again.value
            let tls: JSONValue = try #require(try bench.identity()["tls"])
            #expect(tls["privateKey"]?.string?.contains("PRIVATE KEY") == true)
        }
    }

    @Test func `a server of another authority gets nothing, and both fingerprints are named`() async throws {
        let foreign = try TestAuthority()
        try await AgentBench.run(authority: try TestAuthority()) { bench in
            let token: String = "PUBLIC:1:SIGNATURE:\(foreign.pin)"
            let fault: AgentFault? = await (try bench.start(token: token)).value
            let message: String = try #require(fault?.message)
            #expect(message.contains(foreign.pin), "the wanted one: \(message)")
            #expect(message.contains(bench.authority?.pin ?? "-"), "the one that is there: \(message)")
            #expect(bench.server.state.withLock { $0.authorizations } == [], "no token left the host")
        }
    }

    @Test func `a host's certificate makes no server`() async throws {
        let authority = try TestAuthority()
        try await AgentBench.run(authority: authority) { bench in
            let impostor: FakeServer = try .start(authority: authority, role: "host")
            let fault: AgentFault? = await (try bench.start(token: bench.pinnedToken, urls: [impostor.url])).value
            #expect(fault?.message.contains("not one of a server") == true, "\(fault?.message ?? "")")
            #expect(impostor.state.withLock { $0.authorizations } == [])
            await impostor.stop()
        }
    }

    @Test func `https without the fourth part of the token is refused before anything is sent`() async throws {
        try await AgentBench.run(authority: try TestAuthority()) { bench in
            for token in ["PUBLIC:1:SIGNATURE", "PUBLIC:1:SIGNATURE:abc"] {
                let fault: AgentFault? = await (try bench.start(token: token)).value
                #expect(fault?.message.contains("fourth part") == true, "\(fault?.message ?? "")")
            }
            #expect(bench.server.state.withLock { $0.authorizations } == [])
        }
    }

    @Test func `over http a token of four parts works, and the log says that nothing is protected`() async throws {
        try await AgentBench.run { bench in
            let token: String = "PUBLIC:1:SIGNATURE:\(String(repeating: "0a", count: 32))"
            let agent: Task<AgentFault?, Never> = try bench.start(token: token)
            try await bench.server.welcome()
            #expect(bench.logs.records.contains { "\($0.message)".contains("plain text") })
            #expect(bench.server.state.withLock { $0.registrations.first?["certificateRequest"] } == nil)
            #expect(
                bench.server.state.withLock { $0.authorizations.first }
                    == "Basic " + Base64.encode(Array("registrationToken:\(token)".utf8))
            )
            agent.cancel()
            _ = await agent.value
        }
    }

    @Test func `a certificate is renewed before it expires, and the stream comes back with the new one`() async throws {
        try await AgentBench.run(authority: try TestAuthority()) { bench in
            let agent: Task<AgentFault?, Never> = try bench.start(token: bench.pinnedToken)
            try await bench.server.welcome()
            let first: JSONValue = try #require(try bench.identity()["tls"])
            // The next one is valid by both clocks.
            bench.server.state.withLock { $0.certificateSeconds = 365 * 86_400 }
            bench.ahead.store(29 * Self.day, ordering: .relaxed)
            try await bench.server.welcome(connection: 2)
            #expect(bench.server.state.withLock { $0.renewals } == [Self.host], "asked for with the certificate")
            #expect(bench.server.state.withLock { $0.registrations.count } == 1)
            let second: JSONValue = try #require(try bench.identity()["tls"])
            #expect(first["certificate"] != second["certificate"] && first["privateKey"] != second["privateKey"])
            agent.cancel()
            _ = await agent.value
        }
    }

    @Test func `a host that was away longer than its certificate lasts gets a new one for its key`() async throws {
        try await AgentBench.run(authority: try TestAuthority()) { bench in
            let agent: Task<AgentFault?, Never> = try bench.start(token: bench.pinnedToken)
            try await bench.server.welcome()
            agent.cancel()
            _ = await agent.value
            bench.ahead.store(40 * Self.day, ordering: .relaxed)
            bench.server.state.withLock { $0.certificateSeconds = 365 * 86_400 }
            let late: Task<AgentFault?, Never> = try bench.start(token: nil)
            try await bench.server.welcome(connection: 2)
            #expect(
                bench.server.state.withLock { $0.renewals } == ["Basic " + Base64.encode(Array("AK:SK".utf8))]
            )
            #expect(bench.server.state.withLock { $0.certified.last } == Self.host)
            late.cancel()
            _ = await late.value
        }
    }

    @Test func `a certificate that a server does not accept in the handshake is exchanged with the key`() async throws {
        let authority = try TestAuthority()
        try await AgentBench.run(authority: authority) { bench in
            let agent: Task<AgentFault?, Never> = try bench.start(token: bench.pinnedToken)
            try await bench.server.welcome()
            agent.cancel()
            _ = await agent.value
            // It believes the hosts of another authority only.
            let strict: FakeServer = try .start(authority: authority, clients: try TestAuthority())
            let again: Task<AgentFault?, Never> = try bench.start(token: nil, urls: [strict.url])
            try await eventually("a renewal with the key") {
                let renewals: [String] = strict.state.withLock { $0.renewals }
                return renewals.first == "Basic " + Base64.encode(Array("AK:SK".utf8)) ? true : nil
            }
            again.cancel()
            _ = await again.value
            await strict.stop()
        }
    }

    @Test func `a host that registered over http gets its certificate over https with its key and a token's pin`()
        async throws
    {
        let authority = try TestAuthority()
        try await AgentBench.run { bench in
            let plain: Task<AgentFault?, Never> = try bench.start()
            try await bench.server.welcome()
            plain.cancel()
            _ = await plain.value
            let secure: FakeServer = try .start(authority: authority)
            let token: String = "PUBLIC:1:SIGNATURE:\(authority.pin)"
            let agent: Task<AgentFault?, Never> = try bench.start(token: token, urls: [secure.url])
            try await secure.welcome()
            #expect(secure.state.withLock { $0.registrations } == [], "it is the host that it was")
            #expect(secure.state.withLock { $0.certified } == [Self.host])
            agent.cancel()
            _ = await agent.value
            await secure.stop()
        }
    }

    @Test func `a removed host's certificate and key are refused, and its agent ends with code 3`() async throws {
        try await AgentBench.run(authority: try TestAuthority()) { bench in
            let agent: Task<AgentFault?, Never> = try bench.start(token: bench.pinnedToken)
            try await bench.server.welcome()
            bench.server.state.withLock { state in
                state.streamStatus = 401
                state.renewStatus = 403
            }
            await bench.server.disconnect()
            #expect(await agent.value?.exitCode == 3)
        }
    }
}
