import Bytes
import EventLoop
import Glibc
import HTTP
import JSON
import Subprocess
import Synchronization
import Testing

/// A development cluster of real processes that belongs to one test.
///
/// What it started is stopped whatever happens; when the test fails, the logs are printed.
final class DevRig: Sendable {
    /// The cluster's data folder, below `folder`.
    let data: String
    /// A folder of the test's own.
    let folder: String
    private let nodes: Int
    private let hosts: Int
    private let runtime: String
    private let more: [String: String]
    let loop: EventLoop
    private let client: HTTPClient
    private let cluster = Mutex<ChildProcess?>(nil)

    /// Starts a cluster, hands it to `body`, stops it, and runs `afterwards`, whatever happened.
    static func run(
        nodes: Int = 1,
        hosts: Int = 2,
        runtime: String = "simulated",
        environment: [String: String] = [:],
        afterwards: (DevRig) async -> Void = { _ in },
        _ body: (DevRig) async throws -> Void
    ) async throws {
        try await withFolder { folder in
            let rig = DevRig(
                folder: folder,
                nodes: nodes,
                hosts: hosts,
                runtime: runtime,
                environment: environment,
                loop: try .start()
            )
            do {
                try await rig.start()
                try await body(rig)
                await rig.end()
                await afterwards(rig)
            } catch {
                // Printed while the folder is there, and before stopping adds to the logs.
                print(rig.logs)
                await rig.end()
                await afterwards(rig)
                throw error
            }
        }
    }

    private init(
        folder: String,
        nodes: Int,
        hosts: Int,
        runtime: String,
        environment: [String: String],
        loop: EventLoop
    ) {
        self.folder = folder
        data = "\(folder)/cluster"
        self.nodes = nodes
        self.hosts = hosts
        self.runtime = runtime
        more = environment
        self.loop = loop
        client = HTTPClient(loop: loop)
    }

    // MARK: Its processes

    func start() async throws {
        unlink("\(data)/access.json")
        let command = SubprocessCommand(
            Program.path,
            [
                "dev", "--nodes", "\(nodes)", "--hosts", "\(hosts)", "--runtime", runtime, "--data", data, "--port",
                "0",
            ],
            environment: Program.environment(["HOME": folder].merging(more) { $1 }),
            workingDirectory: folder
        )
        // Not in a group of its own: ctrl-C on the tests ends it, too.
        let child: ChildProcess = try .spawn(
            command,
            standardOutput: .appendTo("\(folder)/dev.log"),
            standardError: .appendTo("\(folder)/dev.log"),
            ownGroup: false
        )
        cluster.withLock { $0 = child }
        try await wait(for: "access.json", seconds: 90) {
            if let status = child.status { throw RigFailure("drover dev ended: \(status)") }
            return access != nil
        }
    }

    /// As ctrl-C does, and returns when all is down.
    func stop() async throws {
        guard let child: ChildProcess = cluster.withLock({ $0 }) else { return }
        child.signal(SIGINT)
        try await wait(for: "the cluster to stop", seconds: 40) { child.status != nil }
        try #require(child.status == .exited(code: 0))
        try #require(ownProcesses.isEmpty, "processes that outlived their cluster: \(ownProcesses)")
        cluster.withLock { $0 = nil }
    }

    private func end() async {
        if let child: ChildProcess = cluster.withLock({ $0 }) { _ = await child.stop(grace: .seconds(25)) }
        for process in ownProcesses { kill(process, SIGKILL) }
        client.close()
        await loop.stop()
    }

    /// All processes whose command line names this cluster's folder.
    private var ownProcesses: [Int32] {
        Files.names(in: "/proc").compactMap { Int32($0) }.filter { isOwn($0) }
    }

    private func isOwn(_ process: Int32) -> Bool {
        guard let line: String = Files.read("/proc/\(process)/cmdline"),
            Files.linkTarget("/proc/\(process)/exe").hasSuffix("/drover"),
            // Those that stay with their containers outlive the cluster on purpose.
            !line.contains("container-shim\0")
        else { return false }
        return line.contains("\(data)/") || line.contains("\(data)\0")
    }

    /// The process of `node1`, `host1`, …, once it runs.
    func process(_ name: String) -> Int32? {
        let parts: [JSONValue] = (access?["nodes"]?.array ?? []) + (access?["hosts"]?.array ?? [])
        guard let part: JSONValue = parts.first(where: { $0["id"]?.string == name }), let pid = part["pid"]?.int,
            isOwn(Int32(pid))
        else { return nil }
        return Int32(pid)
    }

    /// `kill -9`.
    ///
    /// The cluster starts it again a second later.
    func kill9(_ names: [String]) async throws {
        var processes: [Int32] = []
        for name in names {
            processes.append(try await wait(for: "\(name) to run") { process(name) })
        }
        for process in processes { kill(process, SIGKILL) }
    }

    /// Keeps `drover dev` from starting again what was killed, until ``thaw()``.
    func freeze() { cluster.withLock { $0?.signal(SIGSTOP) } }

    func thaw() { cluster.withLock { $0?.signal(SIGCONT) } }

    // MARK: What it answers

