import Bytes
import EventLoop
import Glibc
import HTTP
import JSON
import Subprocess
import Synchronization
import Testing

/// A cluster whose nodes are typed by hand: `server init`, `join` and `run` on addresses of the loopback network of their own.
///
/// Nobody starts again what ends, so that what operators do to folders of nodes that are down can be tried.
final class HandRig: Sendable {
    let folder: String
    private let network: Int
    private let loop: EventLoop
    let client: HTTPClient
    private let key = Mutex<(access: String, secret: String)>(("", ""))
    private let running = Mutex<[String: ChildProcess]>([:])

    static func run(_ body: (HandRig) async throws -> Void) async throws {
        try await withFolder { folder in
            let rig = HandRig(folder, try .start())
            do {
                try await body(rig)
                await rig.end()
            } catch {
                print(rig.logs)
                await rig.end()
                throw error
            }
        }
    }

    private init(_ folder: String, _ loop: EventLoop) {
        self.folder = folder
        self.loop = loop
        network = Int(getpid()) % 200 + 20
        client = HTTPClient(loop: loop)
    }

    private func end() async {
        let children: [ChildProcess] = running.withLock { Array($0.values) }
        for child in children { child.kill() }
        for child in children { _ = await child.wait() }
        client.close()
        await loop.stop()
    }

    /// The administrator's key; or whoever's a test asks with for a while.
    var credentials: (access: String, secret: String) {
        get { key.withLock { $0 } }
        set { key.withLock { $0 = newValue } }
    }

    // MARK: Nodes

    func data(_ name: String) -> String { "\(folder)/\(name)" }

    func address(_ name: String) -> String { "127.88.\(network).\(Int(name.drop { !$0.isNumber }) ?? 0)" }

    func options(_ name: String) -> [String] {
        let address: String = address(name)
        return [
            "--data", data(name), "--name", name, "--http", "\(address):8080", "--https", "\(address):8443", "--peer",
            "\(address):9080",
        ]
    }

    func peer(_ name: String) -> String { "\(address(name)):9080" }

    /// Founds a cluster and lets others join until these are its voters.
    func found(_ names: [String]) async throws {
        let made: Ended = try await drover(["server", "init"] + options(names[0]) + ["--output", "json"]).ends(0)
        let printed: JSONValue = try JSONReader.parse(made.out)
        let pair: (String, String) = (
            try #require(printed["accessKey"]?.string), try #require(printed["secretKey"]?.string)
        )
        key.withLock { $0 = pair }
        try start(names[0])
        for name in names.dropFirst() { try await join(name, through: names[0]) }
        try await voters(names.count, through: names[0])
    }

    func join(_ name: String, through node: String) async throws {
        let token: String = try await wait(for: "a join token") {
            let made = try await api("POST", "cluster?action=createtoken", [:], node: node)
            return made.body["token"]?.string
        }
        try await drover(["server", "join"] + options(name) + ["--token", token, "--peer-url", peer(node)]).ends(0)
        try start(name)
    }

    func voters(_ count: Int, through node: String) async throws {
        try await wait(for: "\(count) voters", seconds: 60) {
            let status = try await api("GET", "cluster", node: node)
            return (status.body["members"]?.array ?? []).count { ["leader", "voter"].contains($0["role"]?.string) }
                == count
        }
    }

    func start(_ name: String) throws { try spawn(name, ["server", "run", "--data", data(name)]) }

    /// A host with the simulated runtime that speaks HTTPS with all of these nodes.
    func host(_ name: String, nodes: [String]) async throws {
        let token: String = try await wait(for: "a registration token") {
            try await api("POST", "projects/1a5/registrationtokens", [:], node: nodes[0]).body["token"]?.string
        }
        try spawn(
            name,
            ["agent"] + nodes.flatMap { ["--url", "https://\(address($0)):8443"] } + [
                "--token", token, "--data", data(name), "--runtime", "simulated", "--name", name, "--address",
                "127.99.\(network).1",
            ]
        )
        try await wait(for: "\(name) to be active") { try await isActive(name, node: nodes[0]) }
    }

