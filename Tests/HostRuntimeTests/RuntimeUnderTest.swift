import EventLoop
import Glibc
import HTTP
import HostAgentCore
import HostProtocol
import HostRuntime
import JSON
import Subprocess
import Testing

/// What the contract is tried on.
enum RuntimeUnderTest: String, CaseIterable, CustomTestStringConvertible, Sendable {
    case simulated, docker

    var testDescription: String { rawValue }

    /// An image that is there, with a shell.
    var image: String { "docker:\(DockerForTests.image)" }
    var missingImage: String { self == .docker ? "docker:127.0.0.1:9/none:1" : "docker:fail-pull:1" }

    /// Both where an engine answers; else the simulated one alone, unless the engine is required.
    static let available: [RuntimeUnderTest] = DockerForTests.mayRun ? [.simulated, .docker] : [.simulated]

    /// Runs `body` with a runtime for a host of its own, and removes what it left.
    func run(
        address: String = "127.1.0.77",
        _ body: (any ContainerRuntime) async throws -> Void
    ) async throws {
        let loop: EventLoop = try .start()
        do {
            let runtime: any ContainerRuntime = try await make(address, loop)
            do {
                try await body(runtime)
            } catch {
                await Self.clean(runtime)
                throw error
            }
            await Self.clean(runtime)
        } catch {
            await loop.stop()
            throw error
        }
        await loop.stop()
    }

    private func make(_ address: String, _ loop: EventLoop) async throws -> any ContainerRuntime {
        switch self {
        case .simulated: return try SimulatedRuntime(address: address)
        case .docker:
            try await DockerForTests.shared.prepare()
            return try await DockerRuntime.connect(
                socketPath: try DockerForTests.socketPath(),
                hostUUID: "host-\(UInt64.random(in: 0 ... .max))",
                address: address,
                loop: loop
            )
        }
    }

    private static func clean(_ runtime: any ContainerRuntime) async {
        for container in (try? await runtime.inventory()) ?? [] { try? await runtime.remove(container.externalID) }
    }
}

/// The engine that tests use, and an image in it that nothing was downloaded for.
actor DockerForTests {
    static let shared = DockerForTests()
    static let image: String = "drover-test:1"
    static var isRequired: Bool { getenv("DROVER_REQUIRE_DOCKER") != nil }
    /// A socket is there; or there must be one, and then its absence is a failure of the tests.
    static let mayRun: Bool = isRequired || (try? access(socketPath(), R_OK | W_OK)) == 0

    private var preparation: Task<Void, any Error>?

    static func socketPath() throws -> String {
        try DockerEngine.socketPath(dockerHost: getenv("DOCKER_HOST").map { String(cString: $0) })
    }

    func prepare() async throws {
        let task: Task<Void, any Error> = preparation ?? Task { try await Self.importImage() }
        preparation = task
        try await task.value
    }

    private static func importImage() async throws {
        let script: String = """
            set -e; root=$(mktemp -d); mkdir -p $root/bin $root/tmp; cp "$(command -v busybox)" $root/bin/busybox
            for name in sh sleep echo cat stty yes httpd nc; do ln -s busybox $root/bin/$name; done
            tar -C $root -c .; rm -r $root
            """
        let packed: SubprocessResult = try await Subprocess.run(
            "sh",
            ["-c", script],
            environment: ["PATH": "/usr/bin:/bin:/usr/sbin:/sbin"]
        )
        try #require(packed.status.isSuccess, "\(packed.errorText)")
        let loop: EventLoop = try .start()
        let client = HTTPClient(loop: loop)
        let answer: HTTPClientResponse = try await client.send(
            HTTPRequest(
                method: "POST",
                target: "/images/create?fromSrc=-&repo=drover-test&tag=1",
                headers: ["Host": "docker", "Content-Type": "application/x-tar"],
                body: packed.standardOutput
            ),
            to: .unix(path: try socketPath())
        )
        client.close()
        await loop.stop()
        try #require(answer.status == 200, "\(String(decoding: answer.body, as: UTF8.self))")
    }
}

struct TimedOut: Error, CustomStringConvertible {
    let description: String
}

/// Looks again and again until `condition` gives something, for at most 20 seconds.
func eventually<Result>(
    _ what: String,
    _ condition: () async throws -> Result?
) async throws -> Result {
    let clock = ContinuousClock()
    let end: ContinuousClock.Instant = clock.now + .seconds(20)
    while clock.now < end {
        if let result: Result = try await condition() { return result }
        try await Task.sleep(for: .milliseconds(10))
    }
    throw TimedOut(description: "never: \(what)")
}

func spec(
    _ uuid: String,
    image: String,
    command: [String] = ["sleep", "1000"],
    ports: [String] = [],
    more: JSONObject = [:]
) -> InstanceSpec {
    var launch: JSONObject = [
        "imageUuid": .string(image), "command": JSONValue(command), "ports": JSONValue(ports),
        "stopSignal": "SIGKILL",
    ]
    for (name, value) in more { launch[name] = value }
    return InstanceSpec(
        uuid: uuid,
        number: 7,
        name: "web-app-1",
        goal: .running,
        generation: 1,
        revision: 1,
        launch: launch
    )
}
