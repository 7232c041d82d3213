import Certificates
import EventLoop
import Glibc
import JSON
import Subprocess
import Synchronization
import TLS

/// Three etcd members with mutual TLS between them and towards clients, each with a data folder of its own.
final class EtcdCluster: BenchSide {
    let name: String
    let nodeCount: Int = 3
    private let program: String
    private let folder: String
    private let members: [Member]
    private let places: [ServerPlace]
    private let children = Mutex<[ChildProcess?]>([nil, nil, nil])

    private struct Member {
        var name: String
        var client: Int
        var peer: Int
    }

    /// Starts the cluster and returns when it takes writes; nil where etcd is not installed.
    static func start(in folder: String, certificates: BenchCertificates) async throws -> EtcdCluster? {
        guard let program: String = Programs.find("etcd") else { return nil }
        let version: String = await Programs.version(program, ["--version"]) { text in
            text.split(separator: "\n").first?.split(separator: " ").last.map(String.init)
        }
        let ports: [Int] = try await Scratch.ports(6)
        let cluster = EtcdCluster(program, "etcd \(version)", folder, ports, try certificates.clientContext(["h2"]))
        do {
            try await cluster.startAll()
            try await Patience.wait(seconds: 60, for: "etcd to take writes") {
                let loop: EventLoop = try EventLoop.start()
                let isUp: Bool? = try? await loop.run {
                    for node in 0..<3 {
                        let line: any BenchLine = try await cluster.line(to: node, value: 0, on: loop)
                        guard try await line.put(.now(), before: .after(seconds: 5)) else { return false }
                    }
                    return true
                }
                await loop.stop()
                return isUp == true
            }
        } catch {
            await cluster.end()
            throw error
        }
        return cluster
    }

    private init(_ program: String, _ name: String, _ folder: String, _ ports: [Int], _ tls: TLSClientContext) {
        self.program = program
        self.name = name
        self.folder = folder
        members = (0..<3).map { Member(name: "m\($0)", client: ports[$0 * 2], peer: ports[$0 * 2 + 1]) }
        places = members.map { ServerPlace(port: $0.client, tls: tls) }
    }

    // MARK: Processes

    func processes() -> [Int32] {
        children.withLock { $0.compactMap { $0?.status == nil ? $0?.processID : nil } }
    }

    func kill(_ node: Int) throws {
        children.withLock { $0[node]?.kill() }
    }

    func revive(_ node: Int) async throws {
        _ = await children.withLock { $0[node] }?.wait()
        try spawn(node)
    }

    func stopAll() async throws {
        let all: [ChildProcess] = children.withLock { $0.compactMap { $0 } }
        await withTaskGroup(of: Void.self) { group in
            for child in all { group.addTask { _ = await child.stop(grace: .seconds(20)) } }
        }
    }

    func startAll() async throws {
        for node in 0..<nodeCount { try spawn(node) }
    }

    func end() async {
        // In a task that a ctrl-C does not reach: what was started is ended, whatever happens.
        await Task.detached { try? await self.stopAll() }.value
    }

    private func spawn(_ node: Int) throws {
        let member: Member = members[node]
        let certificates: String = BenchCertificates.folder(in: folder)
        let initial: String = members.map { "\($0.name)=https://127.0.0.1:\($0.peer)" }.joined(separator: ",")
        let client: String = "https://127.0.0.1:\(member.client)"
        let peer: String = "https://127.0.0.1:\(member.peer)"
        let tls: [String] = ["", "peer-"].flatMap { prefix in
            [
                "--\(prefix)cert-file=\(certificates)/server.pem", "--\(prefix)key-file=\(certificates)/server.key",
                "--\(prefix)trusted-ca-file=\(certificates)/authority.pem", "--\(prefix)client-cert-auth",
            ]
        }
        let child: ChildProcess = try ChildProcess.spawn(
            SubprocessCommand(
                program,
                [
                    "--name=\(member.name)", "--data-dir=\(folder)/etcd-\(member.name)",
                    "--listen-client-urls=\(client)", "--advertise-client-urls=\(client)",
                    "--listen-peer-urls=\(peer)", "--initial-advertise-peer-urls=\(peer)",
                    "--initial-cluster=\(initial)", "--initial-cluster-state=new", "--logger=zap",
                    "--log-level=error",
                ] + tls,
                environment: ["PATH": Programs.path, "HOME": folder]
            ),
            standardOutput: .appendTo("\(folder)/etcd-\(member.name).log"),
            standardError: .appendTo("\(folder)/etcd-\(member.name).log")
        )
        children.withLock { $0[node] = child }
    }

    func leader() async throws -> Int {
        var ids: [UInt64: Int] = [:]
        var leader: UInt64 = 0
        for node in 0..<nodeCount {
            let loop: EventLoop = try EventLoop.start()
            let place: ServerPlace = places[node]
            let answer: [UInt8]? = try? await loop.run {
                let connection = try await GRPCConnection(place, EtcdMessages.status, on: loop)
                return try await connection.call([], before: .after(seconds: 5))
            }
            await loop.stop()
            guard let answer, let found = EtcdMessages.leader(inStatus: answer[...]) else { continue }
            ids[found.own] = node
            if found.leader != 0 { leader = found.leader }
        }
        guard let node: Int = ids[leader] else { throw BenchFault("no etcd member says who leads") }
        return node
    }

