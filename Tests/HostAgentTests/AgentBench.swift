import Glibc
import HostAgent
import HostProtocol
import HostRuntime
import JSON
import Logging
import Synchronization
import TestSupport
import Testing

/// A data folder and a fake server, and agents that come and go.
final class AgentBench: Sendable {
    let server: FakeServer
    private let kept = Folder()
    let logs = CapturingLogSink()
    let authority: TestAuthority?
    /// How far the agent's clock is ahead of the true time, in milliseconds.
    let ahead = Atomic<Int64>(0)

    init(authority: TestAuthority? = nil) throws {
        self.authority = authority
        server = try .start(authority: authority)
    }

    /// Runs `body` beside nothing yet, and cleans up after it.
    static func run(
        authority: TestAuthority? = nil,
        _ body: (AgentBench) async throws -> Void
    ) async throws {
        let bench = try AgentBench(authority: authority)
        do {
            try await body(bench)
        } catch {
            await bench.end()
            throw error
        }
        await bench.end()
    }

    private func end() async { await server.stop() }

    /// The agent's data.
    var folder: String { "\(kept.path)/agent" }

    /// A token that names the authority of this bench.
    var pinnedToken: String { "PUBLIC:1:SIGNATURE:\(authority?.pin ?? "")" }

    func configuration(token: String? = "TOKEN", urls: [String] = []) throws -> AgentConfiguration {
        AgentConfiguration(
            urls: try (urls.isEmpty ? [server.url] : urls).map { try ServerURL($0) },
            token: token,
            dataFolder: folder,
            runtime: .simulated,
            labels: ["zone": "b"],
            address: "127.1.0.9",
            hostname: "alpha",
            now: { WallClock.milliseconds() + self.ahead.load(ordering: .relaxed) }
        )
    }

    func start(token: String? = "TOKEN", urls: [String] = []) throws -> Task<AgentFault?, Never> {
        let configuration: AgentConfiguration = try configuration(token: token, urls: urls)
        let logger = Logger(label: "agent", level: .debug, sink: logs)
        return Task {
            do throws(AgentFault) {
                try await Agent.run(configuration, logger: logger)
                return nil
            } catch {
                return error
            }
        }
    }

    /// The agent's identity as it stands on disk.
    func identity() throws -> JSONValue {
        guard let bytes: [UInt8] = try StateFile(path: "\(folder)/identity.json").read() else { return .null }
        return try JSONReader.parse(bytes)
    }

    /// What the simulated runtime keeps.
    func containers() throws -> [String: String] {
        guard let bytes: [UInt8] = try StateFile(path: "\(folder)/simulated.json").read() else { return [:] }
        var phases: [String: String] = [:]
        for each in try JSONReader.parse(bytes)["containers"]?.array ?? [] {
            phases[each["uuid"]?.string ?? ""] = each["phase"]?.string
        }
        return phases
    }
}

func spec(_ uuid: String, generation: UInt64 = 1, revision: UInt64 = 1, command: [String] = []) -> InstanceSpec {
    InstanceSpec(
        uuid: uuid,
        number: 1,
        name: "web-\(uuid)",
        goal: .running,
        generation: generation,
        revision: revision,
        launch: ["imageUuid": "docker:busybox", "command": JSONValue(command)]
    )
}
