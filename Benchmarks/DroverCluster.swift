import Bytes
import Certificates
import EventLoop
import Glibc
import JSON
import Subprocess
import Synchronization
import TLS

/// Three nodes of this very program over mutual TLS, spoken to through their public HTTPS API with an API key of the
/// environment; a value is the description of a volume.
final class DroverCluster: BenchSide {
    let name: String = "drover"
    let nodeCount: Int = 3
    private let folder: String
    private let data: String
    private let tls: TLSClientContext
    private let dev: ChildProcess
    /// Whose certificates the nodes have.
    let authorityFile: String
    private let administrator: String
    private let current: Mutex<State>

    /// What a node of the cluster is called and where it answers.
    struct Node: Hashable, Sendable {
        var name: String
        var port: Int
        var folder: String
    }

    private struct State {
        var nodes: [Node]
        /// The key that requests are made with.
        var key: (name: String, secret: String)
        /// Started by this process, after the cluster was stopped as a whole; by node.
        var own: [ChildProcess] = []
        /// The ids of the values.
        var volumes: [String] = []
    }

    /// The environment that every cluster begins with.
    static let project: String = "1a5"
    private static let volumesPath: String = "/v2-beta/projects/\(project)/volumes"

    /// Founds the cluster with `drover dev` and returns when it is up.
    static func start(in folder: String) async throws -> DroverCluster {
        let data: String = "\(folder)/drover"
        let log: String = "\(folder)/dev.log"
        let dev: ChildProcess = try ChildProcess.spawn(
            SubprocessCommand(
                "/proc/self/exe",
                ["dev", "--nodes", "3", "--hosts", "0", "--runtime", "simulated", "--data", data, "--port", "0"],
                environment: ["PATH": Programs.path, "HOME": folder]
            ),
            standardOutput: .appendTo(log),
            standardError: .appendTo(log)
        )
        do {
            let access: String = "\(data)/access.json"
            try await Patience.wait(seconds: 120, for: "the cluster to come up; its log is \(log)") {
                guard dev.status == nil else {
                    throw BenchFault("drover dev ended: \(TextFile.read(log)?.suffix(500) ?? "it said nothing")")
                }
                return TextFile.read(access) != nil
            }
            let cluster: DroverCluster = try DroverCluster(dev, folder, data, try Self.access(data))
            try await cluster.takeKey()
            return cluster
        } catch {
            await Task.detached { _ = await dev.stop(grace: .seconds(30)) }.value
            throw error
        }
    }

    private static func access(_ data: String) throws -> JSONValue {
        guard let bytes: [UInt8] = TextFile.bytes("\(data)/access.json") else {
            throw BenchFault("\(data)/access.json is gone: the cluster has stopped")
        }
        return try JSONReader.parse(bytes)
    }

    private init(_ dev: ChildProcess, _ folder: String, _ data: String, _ access: JSONValue) throws {
        guard let file: String = access["caFile"]?.string, let pem: [UInt8] = TextFile.bytes(file),
            let key: String = access["accessKey"]?.string, let secret: String = access["secretKey"]?.string
        else { throw BenchFault("\(data)/access.json lacks the authority or the key") }
        self.dev = dev
        self.folder = folder
        self.data = data
        tls = try TLSClientContext(trust: .authorities(try Certificate.bundle(pem: pem)))
        let nodes: [Node] = (access["nodes"]?.array ?? []).compactMap { node in
            guard let name: String = node["id"]?.string, let url: String = node["httpsUrl"]?.string,
                let port = url.split(separator: ":").last.flatMap({ Int($0) }), let folder = node["data"]?.string
            else { return nil }
            return Node(name: name, port: port, folder: folder)
        }
        authorityFile = file
        administrator = Self.basic(key, secret)
        current = Mutex(State(nodes: nodes, key: (key, secret)))
        guard nodes.count == nodeCount else { throw BenchFault("\(data)/access.json does not name three nodes") }
    }

    private static func basic(_ key: String, _ secret: String) -> String {
        "Basic " + Base64.encode(Array("\(key):\(secret)".utf8))
    }

    var nodes: [Node] { current.withLock { $0.nodes } }
    var key: (name: String, secret: String) { current.withLock { $0.key } }
    private var authorization: String { Self.basic(key.name, key.secret) }

    func place(_ node: Int) -> ServerPlace { ServerPlace(port: nodes[node].port, tls: tls) }

    // MARK: Single calls

