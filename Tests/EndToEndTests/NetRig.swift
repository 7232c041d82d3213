import EventLoop
import Glibc
import JSON
import Subprocess
import Synchronization
import Testing

/// A cluster as operators build one: each node and each host in a network namespace of its own, joined by a bridge, and
/// every command typed as they would type it.
///
/// Links can be cut and healed. Nothing of it is reachable from outside, and all of it is removed at the end.
final class NetRig: Sendable {
    let folder: String
    /// `server init` printed it.
    private let key = Mutex<(access: String, secret: String)?>(nil)
    private let prefix: String
    private let running = Mutex<[String: ChildProcess]>([:])
    private let disk: Disk
    private let shifts = Mutex<[String: Int]>([:])
    private let loops = Mutex<[EventLoop]>([])

    /// What the nodes keep their data on.
    struct Disk: Sendable {
        /// Each node's data folder is a file system of its own, so large; nil: a folder of this machine's.
        var megabytes: Int?
        /// The library of ``FaultShim``; nil: without.
        var shim: String?
    }

    /// Whether this machine lets us make namespaces; tests that need them are skipped visibly where it does not.
    static func mayRun() async -> Bool {
        guard getuid() == 0 else { return false }
        let name: String = "drvtry\(getpid())"
        guard (try? await ip("netns", "add", name)) != nil else { return false }
        let works: Bool = (try? await ip("-n", name, "link", "add", "br0", "type", "bridge")) != nil
        _ = try? await ip("netns", "delete", name)
        return works
    }

    /// Builds the cluster, hands it to `body`, and removes it, whatever happened.
    static func run(
        nodes: Int = 3,
        hosts: Int = 2,
        diskMegabytes: Int? = nil,
        withShim: Bool = false,
        _ body: (NetRig) async throws -> Void
    ) async throws {
        try await withFolder { folder in
            let shim: String? = withShim ? try await FaultShim.compile(into: folder) : nil
            let rig = NetRig(folder: folder, disk: Disk(megabytes: diskMegabytes, shim: shim))
            do {
                try await rig.build(nodes: nodes, hosts: hosts)
                try await body(rig)
                await rig.end()
            } catch {
                print(rig.logs)
                await rig.end()
                throw error
            }
        }
    }

    private init(folder: String, disk: Disk) {
        self.folder = folder
        self.disk = disk
        prefix = "drv\(getpid() % 10_000)"
    }

    private static func address(_ name: String) -> String {
        let number: Int = Int(name.drop { !$0.isNumber }) ?? 0
        return "10.213.0.\(name.hasPrefix("node") ? number : name.hasPrefix("host") ? 100 + number : 200)"
    }

    static func endpoint(_ node: String) -> Endpoint { .tcp(host: address(node), port: 8080) }

    /// As user and password.
    var credentials: (access: String, secret: String)? { key.withLock { $0 } }

    static func url(_ node: String) -> String { "http://\(address(node)):8080" }
    static func httpsURL(_ node: String) -> String { "https://\(address(node)):8443" }

    private func space(_ name: String) -> String { "\(prefix)\(name)" }

    @discardableResult
    private static func ip(_ arguments: String...) async throws -> String { try await command("ip", arguments) }

    @discardableResult
    private static func command(_ program: String, _ arguments: String...) async throws -> String {
        try await command(program, arguments)
    }

    private static func command(_ program: String, _ arguments: [String]) async throws -> String {
        let result: SubprocessResult = try await Subprocess.run(
            SubprocessCommand(program, arguments, environment: Program.environment()),
            deadline: .seconds(20)
        )
        guard result.status == .exited(code: 0) else {
            throw RigFailure("\(program) \(arguments.joined(separator: " ")): \(result.errorText)")
        }
        return result.outputText
    }

    // MARK: Building it

