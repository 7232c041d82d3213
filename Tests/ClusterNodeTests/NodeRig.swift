import Bytes
import EventLoop
import Foundation
import Gateway
import HTTP
import HostProtocol
import JSON
import Logging
import WebSocket

@testable import ClusterNode

/// A real node in a folder of its own, and a client of its API.
actor NodeRig {
    nonisolated let folder: DataFolder
    nonisolated let key: APIKey
    private(set) var node: Node
    private let loop: EventLoop
    nonisolated let client: HTTPClient

    static let logger = Logger(label: "test", level: .error, sink: CapturingLogSink())

    init(settings: [(name: String, value: String)] = [], path: String? = nil) async throws {
        let path: String =
            path ?? FileManager.default.temporaryDirectory.appending(path: "drover-node-\(UUID().uuidString)").path
        folder = DataFolder(path)
        key = try await ServerInit.found(
            folder,
            ServerInit.Options(name: "node1", http: ListenAddress(host: "127.0.0.1", port: 0), settings: settings),
            logger: Self.logger
        )
        node = try await Self.start(folder)
        loop = try EventLoop.start()
        client = HTTPClient(loop: loop)
    }

    static func start(_ folder: DataFolder) async throws -> Node {
        try await Node.start(folder, logger: logger, version: "test") { fatalError("the node broke: \($0)") }
    }

    func restart() async throws {
        await node.stop()
        node = try await Self.start(folder)
    }

    /// After the node was stopped, and something was done to its folder.
    func startAgain() async throws { node = try await Self.start(folder) }

    func stop() async {
        await node.stop()
        await abandon()
    }

    /// Of a node that is stopped already.
    func abandon() async {
        client.close()
        await loop.stop()
        try? FileManager.default.removeItem(atPath: folder.path)
    }

    var endpoint: Endpoint {
        let parts: [Substring] = node.endpoint.split(separator: ":")
        return .tcp(host: String(parts[0]), port: Int(parts[1]) ?? 0)
    }

    /// A request as the administrator, below the environment Default.
    func call(
        _ method: String,
        _ path: String,
        _ body: JSONValue? = nil,
        user: String? = nil,
        password: String? = nil
    ) async throws -> (status: Int, body: JSONValue) {
        let credentials: String = "\(user ?? key.publicValue):\(password ?? key.secretValue)"
        var request = HTTPRequest(
            method: method,
            target: path.hasPrefix("/v2-beta") ? path : "/v2-beta/projects/1a5/\(path)",
            headers: ["Authorization": "Basic \(Base64.encode(Array(credentials.utf8)))"]
        )
        if let body { request.body = JSONWriter.bytes(body) }
        let answer: HTTPClientResponse = try await client.send(request, to: endpoint)
        return (answer.status, (try? JSONReader.parse(answer.body)) ?? .null)
    }

    /// Asks until the condition holds; at most twenty seconds.
    func wait(
        for what: String,
        _ path: String,
        until condition: @Sendable (JSONValue) -> Bool
    ) async throws -> JSONValue {
        var last: JSONValue = .null
        for _ in 0..<400 {
            last = try await call("GET", path).body
            if condition(last) { return last }
            try await loop.sleep(milliseconds: 50)
        }
        throw RigFault(message: "\(what) did not come about: \(JSONWriter.pretty(last))")
    }

    func registrationToken() async throws -> String {
        let made = try await call("POST", "registrationtokens", [:])
        guard let token: String = made.body["token"]?.string else { throw RigFault(message: "\(made)") }
        return token
    }

    /// A host that obeys at once.
    func host(_ name: String) async throws -> PuppetHost {
        try await PuppetHost(name, token: registrationToken(), rig: self)
    }
}

struct RigFault: Error {
    var message: String
}