    func call(
        _ method: String,
        _ path: String,
        _ body: String? = nil,
        node: Int = 0
    ) async throws -> (status: Int, body: JSONValue) {
        let request: [UInt8] = request(method, path, body.map { Array($0.utf8) })
        let place: ServerPlace = place(node)
        let loop: EventLoop = try EventLoop.start()
        do {
            let (status, bytes): (Int, [UInt8]) = try await loop.run {
                let client = try await HTTPLoadClient(place, on: loop)
                let status: Int = try await client.exchange(request, keepsBody: true)
                return (status, client.body)
            }
            await loop.stop()
            return (status, bytes.isEmpty ? .null : try JSONReader.parse(bytes))
        } catch {
            await loop.stop()
            throw error
        }
    }

    /// A whole request as it goes on the wire.
    func request(_ method: String, _ path: String, _ body: [UInt8]? = nil, mark: String? = nil) -> [UInt8] {
        var text: String = "\(method) \(path) HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: \(authorization)\r\n"
        text += "Accept: application/json\r\n"
        if let mark { text += "X-Mark: \(mark)\r\n" }
        if let body { text += "Content-Type: application/json\r\nContent-Length: \(body.count)\r\n" }
        return Array((text + "\r\n").utf8) + (body ?? [])
    }

    /// From here on with a key of the environment: its rights are looked up and checked for every request.
    private func takeKey() async throws {
        let made = try await call("POST", "/v2-beta/apikeys", #"{"accountId":"\#(Self.project)","name":"bench"}"#)
        guard made.status == 201, let key: String = made.body["publicValue"]?.string,
            let secret: String = made.body["secretValue"]?.string
        else { throw BenchFault("no API key for the environment: \(JSONWriter.pretty(made.body))") }
        current.withLock { $0.key = (key, secret) }
    }

    /// Puts interceptors and destinations in force, and returns when every node knows them.
    func route(_ config: JSONValue) async throws {
        let text = String(
            decoding: JSONWriter.bytes(["value": .string(String(decoding: JSONWriter.bytes(config), as: UTF8.self))]),
            as: UTF8.self
        )
        let put = try await administer("PUT", "/v2-beta/settings/api.interceptor.config", text)
        guard put == 200 else { throw BenchFault("the interceptors' configuration was refused (\(put))") }
        for node in 0..<nodeCount {
            try await Patience.wait(seconds: 30, for: "\(nodes[node].name) to know where requests go") {
                try await administer("GET", "/passing/a", node: node) == 200
            }
        }
    }

    private func administer(_ method: String, _ path: String, _ body: String = "", node: Int = 0) async throws -> Int {
        let length: String =
            body.isEmpty ? "" : "Content-Type: application/json\r\nContent-Length: \(body.utf8.count)\r\n"
        let request: [UInt8] = Array(
            "\(method) \(path) HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: \(administrator)\r\n\(length)\r\n\(body)"
                .utf8
        )
        let place: ServerPlace = place(node)
        let loop: EventLoop = try EventLoop.start()
        let status: Int? = try? await loop.run {
            let client = try await HTTPLoadClient(place, on: loop)
            return try await client.exchange(request, before: .after(seconds: 10))
        }
        await loop.stop()
        return status ?? 0
    }

    /// Which node leads, and which owns the environment; the cluster's own affairs are the administrator's.
    func places() async throws -> (leader: Int, owner: Int) {
        for node in 0..<nodeCount {
            let request: [UInt8] = Array(
                "GET /v2-beta/cluster HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: \(administrator)\r\n\r\n".utf8
            )
            let place: ServerPlace = place(node)
            let loop: EventLoop = try EventLoop.start()
            let bytes: [UInt8]? = try? await loop.run {
                let client = try await HTTPLoadClient(place, on: loop)
                _ = try await client.exchange(request, keepsBody: true, before: .after(seconds: 5))
                return client.body
            }
            await loop.stop()
            guard let bytes, let status: JSONValue = try? JSONReader.parse(bytes),
                let leader: String = status["leader"]?.string,
                let scope: JSONValue = status["scopes"]?.array?.first(where: { $0["scope"]?.string == Self.project }),
                let owner: String = scope["owner"]?.string,
                let first: Int = nodes.firstIndex(where: { $0.name == leader }),
                let second: Int = nodes.firstIndex(where: { $0.name == owner })
            else { continue }
            return (first, second)
        }
        throw BenchFault("no node says who leads and who owns \(Self.project)")
    }

    func leader() async throws -> Int { try await places().leader }

    // MARK: Processes

    func process(_ node: Int) -> Int32? {
        let own: ChildProcess? = current.withLock { $0.own.count > node ? $0.own[node] : nil }
        if let own { return own.status == nil ? own.processID : nil }
        guard let access: JSONValue = try? Self.access(data), let all: [JSONValue] = access["nodes"]?.array,
            all.count > node, let process = all[node]["pid"]?.int, isOwn(Int32(process))
        else { return nil }
        return Int32(process)
    }

    func processes() -> [Int32] { (0..<nodeCount).compactMap { process($0) } }

    /// Whether the process is one of this cluster: its number may have gone to another program.
    private func isOwn(_ process: Int32) -> Bool {
        TextFile.read("/proc/\(process)/cmdline")?.contains("\(data)/") == true
    }

    func kill(_ node: Int) throws {
        guard let process: Int32 = process(node) else { throw BenchFault("\(nodes[node].name) does not run") }
        Glibc.kill(process, SIGKILL)
    }

    func revive(_ node: Int) async throws {
        // `dev` starts it again by itself and writes down the new process.
        try await Patience.wait(seconds: 60, for: "\(nodes[node].name) to be started again") { process(node) != nil }
    }

    func stopAll() async throws {
        _ = await dev.stop(grace: .seconds(60))
        let own: [ChildProcess] = current.withLock { state in
            defer { state.own = [] }
            return state.own
        }
        await withTaskGroup(of: Void.self) { group in
            for child in own { group.addTask { _ = await child.stop(grace: .seconds(20)) } }
        }
    }

    /// Each as an operator starts it.
    func startAll() async throws {
        for node in nodes {
            let log: String = "\(folder)/\(node.name).log"
            let child: ChildProcess = try ChildProcess.spawn(
                SubprocessCommand(
                    "/proc/self/exe",
                    ["server", "run", "--data", node.folder],
                    environment: ["PATH": Programs.path, "HOME": folder]
                ),
                standardOutput: .appendTo(log),
                standardError: .appendTo(log)
            )
            current.withLock { $0.own.append(child) }
        }
    }

    func end() async {
        let left: [Int32] = processes()
        // In a task that a ctrl-C does not reach: what was started is ended, whatever happens.
        await Task.detached { try? await self.stopAll() }.value
        for process in left where isOwn(process) { Glibc.kill(process, SIGKILL) }
    }

    // MARK: Work

    /// Makes volumes until there are `count`; two runs do not disturb each other's.
    func fill(_ count: Int, from first: Int, on loops: Loops) async throws {
        let made: [String] = try await withThrowingTaskGroup(of: [String].self) { group in
            for worker in 0..<64 {
                let place: ServerPlace = place(worker % nodeCount)
                let loop: EventLoop = loops.all[worker % loops.all.count]
                group.addTask(executorPreference: loop) {
                    let client = try await HTTPLoadClient(place, on: loop)
                    var ids: [String] = []
                    for value in stride(from: first + worker, to: first + count, by: 64) {
                        let text = String(decoding: BenchValue.now().bytes, as: UTF8.self)
                        let body: String = #"{"name":"value-\#(value)","driver":"local","description":"\#(text)"}"#
                        let request: [UInt8] = self.request("POST", Self.volumesPath, Array(body.utf8))
                        let status: Int = try await client.exchange(
                            request,
                            keepsBody: true,
                            before: .after(seconds: 60)
                        )
                        guard status == 201, let id: String = try JSONReader.parse(client.body)["id"]?.string else {
                            throw BenchFault(
                                "no volume was made (\(status)): \(String(decoding: client.body.prefix(400), as: UTF8.self))"
                            )
                        }
                        ids.append(id)
                    }
                    return ids
                }
            }
            return try await group.reduce(into: []) { $0 += $1 }
        }
        current.withLock { $0.volumes += made }
    }

    static func path(of volume: String) -> String { "\(volumesPath)/\(volume)" }

    func volume(_ value: Int) -> String {
        current.withLock { $0.volumes.isEmpty ? "1v0" : $0.volumes[value % $0.volumes.count] }
    }

    func line(to node: Int, value: Int, on loop: EventLoop) async throws -> any BenchLine {
        Line(try await HTTPLoadClient(place(node), on: loop), self, volume: volume(value))
    }

    /// A request that is made once; only the value in it changes.
    struct PutRequest {
        private(set) var bytes: [UInt8]
        private let place: Range<Int>

        /// - Parameter padding: so many spaces behind the document.
        init(_ cluster: DroverCluster, volume: String, padding: Int = 0) {
            let front: [UInt8] = Array(#"{"description":""#.utf8)
            let back: [UInt8] = Array(#""}"#.utf8) + [UInt8](repeating: 0x20, count: padding)
            let value: [UInt8] = BenchValue.now().bytes
            bytes = cluster.request("PUT", DroverCluster.path(of: volume), front + value + back)
            let start: Int = bytes.count - back.count - value.count
            place = start..<(start + value.count)
        }

        mutating func set(_ value: BenchValue) { bytes.replaceSubrange(place, with: value.bytes) }
    }

    private final class Line: BenchLine {
        private let client: HTTPLoadClient
        private var request: PutRequest
        private let reading: [UInt8]

        init(_ client: HTTPLoadClient, _ cluster: DroverCluster, volume: String) {
            self.client = client
            request = PutRequest(cluster, volume: volume)
            reading = cluster.request("GET", DroverCluster.path(of: volume))
        }

        var refusal: String { client.refusal }

        func put(_ value: BenchValue, before deadline: Deadline) async throws -> Bool {
            request.set(value)
            return try await client.exchange(request.bytes, before: deadline) == 200
        }

        func get(before deadline: Deadline) async throws -> Bool {
            try await client.exchange(reading, before: deadline) == 200
        }
    }

    /// HTTP/1.1 carries one request at a time: each client has a connection of its own.
    func clients(_ work: BenchWork, count: Int) -> [LoadRun.Client] {
        (0..<count).map { index in
            { run, loop in
                let line: any BenchLine = try await run.turnstile.pass {
                    try await self.line(to: index % self.nodeCount, value: index, on: loop)
                }
                try await run.arrive()
                return try await line.work(work, in: run)
            }
        }
    }

    /// Each a subscription of its own.
    func watchers(count: Int, board: WatchBoard) -> [WatchBoard.Client] {
        let request: [UInt8] = Array(
            """
            GET /v2-beta/projects/\(Self.project)/subscribe?eventNames=resource.change HTTP/1.1\r
            Host: 127.0.0.1\r
            Authorization: \(authorization)\r
            Connection: Upgrade\r
            Upgrade: websocket\r
            Sec-WebSocket-Version: 13\r
            Sec-WebSocket-Key: ZHJvdmVyIGJlbmNobWFyaw==\r
            \r

            """.utf8
        )
        return (0..<count).map { index in
            let place: ServerPlace = place(index % nodeCount)
            return { board, loop in
                let client: HTTPLoadClient = try await board.turnstile.pass {
                    let client = try await HTTPLoadClient(place, on: loop)
                    try await client.stream.write(request, before: .after(seconds: 30))
                    let head: HTTPLoadHead = try await client.readHead(.after(seconds: 30))
                    guard head.status == 101 else { throw BenchFault("a subscription was refused: \(head.status)") }
                    // Behind the first ping nothing is missed.
                    while client.buffer.isEmpty { try await client.readMore(.after(seconds: 30)) }
                    return client
                }
                board.ready()
                var last: Int = -1
                while true {
                    while let frame = ServerFrame.first(
                        in: client.buffer.storage[client.buffer.start..<client.buffer.end]
                    ) {
                        if let tick: Int = BenchValue.tick(in: frame.payload), tick != last {
                            last = tick
                            board.heard(tick)
                        }
                        client.buffer.consume(frame.length)
                    }
                    try await client.readMore(.never)
                }
            }
        }
    }
}

/// A frame of a WebSocket as a server sends it: not masked (RFC 6455, section 5.2).
package struct ServerFrame {
    package var payload: ArraySlice<UInt8>
    /// With its head.
    package var length: Int

    /// The first in `bytes`; nil while it is not whole.
    package static func first(in bytes: ArraySlice<UInt8>) -> ServerFrame? {
        guard bytes.count >= 2 else { return nil }
        let start: Int = bytes.startIndex
        var head: Int = 2
        var count = Int(bytes[start + 1] & 0x7F)
        if count >= 126 {
            let digits: Int = count == 126 ? 2 : 8
            head += digits
            guard bytes.count >= head else { return nil }
            // What does not fit is no frame of ours, and is never whole.
            count = bytes[(start + 2)..<(start + head)].reduce(0) { $0 << 8 | Int($1) } & Int.max
        }
        guard bytes.count - head >= count else { return nil }
        return ServerFrame(payload: bytes[(start + head)..<(start + head + count)], length: head + count)
    }
}