    private func build(nodes: Int, hosts: Int) async throws {
        try await Self.ip("netns", "add", space("sw"))
        try await Self.ip("-n", space("sw"), "link", "add", "br0", "type", "bridge")
        try await Self.ip("-n", space("sw"), "link", "set", "br0", "up")
        let names: [String] =
            (1...nodes).map { "node\($0)" } + (1...max(hosts, 1)).prefix(hosts).map { "host\($0)" } + ["desk"]
        for name in names { try await plug(name) }
        for name in names where name.hasPrefix("node") { try await mount(name) }

        let made: Ended = try await drover(
            ["server", "init"] + nodeOptions("node1") + ["--output", "json"],
            in: "node1"
        ).ends(0)
        let printed: JSONValue = try JSONReader.parse(made.out)
        let access: String = try #require(printed["accessKey"]?.string)
        let secret: String = try #require(printed["secretKey"]?.string)
        key.withLock { $0 = (access, secret) }
        try start("node1")
        for name in names where name.hasPrefix("node") && name != "node1" {
            try await join(name)
            try start(name)
        }
        try await wait(for: "\(nodes) voters", seconds: 60) {
            let status: JSONValue = try await json(["cluster", "status"], through: "node1")
            let voters: Int = (status["members"]?.array ?? []).count {
                ["leader", "voter"].contains($0["role"]?.string)
            }
            return voters == nodes
        }
        let token: String = try #require(
            try await json(["hosts", "token"], through: "node1")["token"]?.string
        )
        for name in names where name.hasPrefix("host") {
            try startHost(name, token: token, servers: names.filter { $0.hasPrefix("node") })
        }
        try await wait(for: "\(hosts) hosts", seconds: 60) {
            let list: [JSONValue] = try await json(["hosts"], through: "node1").array ?? []
            return list.count { $0["agentState"]?.string == "active" } == hosts
        }
    }

    private func plug(_ name: String) async throws {
        let space: String = space(name)
        try await Self.ip("netns", "add", space)
        try await Self.ip("-n", space, "link", "set", "lo", "up")
        try await Self.ip(
            "link",
            "add",
            "eth0",
            "netns",
            space,
            "type",
            "veth",
            "peer",
            "name",
            name,
            "netns",
            self.space("sw")
        )
        try await Self.ip("-n", self.space("sw"), "link", "set", name, "master", "br0", "up")
        try await Self.ip("-n", space, "address", "add", "\(Self.address(name))/24", "dev", "eth0")
        try await Self.ip("-n", space, "link", "set", "eth0", "up")
    }

    private func mount(_ name: String) async throws {
        guard let megabytes: Int = disk.megabytes else { return }
        guard mkdir(data(name), 0o700) == 0 else { throw RigFailure("cannot make \(data(name))") }
        try await Self.command("mount", "-t", "tmpfs", "-o", "size=\(megabytes)m,mode=700", "tmpfs", data(name))
    }

    private func nodeOptions(_ name: String) -> [String] {
        let address: String = Self.address(name)
        return [
            "--data", data(name), "--name", name, "--http", "\(address):8080", "--https", "\(address):8443", "--peer",
            "\(address):8480",
        ]
    }

    func data(_ name: String) -> String { "\(folder)/\(name)" }

    /// A token from the cluster, and `server join` with it.
    @discardableResult
    func join(_ name: String, token: String? = nil, expecting code: Int32 = 0) async throws -> Ended {
        let token: String =
            if let token { token } else {
                try await wait(for: "a join token") {
                    try await json(["cluster", "token"], through: "node1")["token"]?.string
                }
            }
        return try await drover(
            ["server", "join"] + nodeOptions(name) + [
                "--token", token, "--peer-url", "\(Self.address("node1")):8480", "--peer-url",
                "\(Self.address("node2")):8480",
            ],
            in: name
        ).ends(code)
    }

    /// `server run` of a data folder, in a namespace.
    func start(_ name: String, data: String? = nil) throws {
        try spawn(name, ["server", "run", "--data", data ?? self.data(name)])
    }

    private func startHost(_ name: String, token: String, servers: [String]) throws {
        try spawn(
            name,
            ["agent"] + servers.flatMap { ["--url", Self.httpsURL($0)] } + [
                "--token", token, "--data", data(name), "--runtime", "simulated", "--name", name, "--address",
                Self.address(name),
            ]
        )
    }

    private func spawn(_ name: String, _ arguments: [String]) throws {
        var environment: [String: String] = ["HOME": folder]
        if let shim: String = disk.shim, name.hasPrefix("node") {
            environment["LD_PRELOAD"] = shim
            environment["DROVER_FAULTS"] = faultFile(name)
            environment["DROVER_CLOCK_SHIFT"] = shifts.withLock { $0[name] }.map { "\($0)" }
        }
        let child: ChildProcess = try .spawn(
            SubprocessCommand(
                "ip",
                ["netns", "exec", space(name), Program.path] + arguments,
                environment: Program.environment(environment),
                workingDirectory: folder
            ),
            standardOutput: .appendTo("\(folder)/\(name).log"),
            standardError: .appendTo("\(folder)/\(name).log"),
            ownGroup: false
        )
        running.withLock { $0[name] = child }
    }

    // MARK: What is done to it

    /// Nothing reaches it, and it reaches nobody, until ``heal(_:)``.
    func cut(_ name: String) async throws { try await Self.ip("-n", space("sw"), "link", "set", name, "down") }

    func heal(_ name: String) async throws { try await Self.ip("-n", space("sw"), "link", "set", name, "up") }

    /// What one node sends to another one is lost, until ``let(from:to:)``; the other way stays as it is.
    func drop(from: String, to: String) async throws {
        try await Self.ip(
            "netns",
            "exec",
            space(to),
            "iptables",
            "--wait",
            "--append",
            "INPUT",
            "--source",
            Self.address(from),
            "--jump",
            "DROP"
        )
    }

    /// Nothing is lost any more on the way to a node.
    func letAll(to: String) async throws {
        try await Self.ip("netns", "exec", space(to), "iptables", "--wait", "--flush", "INPUT")
    }

    func signal(_ name: String, _ number: Int32) { running.withLock { $0[name] }?.signal(number) }

    /// `setns(2)` of a network namespace, which the C library's module does not show.
    private static func enter(_ space: Int32) -> Int32 {
        typealias Call = @convention(c) (Int32, Int32) -> Int32
        guard let found = dlsym(nil, "setns") else { return -1 }
        return unsafeBitCast(found, to: Call.self)(space, 0x4000_0000)
    }

    /// From the next start of the node on its time of day is another one; with the shim.
    func shiftClock(of name: String, seconds: Int) { shifts.withLock { $0[name] = seconds } }

    /// Lines of a shell, as an operator types them on a machine; `drover` is found, and knows node1 and the key.
    func shell(_ lines: String, in name: String, seconds: Int = 120) async throws -> Ended {
        var environment: [String: String] = Program.environment(["HOME": folder, "DROVER_URL": Self.url("node1")])
        let programs: Substring = Program.path.dropLast("/drover".count)
        environment["PATH"] = "\(programs):\(environment["PATH"] ?? "")"
        environment["DROVER_ACCESS_KEY"] = credentials?.access
        environment["DROVER_SECRET_KEY"] = credentials?.secret
        let command = SubprocessCommand(
            "ip",
            ["netns", "exec", space(name), "bash", "-euo", "pipefail", "-c", lines],
            environment: environment,
            workingDirectory: folder
        )
        return Ended(arguments: [lines], result: try await Subprocess.run(command, deadline: .seconds(seconds)))
    }

    /// Where the faults of a node's disk are told to ``FaultShim``.
    func faultFile(_ name: String) -> String { "\(folder)/\(name).faults" }

    /// A loop whose connections begin in a namespace; it ends with the rig.
    func loop(in name: String) async throws -> EventLoop {
        let loop: EventLoop = try .start()
        loops.withLock { $0.append(loop) }
        let file: String = "/var/run/netns/\(space(name))"
        let entered: Bool = await withCheckedContinuation { continuation in
            loop.execute {
                let space: Int32 = open(file, O_RDONLY | O_CLOEXEC)
                defer { close(space) }
                // Of this thread alone.
                continuation.resume(returning: space >= 0 && Self.enter(space) == 0)
            }
        }
        guard entered else { throw RigFailure("cannot enter \(file): \(String(cString: strerror(errno)))") }
        return loop
    }

    func kill9(_ name: String) async throws {
        guard let child: ChildProcess = running.withLock({ $0.removeValue(forKey: name) }) else { return }
        child.kill()
        _ = await child.wait()
    }

    /// Whether the process has ended by itself, and with what.
    func ended(_ name: String) -> SubprocessStatus? { running.withLock { $0[name] }?.status }

    /// It was never started, was killed, or has ended by itself.
    func isDown(_ name: String) -> Bool { running.withLock { $0[name] }.map { $0.status != nil } ?? true }

    func log(_ name: String) -> String { Files.read("\(folder)/\(name).log") ?? "" }

    // MARK: What it answers

    /// A command in a namespace; `desk` is where the operator sits.
    func drover(_ arguments: [String], in name: String = "desk", seconds: Int = 90) async throws -> Ended {
        let command = SubprocessCommand(
            "ip",
            ["netns", "exec", space(name), Program.path] + arguments,
            environment: Program.environment(["HOME": folder]),
            workingDirectory: folder
        )
        return Ended(arguments: arguments, result: try await Subprocess.run(command, deadline: .seconds(seconds)))
    }

    /// A command of the administrator, through a node.
    func client(_ arguments: [String], through node: String, seconds: Int = 90) async throws -> Ended {
        guard let key = key.withLock({ $0 }) else { throw RigFailure("there is no key yet") }
        return try await drover(
            ["--url", Self.url(node), "--access-key", key.access, "--secret-key", key.secret] + arguments,
            seconds: seconds
        )
    }

    func json(_ arguments: [String], through node: String) async throws -> JSONValue {
        let ended: Ended = try await client(arguments + ["--output", "json"], through: node, seconds: 30)
        guard ended.code == 0 else { throw Unanswered(description: "\(ended)") }
        return try JSONReader.parse(ended.out)
    }

    /// Not now; perhaps later.
    private struct Unanswered: Error, CustomStringConvertible {
        var description: String
    }

    /// What the simulated runtimes of the hosts keep on disk.
    func held() -> [Held] { Held.simulated(below: folder) }

    func containers(through node: String) async throws -> [Shown] {
        try await wait(for: "containers through \(node)") {
            try await json(["ps"], through: node).array?.map { Shown($0) }.sorted { $0.name < $1.name }
        }
    }

    /// Until API and hosts agree.
    @discardableResult
    func agree(through node: String, seconds: Int = 40) async throws -> (shown: [Shown], held: [Held]) {
        var last: [String] = []
        do {
            return try await wait(for: "API and hosts to agree", seconds: seconds) {
                var hosts: [String: String] = [:]
                for host in try await json(["hosts"], through: node).array ?? [] {
                    hosts[host["hostname"]?.string ?? ""] = host["id"]?.string
                }
                let shown: [Shown] = try await json(["ps"], through: node).array?.map { Shown($0) } ?? []
                let there: [Held] = held()
                last = disagreements(shown, there, hosts: hosts)
                return last.isEmpty ? (shown.sorted { $0.name < $1.name }, there) : nil
            }
        } catch {
            throw RigFailure("\(error):\n\(last.joined(separator: "\n"))")
        }
    }

    /// A stack of one plain service.
    func up(_ stack: String, scale: Int, through node: String) async throws -> Ended {
        let path: String = try Files.folder(
            stack,
            in: folder,
            [
                "docker-compose.yml": "version: '2'\nservices:\n  web:\n    image: example/web:1\n",
                "rancher-compose.yml": "version: '2'\nservices:\n  web:\n    scale: \(scale)\n",
            ]
        )
        return try await client(
            ["up", "-d", "--file", "\(path)/docker-compose.yml", "--stack", stack],
            through: node,
            seconds: 120
        )
    }

    func places(through node: String) async throws -> Places {
        try await wait(for: "a leader and owners through \(node)") {
            Places(try await json(["cluster", "status"], through: node))
        }
    }

    private var logs: String {
        Files.names(in: folder).filter { $0.hasSuffix(".log") }.map { file in
            let lines: [Substring] = (Files.read("\(folder)/\(file)") ?? "").split(separator: "\n")
            return "=== \(file): the last of \(lines.count) lines\n" + lines.suffix(40).joined(separator: "\n") + "\n"
        }.joined()
    }

    private func end() async {
        let children: [ChildProcess] = running.withLock { Array($0.values) }
        for child in children { child.kill() }
        for child in children { _ = await child.wait() }
        for loop in loops.withLock({ $0 }) { await loop.stop() }
        if disk.megabytes != nil {
            for name in Files.names(in: folder) where name.hasPrefix("node") {
                _ = try? await Self.command("umount", data(name))
            }
        }
        let listed: String = (try? await Self.ip("netns", "list")) ?? ""
        for line in listed.split(separator: "\n") {
            let name: Substring = line.prefix { $0 != " " }
            if name.hasPrefix(prefix) { _ = try? await Self.ip("netns", "delete", String(name)) }
        }
    }
}