    /// The document of `access.json`, while the cluster is up.
    var access: JSONValue? { Files.read("\(data)/access.json").flatMap { try? JSONReader.parse($0) } }

    /// Of the administrator.
    var key: (access: String, secret: String) {
        get throws {
            guard let access: String = access?["accessKey"]?.string,
                let secret: String = self.access?["secretKey"]?.string
            else { throw RigFailure("access.json has no key") }
            return (access, secret)
        }
    }

    var url: String { access?["url"]?.string ?? "" }
    var endpoint: Endpoint {
        get throws { try Self.endpoint(of: url) }
    }

    /// Where `node1`, `node2`, … answers.
    func url(of node: String) throws -> String {
        let found: JSONValue? = access?["nodes"]?.array?.first { $0["id"]?.string == node }
        guard let url: String = found?["url"]?.string else { throw RigFailure("access.json has no node \(node)") }
        return url
    }

    private static func endpoint(of url: String) throws -> Endpoint {
        guard let port: Int = url.split(separator: ":").last.flatMap({ Int($0) }) else {
            throw RigFailure("access.json has no address")
        }
        return .tcp(host: "127.0.0.1", port: port)
    }

    /// A command of the command line, with this cluster's address and key.
    func run(_ arguments: [String], seconds: Int = 120, environment: [String: String] = [:]) async throws -> Ended {
        try await Program.run(
            arguments,
            environment: ["DROVER_DATA": data, "HOME": folder].merging(environment) { $1 },
            folder: folder,
            seconds: seconds
        )
    }

    /// A request as the administrator, to the first node unless another one is named.
    func api(
        _ method: String,
        _ path: String,
        _ body: JSONValue? = nil,
        node: String? = nil
    ) async throws -> (status: Int, body: JSONValue, revision: Int64) {
        guard let key: String = access?["accessKey"]?.string, let secret: String = access?["secretKey"]?.string else {
            throw RigFailure("access.json has no key")
        }
        var request = HTTPRequest(
            method: method,
            target: "/v2-beta/\(path)",
            headers: ["Authorization": "Basic " + Base64.encode(Array("\(key):\(secret)".utf8))]
        )
        if let body {
            request.headers["Content-Type"] = "application/json"
            request.body = JSONWriter.bytes(body)
        }
        let place: Endpoint = try node.map { try Self.endpoint(of: url(of: $0)) } ?? endpoint
        let answer: HTTPClientResponse = try await client.send(request, to: place)
        let revision: Int64 = answer.headers["x-api-revision"].flatMap { Int64($0) } ?? -1
        return (answer.status, (try? JSONReader.parse(answer.body)) ?? .null, revision)
    }

    /// A request without a key, outside of the API.
    func plain(_ path: String, node: String) async throws -> (status: Int, text: String) {
        let answer: HTTPClientResponse = try await client.send(
            HTTPRequest(method: "GET", target: path),
            to: try Self.endpoint(of: url(of: node))
        )
        return (answer.status, String(decoding: answer.body, as: UTF8.self))
    }

    /// All resources of a type that were not removed, once the API answers.
    func list(_ type: String, node: String? = nil) async throws -> [JSONValue] {
        try await wait(for: "a list of \(type)") {
            try await api("GET", "projects/1a5/\(type)?limit=-1&removed_null=1", node: node).body["data"]?.array
        }
    }

    /// A request without a client: sends the bytes, returns all that comes until the server closes.
    func raw(_ bytes: [UInt8], seconds: Int) async throws -> String {
        let deadline: Deadline = .after(seconds: seconds)
        let stream: SocketStream = try await loop.connect(to: try endpoint, before: deadline)
        defer { stream.close() }
        // The server may refuse, and close, before all is sent.
        try? await stream.write(bytes, before: deadline)
        var answer: [UInt8] = []
        while let piece: [UInt8] = try? await stream.read(upTo: 64 * 1024, before: deadline), !piece.isEmpty {
            answer += piece
        }
        return String(decoding: answer, as: UTF8.self)
    }

    /// A plain GET anywhere, such as at a container.
    func get(_ host: String, _ port: Int, _ path: String = "/") async throws -> String {
        let answer: HTTPClientResponse = try await client.send(
            HTTPRequest(method: "GET", target: path),
            to: .tcp(host: host, port: port)
        )
        guard answer.status == 200 else { throw RigFailure("\(host):\(port)\(path) answers \(answer.status)") }
        return String(decoding: answer.body, as: UTF8.self)
    }

    /// A plain GET of a document.
    func get(_ endpoint: Endpoint, _ target: String) async throws -> JSONValue {
        let request = HTTPRequest(method: "GET", target: target, headers: ["Host": "localhost"])
        return try JSONReader.parse(try await client.send(request, to: endpoint).body)
    }

    /// The ends of all logs, for a test that failed.
    var logs: String {
        var text: String = ""
        let files: [String] =
            ["\(folder)/dev.log"] + Files.names(in: data).filter { $0.hasSuffix(".log") }.map { "\(data)/\($0)" }
        for file in files {
            let lines: [Substring] = (Files.read(file) ?? "").split(separator: "\n")
            text += "=== \(file): the last of \(lines.count) lines\n"
            text += lines.suffix(40).joined(separator: "\n") + "\n"
        }
        return text
    }
}