    // MARK: Work

    private static func key(_ value: Int) -> [UInt8] { Array("/registry/values/\(value)".utf8) }

    func line(to node: Int, value: Int, on loop: EventLoop) async throws -> any BenchLine {
        Line(
            try await GRPCConnection(places[node], EtcdMessages.put, on: loop),
            try await GRPCConnection(places[node], EtcdMessages.range, on: loop),
            key: Self.key(value)
        )
    }

    private final class Line: BenchLine {
        private let puts: GRPCConnection
        private let gets: GRPCConnection
        private let key: [UInt8]

        init(_ puts: GRPCConnection, _ gets: GRPCConnection, key: [UInt8]) {
            self.puts = puts
            self.gets = gets
            self.key = key
        }

        var refusal: String { "it gave no answer" }

        func put(_ value: BenchValue, before deadline: Deadline) async throws -> Bool {
            let request: [UInt8] = EtcdMessages.putRequest(key: key, value: value.bytes)
            return !(try await puts.call(request, before: deadline)).isEmpty
        }

        func get(before deadline: Deadline) async throws -> Bool {
            let request: [UInt8] = EtcdMessages.rangeRequest(key: key)
            return EtcdMessages.pairs(inRange: try await gets.call(request, before: deadline)[...]) == 1
        }
    }

    /// As etcd's own benchmark does it: at most 100 connections, each with its share of the clients.
    func clients(_ work: BenchWork, count: Int) -> [LoadRun.Client] {
        let connections: Int = min(count, 100)
        return (0..<connections).map { connection in
            let place: ServerPlace = places[connection % nodeCount]
            let own: [[UInt8]] = (0..<(count / connections)).map { Self.key(connection + connections * $0) }
            return { run, loop in
                let path: String = work == .put ? EtcdMessages.put : EtcdMessages.range
                let connection: GRPCConnection = try await run.turnstile.pass {
                    try await GRPCConnection(place, path, on: loop)
                }
                try await run.arrive()
                return try await Self.work(work, own, connection, run)
            }
        }
    }

    /// Each client of the connection has one request under way; what is answered together goes on together.
    private static func work(
        _ work: BenchWork,
        _ keys: [[UInt8]],
        _ connection: GRPCConnection,
        _ run: LoadRun
    ) async throws -> LoadTally {
        struct Call {
            var client: Int
            var start: UInt64
            var isAnswered: Bool = false
        }
        var tally = LoadTally()
        var calls: [UInt32: Call] = [:]
        func begin(_ client: Int) async throws {
            let request: [UInt8] =
                work == .put
                ? EtcdMessages.putRequest(key: keys[client], value: BenchValue.now().bytes)
                : EtcdMessages.rangeRequest(key: keys[client])
            let start: UInt64 = MonotonicClock.now
            calls[try await connection.begin(request)] = Call(client: client, start: start)
        }
        for client in keys.indices { try await begin(client) }
        while !calls.isEmpty {
            switch try await connection.next(before: .after(seconds: 30)) {
            case .message(let stream, let message):
                let isRight: Bool = work == .put ? !message.isEmpty : EtcdMessages.pairs(inRange: message[...]) == 1
                calls[stream]?.isAnswered = isRight
            case .ended(let stream):
                guard let call: Call = calls.removeValue(forKey: stream) else { continue }
                guard call.isAnswered else { throw BenchFault("etcd refused a request in the middle of a run") }
                run.count(call.start, into: &tally)
                if !run.isOver { try await begin(call.client) }
            }
        }
        return tally
    }

    /// On at most 100 connections, as its own benchmark does it.
    func watchers(count: Int, board: WatchBoard) -> [WatchBoard.Client] {
        let connections: Int = min(count, 100)
        return (0..<connections).map { connection in
            let place: ServerPlace = places[connection % nodeCount]
            let streams: Int = count / connections
            return { board, loop in
                let connection: GRPCConnection = try await board.turnstile.pass {
                    try await GRPCConnection(place, EtcdMessages.watch, on: loop)
                }
                var last: [UInt32: Int] = [:]
                for _ in 0..<streams {
                    _ = try await connection.begin(EtcdMessages.watchRequest(key: Self.key(0)), endsSending: false)
                }
                while true {
                    guard case .message(let stream, let message) = try await connection.next(before: .never) else {
                        throw BenchFault("etcd ended a watch")
                    }
                    if EtcdMessages.isCreated(message[...]) { board.ready() }
                    guard let tick: Int = BenchValue.tick(in: message[...]), last[stream] != tick else { continue }
                    last[stream] = tick
                    board.heard(tick)
                }
            }
        }
    }

    func fill(_ count: Int, from first: Int, on loops: Loops) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            for worker in 0..<64 {
                let place: ServerPlace = places[worker % nodeCount]
                let loop: EventLoop = loops.all[worker % loops.all.count]
                group.addTask(executorPreference: loop) {
                    let connection = try await GRPCConnection(place, EtcdMessages.put, on: loop)
                    for value in stride(from: first + worker, to: first + count, by: 64) {
                        let request: [UInt8] = EtcdMessages.putRequest(
                            key: Self.key(value),
                            value: BenchValue.now().bytes
                        )
                        _ = try await connection.call(request, before: .after(seconds: 60))
                    }
                }
            }
            try await group.waitForAll()
        }
    }
}