/// A host without containers: it says of everything that it is done.
actor PuppetHost {
    let name: String
    let uuid: String
    private(set) var accessKey: String = ""
    private var secretKey: String = ""
    private let rig: NodeRig
    private var socket: WebSocket?
    private var reading: Task<Void, Never>?
    /// What it was told to keep, by uuid, and what it was told to remove.
    private(set) var kept: [String: InstanceSpec] = [:]
    private(set) var tombstones: [String] = []
    private(set) var stamps: [FrameStamp] = []
    /// Output of its containers, and commands in them.
    private(set) lazy var streams = PuppetStreams { [weak self] message in
        guard let self else { return false }
        return (try? await self.send(AgentFrame(await self.stamps.last ?? .none, message))) != nil
    }

    init(_ name: String, token: String, rig: NodeRig) async throws {
        self.name = name
        self.rig = rig
        uuid = UUID().uuidString.lowercased()
        let answer = try await rig.call(
            "POST",
            "/v2-beta/register",
            ["key": .string(uuid), "hostname": .string(name)],
            user: "registrationToken",
            password: token
        )
        guard answer.status == 201, let access: String = answer.body["accessKey"]?.string,
            let secret: String = answer.body["secretKey"]?.string
        else { throw RigFault(message: "registering failed: \(answer)") }
        accessKey = access
        secretKey = secret
        try await connect()
    }

    func connect() async throws {
        let socket: WebSocket = try await stream()
        self.socket = socket
        let facts = HostFacts(
            hostUUID: uuid,
            agentVersion: "test",
            runtime: "simulated",
            hostname: name,
            address: "127.9.9.9",
            labels: ["name": name]
        )
        try await send(
            AgentFrame(.none, .hello(Hello(facts: facts, knownIncarnation: nil, knownEpoch: 0, knownRevision: 0)))
        )
        reading = Task { while await self.step(socket) {} }
    }

    /// The node may not own the environment yet; a host tries again.
    private func stream() async throws -> WebSocket {
        let credentials: String = Base64.encode(Array("\(accessKey):\(secretKey)".utf8))
        for _ in 0..<400 {
            do {
                return try await WebSocket.connect(
                    to: await rig.endpoint,
                    target: "/v2-beta/hoststream",
                    headers: ["Authorization": "Basic \(credentials)"],
                    client: rig.client
                )
            } catch WebSocketFault.refused(status: 503, _) {
                try await Task.sleep(for: .milliseconds(50))
            }
        }
        throw RigFault(message: "no node takes the host's stream")
    }

    func disconnect() async {
        await socket?.close()
        await reading?.value
    }

    private func step(_ socket: WebSocket) async -> Bool {
        guard case .text(let text)? = try? await socket.receive(),
            let frame = try? ServerFrame(decoding: Array(text.utf8))
        else { return false }
        stamps.append(frame.stamp)
        switch frame.message {
        case .sync(let sync): await obey(sync, frame.stamp)
        case .ping: try? await send(AgentFrame(frame.stamp, .pong))
        default: await streams.take(frame.message)
        }
        return true
    }

    private func obey(_ sync: Sync, _ stamp: FrameStamp) async {
        var observations: [Observation] = []
        for spec in sync.instances {
            kept[spec.uuid] = spec
            observations.append(
                Observation(
                    uuid: spec.uuid,
                    number: spec.number,
                    generation: spec.generation,
                    condition: spec.goal == .running ? .running : .stopped,
                    externalID: "puppet-\(spec.number)",
                    startCount: 1
                )
            )
        }
        for tombstone in sync.tombstones {
            kept[tombstone.uuid] = nil
            tombstones.append(tombstone.uuid)
            observations.append(
                Observation(
                    uuid: tombstone.uuid,
                    number: tombstone.number,
                    generation: tombstone.generation,
                    condition: .gone
                )
            )
        }
        guard !observations.isEmpty else { return }
        try? await send(AgentFrame(stamp, .report(Report(isFull: false, observations: observations))))
    }

    /// The first frame's stamp that meets the condition, once it has come; at most twenty seconds.
    func stamp(where condition: (FrameStamp) -> Bool) async throws -> FrameStamp {
        for _ in 0..<400 {
            if let found: FrameStamp = stamps.first(where: condition) { return found }
            try await Task.sleep(for: .milliseconds(50))
        }
        throw RigFault(message: "no such frame came; the last was \(String(describing: stamps.last))")
    }

    /// What the host says of instances, true or not.
    func report(_ observations: [Observation]) async throws {
        try await send(AgentFrame(stamps.last ?? .none, .report(Report(isFull: false, observations: observations))))
    }

    private func send(_ frame: AgentFrame) async throws {
        try await socket?.send(text: String(decoding: frame.encoded, as: UTF8.self))
    }
}