    func isActive(_ host: String, node: String) async throws -> Bool {
        let hosts = try await api("GET", "projects/1a5/hosts", node: node)
        return (hosts.body["data"]?.array ?? []).contains {
            $0["hostname"]?.string == host && $0["agentState"]?.string == "active"
        }
    }

    private func spawn(_ name: String, _ arguments: [String]) throws {
        let child: ChildProcess = try .spawn(
            SubprocessCommand(
                Program.path,
                arguments,
                environment: Program.environment(["HOME": folder]),
                workingDirectory: folder
            ),
            standardOutput: .appendTo("\(folder)/\(name).log"),
            standardError: .appendTo("\(folder)/\(name).log"),
            ownGroup: false
        )
        running.withLock { $0[name] = child }
    }

    func kill9(_ name: String) async throws {
        let child: ChildProcess = try #require(running.withLock { $0.removeValue(forKey: name) })
        child.kill()
        _ = await child.wait()
    }

    /// As a service manager does, and returns when it has ended.
    func stop(_ name: String) async throws {
        let child: ChildProcess = try #require(running.withLock { $0.removeValue(forKey: name) })
        child.terminate()
        let status: SubprocessStatus = await child.wait()
        try #require(status == .exited(code: 0), "\(name) ended with \(status)")
    }

    func log(_ name: String) -> String { Files.read("\(folder)/\(name).log") ?? "" }

    private var logs: String {
        Files.names(in: folder).filter { $0.hasSuffix(".log") }.map { file in
            let lines: [Substring] = (Files.read("\(folder)/\(file)") ?? "").split(separator: "\n")
            return "=== \(file): the last of \(lines.count) lines\n" + lines.suffix(40).joined(separator: "\n") + "\n"
        }.joined()
    }

    // MARK: Asking

    /// A command of the command line, as the administrator of the node when one is named.
    func drover(_ arguments: [String], node: String? = nil, seconds: Int = 90) async throws -> Ended {
        var environment: [String: String] = ["HOME": folder]
        if let node {
            let key: (access: String, secret: String) = key.withLock { $0 }
            environment["DROVER_URL"] = "http://\(address(node)):8080"
            environment["DROVER_ACCESS_KEY"] = key.access
            environment["DROVER_SECRET_KEY"] = key.secret
        }
        return try await Program.run(arguments, environment: environment, folder: folder, seconds: seconds)
    }

    func api(
        _ method: String,
        _ path: String,
        _ body: JSONValue? = nil,
        node: String
    ) async throws -> (status: Int, body: JSONValue, revision: Int64) {
        let key: (access: String, secret: String) = key.withLock { $0 }
        var request = HTTPRequest(
            method: method,
            target: "/v2-beta/\(path)",
            headers: ["Authorization": "Basic " + Base64.encode(Array("\(key.access):\(key.secret)".utf8))]
        )
        if let body {
            request.headers["Content-Type"] = "application/json"
            request.body = JSONWriter.bytes(body)
        }
        let answer: HTTPClientResponse = try await client.send(request, to: .tcp(host: address(node), port: 8080))
        let revision: Int64 = answer.headers["x-api-revision"].flatMap { Int64($0) } ?? -1
        return (answer.status, (try? JSONReader.parse(answer.body)) ?? .null, revision)
    }

    /// Makes a stack through a node, once it answers.
    func stack(_ name: String, node: String) async throws {
        try await wait(for: "the stack \(name)") {
            try await api("POST", "projects/1a5/stacks", ["name": .string(name)], node: node).status == 201
        }
    }

    func stacks(node: String) async throws -> Set<String> {
        try await wait(for: "the stacks through \(node)") {
            let answer = try await api("GET", "projects/1a5/stacks?limit=-1", node: node)
            guard answer.status == 200 else { return nil }
            return Set(answer.body["data"]?.array?.compactMap { $0["name"]?.string } ?? [])
        }
    }
}
