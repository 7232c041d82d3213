import EventLoop
import Glibc
import HTTP
import HostAgentCore
import HostProtocol
@testable import HostRuntime
import JSON
import Subprocess
import Testing

/// What the contract is tried on.
enum RuntimeUnderTest: String, CaseIterable, CustomTestStringConvertible, Sendable {
    case simulated, docker, oci, process

    var testDescription: String { rawValue }

    /// An image that is there, with a shell.
    var image: String {
        switch self {
        case .simulated, .docker: "docker:\(DockerForTests.image)"
        case .oci, .process: "docker:tar:\(RootForTests.archive)"
        }
    }
    var missingImage: String { self == .simulated ? "docker:fail-pull:1" : "docker:127.0.0.1:9/none:1" }
    /// Whether something runs at all.
    var isReal: Bool { self != .simulated }

    /// Those that work on this machine; the tests of the suite say which do not, and why.
    static let available: [RuntimeUnderTest] =
        [.simulated] + (DockerForTests.mayRun ? [.docker] : []) + (OCIForTests.refusal == nil ? [.oci] : [])
        + (geteuid() == 0 ? [.process] : [])
    static let real: [RuntimeUnderTest] = available.filter(\.isReal)
    /// Those whose containers the agent keeps itself.
    static let supervised: [RuntimeUnderTest] = available.filter { $0 == .oci || $0 == .process }

    /// Runs `body` with a runtime for a host of its own, and removes what it left.
    func run(
        address: String = "127.1.0.77",
        _ body: (any ContainerRuntime) async throws -> Void
    ) async throws {
        try await runAgain(address: address) { again in try await body(try await again()) }
    }

    /// As ``run(address:_:)``, with what makes a runtime for the host: each time as an agent does that starts again.
    func runAgain(
        address: String = "127.1.0.77",
        _ body: (() async throws -> any ContainerRuntime) async throws -> Void
    ) async throws {
        let loop: EventLoop = try .start()
        let host: String = "host-\(UInt64.random(in: 0 ... .max))"
        let folder: String = "\(RootForTests.folder)/\(host)"
        let again: () async throws -> any ContainerRuntime = { try await make(host, folder, address, loop) }
        do {
            try await body(again)
            await Self.clean(try await again(), folder)
        } catch {
            if let runtime = try? await again() { await Self.clean(runtime, folder) }
            await loop.stop()
            throw error
        }
        await loop.stop()
    }

    private func make(
        _ host: String,
        _ folder: String,
        _ address: String,
        _ loop: EventLoop
    ) async throws -> any ContainerRuntime {
        switch self {
        case .simulated:
            try FolderTree.make(folder)
            return try SimulatedRuntime(address: address, path: "\(folder)/simulated.json")
        case .docker:
            try await DockerForTests.shared.prepare()
            return try await DockerRuntime.connect(
                socketPath: try DockerForTests.socketPath(),
                hostUUID: host,
                address: address,
                importFolder: folder,
                loop: loop
            )
        case .oci, .process:
            return try await SupervisedRuntime.connect(
                self == .oci ? .oci : .process,
                SupervisedOptions(folder: folder, hostUUID: host, address: address, executable: RootForTests.drover),
                loop: loop
            )
        }
    }

    private static func clean(_ runtime: any ContainerRuntime, _ folder: String) async {
        for container in (try? await runtime.inventory()) ?? [] { try? await runtime.remove(container.externalID) }
        try? FolderTree.remove(folder)
    }
}

/// Whether an OCI runtime works on this machine.
enum OCIForTests {
    static var isRequired: Bool { getenv("DROVER_REQUIRE_OCI") != nil }
    /// Why not; nil where it does.
    static let refusal: String? = {
        if geteuid() != 0 { return "only root may make namespaces here" }
        if ShimProcess.find("crun") == nil, ShimProcess.find("runc") == nil {
            return "neither crun nor runc is installed"
        }
        guard let result = try? ShimProcess.run("unshare", ["-mnpiu", "true"]), result.code == 0 else {
            return "this machine permits no namespaces"
        }
        return nil
    }()
}

/// Files that the tests of runtimes share: the root of a small system, and the executable that supervises.
enum RootForTests {
    static let folder: String = "/tmp/drover-runtime-tests-\(getpid())"
    /// A root file system with a shell and some programs; nothing was downloaded for it.
    static let archive: String = {
        let file: String = "\(folder)/busybox.tar"
        try? FolderTree.make(folder)
        let result = try? ShimProcess.run("sh", ["-c", "\(script)  tar -C $root -c -f \(file) .; rm -r $root"])
        precondition(result?.code == 0, "no root file system for the tests: \(result?.said ?? "")")
        return file
    }()
    static let script: String = """
        set -e; root=$(mktemp -d); mkdir -p $root/bin $root/tmp $root/etc; cp "$(command -v busybox)" $root/bin/busybox
        for name in sh sleep echo httpd nc cat stty yes touch id pwd mkdir ls hostname kill true wget ip; do
            ln -s busybox $root/bin/$name
        done
        echo 'root:x:0:0:root:/root:/bin/sh
        app:x:1234:4321::/home/app:/bin/sh' | sed 's/^ *//' > $root/etc/passwd
        echo 'app:x:4321:
        more:x:77:app' | sed 's/^ *//' > $root/etc/group

        """
    /// Beside the test bundle; else where `swift build` puts it.
    static let drover: String = {
        let arguments: [String] = CommandLine.arguments
        if let index: Int = arguments.firstIndex(of: "--test-bundle-path"), index + 1 < arguments.count {
            let beside: String = "\(FolderTree.parent(of: arguments[index + 1]))/drover"
            if access(beside, X_OK) == 0 { return beside }
        }
        let root: String = FolderTree.parent(of: FolderTree.parent(of: FolderTree.parent(of: #filePath)))
        return "\(root)/.build/debug/drover"
    }()
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
        let script: String = RootForTests.script + "tar -C $root -c .; rm -r $root"
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
